// A scripted workgroup for tests: rules say how statements are answered, in order of their making;
// a rule made with Once() is used up. Every session of it shares the script. No test library
// needed.
//
//   auto workgroup = std::make_shared<FakeWorkgroup>();
//   workgroup->When(Contains("svv_all_columns")).Rows({"a", "b"}, {{"1", std::nullopt}});
//   workgroup->When(StartsWith("UNLOAD")).Once().HoldsUntilStopped();
//   workgroup->When(StartsWith("UNLOAD")).Runs([&](std::string_view sql) {...}).Unloads(3);
//   parts.login = [=](const base::Call&) { return workgroup->Login(); };
#pragma once
#include <chrono>
#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "redshift/session.h"

namespace sluice::redshift::testing {

using StatementMatcher = std::function<bool(std::string_view sql)>;

inline StatementMatcher Contains(std::string piece) {
  return [piece = std::move(piece)](std::string_view sql) {
    return sql.find(piece) != std::string_view::npos;
  };
}
inline StatementMatcher StartsWith(std::string piece) {
  return [piece = std::move(piece)](std::string_view sql) { return sql.starts_with(piece); };
}
inline StatementMatcher Is(std::string text) {
  return [text = std::move(text)](std::string_view sql) { return sql == text; };
}

// How a statement is answered. Steps in this order: hold, effect, error, result.
class Rule {
 public:
  explicit Rule(StatementMatcher matcher) : matcher_(std::move(matcher)) {}

  Rule& Once() { return Times(1); }
  Rule& Times(int times) {
    uses_left_ = times;
    return *this;
  }
  Rule& Rows(std::vector<std::string> names,
             std::vector<std::vector<std::optional<std::string>>> rows) {
    result_.columns.clear();
    for (auto& name : names) result_.columns.push_back({.name = std::move(name), .type_oid = 1043});
    result_.rows = std::move(rows);
    return *this;
  }
  // An empty result with types: the answer to a LIMIT 0 select.
  Rule& Describes(std::vector<ResultColumn> columns) {
    result_ = {.columns = std::move(columns)};
    return *this;
  }
  // UNLOAD's notice. Without it: no notice.
  Rule& Unloads(std::uint64_t rows) {
    notice_rows_ = rows;
    return *this;
  }
  Rule& Fails(base::ErrorInfo error) {
    error_ = std::move(error);
    return *this;
  }
  // Called on the session's thread with the statement, keys included: what the server would do.
  Rule& Runs(std::function<void(std::string_view sql)> effect) {
    effect_ = std::move(effect);
    return *this;
  }
  // Answers only when the call's stop_token fires (kCancelled). REQUIRES: that it will.
  Rule& HoldsUntilStopped() {
    holds_ = true;
    return *this;
  }

 private:
  friend class FakeWorkgroup;
  friend class FakeSession;
  StatementMatcher matcher_;
  int uses_left_ = -1;  // -1: any number
  QueryResult result_;
  std::optional<std::uint64_t> notice_rows_;
  std::optional<base::ErrorInfo> error_;
  std::function<void(std::string_view)> effect_;
  bool holds_ = false;
};

// Thread-safe, except When(): make all rules first. A statement without a rule is a kInternal error
// that tells it, save BEGIN, COMMIT and ROLLBACK, which then succeed.
class FakeWorkgroup : public std::enable_shared_from_this<FakeWorkgroup> {
 public:
  Rule& When(StatementMatcher matcher) { return rules_.emplace_back(std::move(matcher)); }

  // REQUIRES: this is held by a shared_ptr.
  std::unique_ptr<Session> Login();

