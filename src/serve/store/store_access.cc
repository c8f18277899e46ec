#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "serve/base/ids.h"
#include "serve/store/rows.h"
#include "serve/store/store_impl.h"

namespace sluice::serve {
namespace {

constexpr auto kAnswerLife = std::chrono::hours(24);
// Of `last_used_at`: a write for each call would make every reader of the API a writer.
constexpr auto kUseGrain = std::chrono::minutes(1);
constexpr std::size_t kTokenBytes = 32;
constexpr std::size_t kUnwrittenMax = 10'000;

constexpr std::string_view kTokenColumns =
    "t.number, t.id, t.name, t.scope, t.tenant, t.created, t.expires, t.used";

// base62 of 32 random bytes, by the pair: what is left over of a byte's values is drawn again.
std::string TokenText() {
  constexpr std::string_view kDigits =
      "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
  std::string text;
  while (text.size() < 43) {  // 62^43 is above 2^256
    for (const char c : RandomBytes(kTokenBytes)) {
      const auto byte = static_cast<unsigned char>(c);
      if (byte < 248 && text.size() < 43) text += kDigits[byte % 62];
    }
  }
  return text;
}

std::string AnswerPlace(std::string_view owner, std::string_view name) {
  return PlaceOf({"answer", owner, name});
}

}  // namespace

std::pair<Token, base::Secret> SqliteStore::AddToken(std::string_view name, Scope scope,
                                                     const std::optional<std::string>& tenant,
                                                     std::optional<base::UtcTime> expires_at) {
  base::Secret text("slc_" + TokenText());
  Token token{.id = NewId(kTokenId),
              .name = std::string(name),
              .scope = scope,
              .tenant = tenant,
              .created_at = FromMs(ToMs(clock_.Utc())),
              .expires_at = expires_at,
              .last_used_at = std::nullopt};
  connections_.Write([&](sqlite::Database& db) {
    if (tenant) {
      sqlite::Statement there(db, "SELECT 1 FROM tenant WHERE id = ?");
      if (!there.Bind(*tenant).Step()) ThrowNotFound("tenant", *tenant);
    }
    sqlite::Statement insert(db,
                             "INSERT INTO token(id, hash, name, scope, tenant, created, expires)"
                             " VALUES(?, ?, ?, ?, ?, ?, ?)");
    insert.Bind(token.id).Bind(Sha256Hex(text.Reveal())).Bind(name).Bind(ToText(scope));
    insert.Bind(tenant).Bind(ToMs(token.created_at)).Bind(ToMs(expires_at)).Step();
  });
  return {std::move(token), std::move(text)};
}

// nullopt: it is over.
std::optional<Token> SqliteStore::ReadToken(sqlite::Statement& row) const {
  const auto scope = ParseScope(row.Text(3));
  Token token{.id = row.Text(1),
              .name = row.Text(2),
              .scope = scope.value_or(Scope::kConnect),
              .tenant = row.OptionalText(4),
              .created_at = FromMs(row.Number(5)),
              .expires_at = OptionalMs(row, 6),
              .last_used_at = OptionalMs(row, 7)};
  if (!scope || (token.expires_at && *token.expires_at <= clock_.Utc())) return std::nullopt;
  return token;
}

void SqliteStore::NoteUse(const Token& token) {
  const base::UtcTime now = clock_.Utc();
  if (token.last_used_at && now - *token.last_used_at < kUseGrain && now >= *token.last_used_at) {
    return;
  }
  // Whoever only reads is answered though nothing can be written: the next use is noted.
  connections_.WriteIfFree([&](sqlite::Database& db) {
    sqlite::Statement update(db, "UPDATE token SET used = ? WHERE id = ?");
    update.Bind(ToMs(now)).Bind(token.id).Step();
  });
}

std::optional<Token> SqliteStore::FindToken(const base::Secret& text) {
  // By its hash: how far a wrong one agrees tells nobody anything.
  auto token = connections_.Read([&](sqlite::Database& db) -> std::optional<Token> {
    sqlite::Statement row(
        db, fmt::format("SELECT {} FROM token t WHERE t.hash = ?", kTokenColumns).c_str());
    if (!row.Bind(Sha256Hex(text.Reveal())).Step()) return std::nullopt;
    return ReadToken(row);
  });
  if (token) NoteUse(*token);
  return token;
}

Page<Token> SqliteStore::Tokens(const std::optional<std::string>& tenant,
                                const PageRequest& request) {
  const int limit = LimitOf(request);
  const std::int64_t after = CursorOf(request, false);
  const std::string sql = fmt::format(
      "SELECT {} FROM token t WHERE {} AND t.number > ? AND (t.expires IS NULL OR t.expires > ?)"
      " ORDER BY t.number LIMIT ?",
      kTokenColumns, tenant ? "t.tenant = ?" : "?1 IS NULL");
  return connections_.Read([&](sqlite::Database& db) {
    sqlite::Statement row(db, sql.c_str());
    row.Bind(tenant).Bind(after).Bind(ToMs(clock_.Utc())).Bind(limit + 1);
    Page<Token> page;
    std::vector<std::int64_t> numbers;
    while (row.Step()) {
      if (auto token = ReadToken(row)) {
        page.items.push_back(*std::move(token));
        numbers.push_back(row.Number(0));
      }
    }
    EndPage(page, numbers, limit);
    return page;
  });
}

void SqliteStore::DeleteToken(const std::optional<std::string>& tenant, std::string_view id) {
  const bool there = connections_.Write([&](sqlite::Database& db) {
    sqlite::Statement gone(db, tenant
                                   ? "DELETE FROM token WHERE tenant = ? AND id = ? RETURNING 1"
                                   : "DELETE FROM token WHERE ?1 IS NULL AND id = ? RETURNING 1");
    const bool found = gone.Bind(tenant).Bind(id).Step();
    while (found && gone.Step()) {
    }
    return found;
  });
  if (!there) ThrowNotFound("token", id);
}

base::Secret SqliteStore::AddSession(std::string_view token, base::UtcTime expires_at) {
  base::Secret text(TokenText());
  connections_.Write([&](sqlite::Database& db) {
    sqlite::Statement over(db, "DELETE FROM session WHERE expires <= ?");
    over.Bind(ToMs(clock_.Utc())).Step();
    sqlite::Statement there(db, "SELECT 1 FROM token WHERE id = ?");
    if (!there.Bind(token).Step()) ThrowNotFound("token", token);
    sqlite::Statement insert(db, "INSERT INTO session VALUES(?, ?, ?)");
    insert.Bind(Sha256Hex(text.Reveal())).Bind(token).Bind(ToMs(expires_at)).Step();
  });
  return text;
}

std::optional<Token> SqliteStore::FindSession(const base::Secret& text) {
  auto token = connections_.Read([&](sqlite::Database& db) -> std::optional<Token> {
    sqlite::Statement row(db, fmt::format("SELECT {} FROM session s JOIN token t ON t.id = s.token"
                                          " WHERE s.hash = ? AND s.expires > ?",
                                          kTokenColumns)
                                  .c_str());
    row.Bind(Sha256Hex(text.Reveal())).Bind(ToMs(clock_.Utc()));
    if (!row.Step()) return std::nullopt;
    return ReadToken(row);
  });
  if (token) NoteUse(*token);
  return token;
}

void SqliteStore::DeleteSession(const base::Secret& text) {
  connections_.Write([&](sqlite::Database& db) {
    sqlite::Statement gone(db, "DELETE FROM session WHERE hash = ?");
    gone.Bind(Sha256Hex(text.Reveal())).Step();
  });
}

void SqliteStore::Audit(const AuditEntry& entry) {
  connections_.Write([&](sqlite::Database& db) {
    sqlite::Statement insert(db,
                             "INSERT INTO audit(at, token, token_name, tenant, action, subject,"
                             " address) VALUES(?, ?, ?, ?, ?, ?, ?)");
    insert.Bind(ToMs(entry.at)).Bind(entry.token).Bind(entry.token_name).Bind(entry.tenant);
    insert.Bind(entry.action).Bind(entry.subject).Bind(entry.address).Step();
  });
}

Page<AuditEntry> SqliteStore::AuditLog(const std::optional<std::string>& tenant,
                                       const PageRequest& request) {
  const int limit = LimitOf(request);
  const std::int64_t before = CursorOf(request, true);
  const std::string sql = fmt::format(
      "SELECT number, at, token, token_name, tenant, action, subject, address FROM audit WHERE {} "
      "AND"
      " number < ? ORDER BY number DESC LIMIT ?",
      tenant ? "tenant = ?" : "?1 IS NULL");
  return connections_.Read([&](sqlite::Database& db) {
    sqlite::Statement row(db, sql.c_str());
    row.Bind(tenant).Bind(before).Bind(limit + 1);
    Page<AuditEntry> page;
    std::vector<std::int64_t> numbers;
    while (row.Step()) {
      numbers.push_back(row.Number(0));
      page.items.push_back({.at = FromMs(row.Number(1)),
                            .token = row.OptionalText(2),
                            .token_name = row.OptionalText(3),
                            .tenant = row.OptionalText(4),
                            .action = row.Text(5),
                            .subject = row.Text(6),
                            .address = row.OptionalText(7)});
    }
    EndPage(page, numbers, limit);
    return page;
  });
}

void SqliteStore::PruneAudit(base::UtcTime before) {
  connections_.Write([&](sqlite::Database& db) {
    sqlite::Statement gone(db, "DELETE FROM audit WHERE at < ?");
    gone.Bind(ToMs(before)).Step();
    sqlite::Statement over(db, "DELETE FROM token WHERE expires < ?");
    over.Bind(ToMs(before)).Step();
    sqlite::Statement signed_out(db, "DELETE FROM session WHERE expires < ?");
    signed_out.Bind(ToMs(before)).Step();
  });
}

std::optional<SavedAnswer> SqliteStore::ClaimKey(std::string_view owner, std::string_view key,
                                                 std::string_view request) {
  const std::string print = Sha256Hex(request);
  const base::UtcTime now = clock_.Utc();
  WriteUnwritten(owner, key);
  return connections_.Write([&](sqlite::Database& db) -> std::optional<SavedAnswer> {
    sqlite::Statement over(db, "DELETE FROM answer WHERE created <= ?");
    over.Bind(ToMs(AnswersSince())).Step();
    sqlite::Statement row(
        db, "SELECT request, status, key, sealed FROM answer WHERE owner = ? AND name = ?");
    if (!row.Bind(owner).Bind(key).Step()) {
      sqlite::Statement insert(
          db, "INSERT INTO answer(owner, name, request, created) VALUES(?, ?, ?, ?)");
      insert.Bind(owner).Bind(key).Bind(print).Bind(ToMs(now)).Step();
      return std::nullopt;
    }
    if (row.Text(0) != print) {
      throw base::Error({.code = base::ErrorCode::kInvalidConfig,
                         .operation = "look up the idempotency key",
                         .subject = "Idempotency-Key",
                         .message = "it was used for another request",
                         .remedy = "Make a new key for each thing that is to be done once.",
                         .reason = std::string(kReasonKeyReused)});
    }
    const auto status = row.OptionalNumber(1);
    if (!status) {
      throw base::Error({.code = base::ErrorCode::kConflict,
                         .operation = "look up the idempotency key",
                         .subject = "Idempotency-Key",
                         .message = "the first call with it has not ended",
                         .remedy = "Wait a moment, then send it again.",
                         .retryable = true});
    }
    const base::Secret body =
        keyring_.Open({.key_id = row.Text(2), .text = row.Text(3)}, AnswerPlace(owner, key));
    return SavedAnswer{.status = static_cast<int>(*status), .body = body.Reveal()};
  });
}

// A clock that jumps ahead makes no answer older: then what is sent again would be done again.
base::UtcTime SqliteStore::AnswersSince() const {
  const auto open_for =
      std::chrono::duration_cast<base::UtcTime::duration>(clock_.Steady() - opened_);
  return std::min(clock_.Utc(), opened_at_ + open_for) - kAnswerLife;
}

void SqliteStore::KeepUnwritten(std::string_view owner, std::string_view key,
                                std::optional<SavedAnswer> answer) {
  const std::lock_guard lock(unwritten_mu_);
  // Who has that many of them loses an answer, and no memory.
  if (unwritten_.size() >= kUnwrittenMax) unwritten_.erase(unwritten_.begin());
  unwritten_.insert_or_assign({std::string(owner), std::string(key)}, std::move(answer));
}

// Taken by one call alone: what another claimed meanwhile is not forgotten with it.
void SqliteStore::WriteUnwritten(std::string_view owner, std::string_view key) {
  std::optional<SavedAnswer> answer;
  {
    const std::lock_guard lock(unwritten_mu_);
    const auto found = unwritten_.find({std::string(owner), std::string(key)});
    if (found == unwritten_.end()) return;
    answer = std::move(found->second);
    unwritten_.erase(found);
  }
  try {
    answer ? WriteAnswer(owner, key, *answer) : DropKey(owner, key);
  } catch (...) {
    KeepUnwritten(owner, key, std::move(answer));
    throw;
  }
}

void SqliteStore::WriteAnswer(std::string_view owner, std::string_view key,
                              const SavedAnswer& answer) {
  connections_.Write([&](sqlite::Database& db) {
    // Sealed: the answer to a new token holds its text.
    const Sealed sealed = keyring_.SealWithin(db, answer.body, AnswerPlace(owner, key));
    sqlite::Statement update(
        db, "UPDATE answer SET status = ?, key = ?, sealed = ? WHERE owner = ? AND name = ?");
    update.Bind(answer.status).Bind(sealed.key_id).Bind(sealed.text).Bind(owner).Bind(key).Step();
  });
}

void SqliteStore::ForgetUnanswered() {
  connections_.Write(
      [](sqlite::Database& db) { db.Execute("DELETE FROM answer WHERE status IS NULL"); });
}

void SqliteStore::DropKey(std::string_view owner, std::string_view key) {
  connections_.Write([&](sqlite::Database& db) {
    sqlite::Statement gone(db,
                           "DELETE FROM answer WHERE owner = ? AND name = ? AND status IS NULL");
    gone.Bind(owner).Bind(key).Step();
  });
}

void SqliteStore::SaveAnswer(std::string_view owner, std::string_view key,
                             const SavedAnswer& answer) {
  try {
    WriteAnswer(owner, key, answer);
  } catch (const base::Error& error) {
    if (!error.info().retryable) throw;
    KeepUnwritten(owner, key, answer);
  }
}

void SqliteStore::ForgetKey(std::string_view owner, std::string_view key) {
  try {
    DropKey(owner, key);
  } catch (const base::Error& error) {
    if (!error.info().retryable) throw;
    KeepUnwritten(owner, key, std::nullopt);
  }
}

}  // namespace sluice::serve