  // Every statement in the order received, over all sessions. UNLOADs with their keys.
  std::vector<std::string> statements() const {
    const std::lock_guard lock(mu_);
    return statements_;
  }
  int logins() const {
    const std::lock_guard lock(mu_);
    return logins_;
  }
  int sessions_open() const {
    const std::lock_guard lock(mu_);
    return sessions_open_;
  }
  // Waits until a statement that matches was received; false after `patience`.
  bool AwaitStatement(const StatementMatcher& matcher,
                      std::chrono::seconds patience = std::chrono::seconds(20)) const {
    std::unique_lock lock(mu_);
    return received_.wait_for(lock, patience, [&] {
      for (const auto& sql : statements_) {
        if (matcher(sql)) return true;
      }
      return false;
    });
  }

 private:
  friend class FakeSession;
  // The rule for `sql` (a copy, used up by one), after it was recorded.
  std::optional<Rule> Receive(std::string_view sql) {
    const std::lock_guard lock(mu_);
    statements_.emplace_back(sql);
    received_.notify_all();
    for (auto& rule : rules_) {
      if (rule.uses_left_ == 0 || !rule.matcher_(sql)) continue;
      if (rule.uses_left_ > 0) --rule.uses_left_;
      return rule;
    }
    return std::nullopt;
  }
  void Opened(int change) {
    const std::lock_guard lock(mu_);
    sessions_open_ += change;
    if (change > 0) ++logins_;
  }

  std::deque<Rule> rules_;  // a deque, so that the Rule& of When() stays good
  mutable std::mutex mu_;
  mutable std::condition_variable received_;  // guarded by mu_, as all below
  std::vector<std::string> statements_;
  int logins_ = 0;
  int sessions_open_ = 0;
};

class FakeSession final : public Session {
 public:
  explicit FakeSession(std::shared_ptr<FakeWorkgroup> workgroup)
      : workgroup_(std::move(workgroup)) {
    workgroup_->Opened(1);
  }
  ~FakeSession() override { Close(); }

  QueryResult Query(std::string_view sql, const base::Call& call) override {
    return Answer(sql, call).result_;
  }
  void Execute(std::string_view sql, const base::Call& call) override { Answer(sql, call); }
  void Begin(const base::Call& call) override { Answer("BEGIN", call); }
  void Commit(const base::Call& call) override { Answer("COMMIT", call); }
  void Rollback() noexcept override {
    if (open_) workgroup_->Receive("ROLLBACK");
  }
  UnloadResult Unload(const base::Secret& statement, const base::Call& call) override {
    return {.notice_rows = Answer(statement.Reveal(), call).notice_rows_};
  }
  void Close() noexcept override {
    if (std::exchange(open_, false)) workgroup_->Opened(-1);
  }

 private:
  Rule Answer(std::string_view sql, const base::Call& call) {
    if (!open_) Fail("the session was closed", sql);
    if (call.stop.stop_requested()) base::ThrowCancelled("query", "scripted workgroup");
    const std::optional<Rule> rule = workgroup_->Receive(sql);
    if (!rule) {
      if (sql == "BEGIN" || sql == "COMMIT") return Rule(nullptr);
      Fail("no rule answers this statement", sql);
    }
    if (rule->holds_) Hold(call);
    if (rule->effect_) rule->effect_(sql);
    if (rule->error_) throw base::Error(*rule->error_);
    return *rule;
  }
  [[noreturn]] static void Hold(const base::Call& call) {
    std::mutex mu;
    std::condition_variable_any wake;
    std::unique_lock lock(mu);
    wake.wait(lock, call.stop, [] { return false; });
    base::ThrowCancelled("query", "scripted workgroup");
  }
  [[noreturn]] static void Fail(std::string message, std::string_view sql) {
    throw base::Error({.code = base::ErrorCode::kInternal,
                       .operation = "scripted workgroup",
                       .subject = std::string(sql),
                       .message = std::move(message)});
  }

  std::shared_ptr<FakeWorkgroup> workgroup_;
  bool open_ = true;
};

inline std::unique_ptr<Session> FakeWorkgroup::Login() {
  return std::make_unique<FakeSession>(shared_from_this());
}

}  // namespace sluice::redshift::testing
