#include "redshift/sqlstate.h"

#include <algorithm>
#include <utility>

#include "aws/denial.h"
#include "base/fill.h"
#include "base/text.h"
#include "redshift/quoting.h"
#include "redshift/sqlstate_table.h"

namespace sluice::redshift {
namespace {

using base::ErrorCode;

unsigned Bit(Phase phase) {
  switch (phase) {
    case Phase::kLogin: return kLogin;
    case Phase::kQuery: return kQuery;
    case Phase::kUnload: return kUnload;
  }
  return kAny;
}

bool HasPieces(std::string_view text, std::string_view pattern) {
  while (!pattern.empty()) {
    const auto piece = pattern.substr(0, pattern.find('*'));
    const auto at = text.find(piece);
    if (at == std::string_view::npos) return false;
    text.remove_prefix(at + piece.size());
    pattern.remove_prefix(std::min(piece.size() + 1, pattern.size()));
  }
  return true;
}

bool HasText(std::string_view text, std::string_view alternatives) {
  for (;;) {
    const auto end = alternatives.find('|');
    if (HasPieces(text, alternatives.substr(0, end))) return true;
    if (end == std::string_view::npos) return false;
    alternatives.remove_prefix(end + 1);
  }
}

const ServerErrorRow& Find(Phase phase, std::string_view sqlstate, const std::string& lower) {
  const bool answered = phase == Phase::kLogin && lower.find("fatal:") != std::string::npos;
  for (const auto rows : {LoginRows(), StorageRows(), StatementRows()}) {
    for (const ServerErrorRow& row : rows) {
      if ((row.phases & Bit(phase)) == 0) continue;
      if (!sqlstate.starts_with(row.sqlstate)) continue;
      if (!HasText(lower, row.text)) continue;
      // Whoever answered has been reached, whatever words he chose.
      if (answered && row.code == ErrorCode::kUnreachable) continue;
      return row;
    }
  }
  return phase == Phase::kLogin ? LoginRows().back() : StatementRows().back();
}

// In one form what the server tells in many; see sqlstate_table.h.
std::string Marks(const std::string& text) {
  std::string marks;
  const auto add = [&](std::string_view name, const std::string& value) {
    if (!value.empty()) marks += "\n[" + std::string(name) + " " + value + "]";
  };
  add("code", ParseBlock(text).code);
  if (const auto s3 = ParseS3Failure(text)) {
    if (s3->status != 0) add("status", std::to_string(s3->status));
    add("s3", s3->error);
  }
  if (const auto curl = CurlErrorIn(text)) add("curl", std::to_string(*curl));
  return marks;
}

// The name after `mark`, with or without quotes. Names are not secret, unlike what may follow them.
std::string NameAfter(std::string_view text, const std::string& lower, std::string_view mark) {
  if (mark.empty()) return {};
  const auto at = lower.find(mark);
  if (at == std::string::npos) return {};
  const std::string_view rest = text.substr(at + mark.size());
  if (rest.starts_with('"')) return std::string(rest.substr(1, rest.find('"', 1) - 1));
  std::string name(rest.substr(0, rest.find_first_of(" \t\r\n,;")));
  while (name.ends_with('.')) name.pop_back();
  return name;
}

std::string Or(const std::string& value, const char* placeholder) {
  return value.empty() ? placeholder : value;
}

std::string IdentOr(const std::string& name, const char* placeholder) {
  return name.empty() || !IsUtf8WithoutNul(name) ? placeholder : Ident(name);
}

std::string DescribeS3(std::string_view text) {
  const auto s3 = ParseS3Failure(text);
  if (!s3) return {};
  std::string description = "(S3";
  if (s3->status != 0) description += " status " + std::to_string(s3->status);
  if (!s3->error.empty()) description += ", " + s3->error;
  if (!s3->request_id.empty()) description += ", request id " + s3->request_id;
  if (!s3->query_id.empty()) description += ", query " + s3->query_id;
  return description + ")";
}

// A word at the end of a message may be empty.
std::string Fill(std::string_view form, const base::Words& words) {
  std::string filled = base::Fill(form, words);
  while (filled.ends_with(' ')) filled.pop_back();
  return filled;
}

std::string Subject(const FailureContext& context) {
  if (!context.subject.empty()) return context.subject;
  if (!context.schema.empty() && !context.table.empty()) {
    return "table " + context.schema + "." + context.table;
  }
  if (!context.workgroup.empty()) return "workgroup " + context.workgroup;
  return context.host.empty() ? std::string() : "host " + context.host;
}

std::string_view DefaultOperation(Phase phase) {
  switch (phase) {
    case Phase::kLogin: return "log in";
    case Phase::kQuery: return "query";
    case Phase::kUnload: return "UNLOAD";
  }
  return "query";
}

}  // namespace

std::string GrantStatements(const FailureContext& context) {
  const std::string user = IdentOr(context.user, "\"<database user>\"");
  if (context.schema.empty()) {
    return "GRANT USAGE on the schema of each table that is read, and GRANT SELECT on the table" +
           (context.table.empty() ? "" : " " + IdentOr(context.table, "")) + ", TO " + user + ".";
  }
  const std::string schema = IdentOr(context.schema, "\"<schema>\"");
  const std::string tables = context.table.empty()
                                 ? "ALL TABLES IN SCHEMA " + schema
                                 : "TABLE " + schema + "." + IdentOr(context.table, "\"<table>\"");
  return "GRANT USAGE ON SCHEMA " + schema + " TO " + user + ";\nGRANT SELECT ON " + tables +
         " TO " + user + ";";
}

namespace {

std::string Look(const FailureContext& context, const std::string& text) {
  if (context.has_query) return "Try the stream's query in the query editor.";
  const std::string query = ParseBlock(text).query;
  return "More of it tells the console: Redshift Serverless, Query and database monitoring" +
         (query.empty() ? std::string() : ", query " + query) + ".";
}

base::Words FieldsOf(const ServerFailure& failure, const FailureContext& known,
                     const std::string& object, const std::string& text) {
  return {{"user", Or(known.user, "<database user>")},
          {"user_ident", IdentOr(known.user, "\"<database user>\"")},
          {"host", Or(known.host, "<host>")},
          {"port", known.port == 0 ? "5439" : std::to_string(known.port)},
          {"database", Or(known.database, "<database>")},
          {"workgroup", Or(known.workgroup, "<workgroup>")},
          {"bucket", Or(known.bucket, "<bucket>")},
          {"region", Or(known.bucket_region, "<region>")},
          {"grants", GrantStatements(known)},
          {"object", Or(object, "<name>")},
          {"object_ident", IdentOr(object, "\"<name>\"")},
          {"s3", DescribeS3(text)},
          {"look", Look(known, text)},
          {"text", Shown(failure.sqlstate, failure.message, failure.detail)},
          {"state", Or(failure.sqlstate, "unknown")}};
}

// S3 and KMS refuse in the words of IAM, whatever the server was doing.
std::optional<aws::Denial> DenialIn(Phase phase, const std::string& text) {
  if (phase == Phase::kLogin) return std::nullopt;
  auto denial = aws::ReadDenial(text);
  if (!denial) return std::nullopt;
  // The server's own "Not authorized to get credentials of role" names no action.
  if (denial->action.empty() && denial->kind == aws::PolicyKind::kUnknown) return std::nullopt;
  return denial;
}

void ExplainDenial(aws::Denial denial, const base::Words& fields, base::ErrorInfo& info) {
  if (denial.action.empty()) denial.action = "s3:PutObject";
  if (denial.resource.empty() || !denial.resource.starts_with("arn:")) {
    denial.resource = denial.action.starts_with("kms:")
                          ? "<ARN of the key>"
                          : "arn:aws:s3:::" + fields.find("bucket")->second + "/*";
  }
  const aws::DenialAdvice advice = aws::AdviseOn(denial, aws::Asker::kWorkgroup);
  const bool of_key = denial.action.starts_with("kms:");
  const bool of_s3 = denial.action.starts_with("s3:");
  info.code = ErrorCode::kPermission;
  info.retryable = false;
  info.in_doubt = false;
  info.message = of_key ? "the KMS key " + denial.resource + " may not be used"
                 : of_s3
                     ? "bucket " + fields.find("bucket")->second + " refused the server's request"
                     : "AWS refused the server's request";
  if (!advice.seen.empty()) info.message += ": " + advice.seen;
  if (!denial.principal.empty()) info.message += "; asked by " + denial.principal;
  const std::string& s3 = fields.find("s3")->second;
  if (!s3.empty()) info.message += " " + s3;
  info.remedy = advice.remedy;
  info.reason = std::string(advice.reason);
  // A policy that refuses to write says no more than that; the finding tells the likeliest cause.
  const bool guess =
      denial.action == "s3:PutObject" && denial.outright &&
      (denial.kind == aws::PolicyKind::kResource || denial.kind == aws::PolicyKind::kUnknown);
  if (guess) info.reason = "policy_refuses";
  info.facts["policy"] = aws::PolicyKindName(denial.kind);
  info.facts["action"] = denial.action;
  info.facts["resource"] = denial.resource;
  info.facts["principal"] = denial.principal;
  info.facts["holder"] = aws::HolderOf(denial.principal);
}

}  // namespace

base::ErrorInfo Classify(Phase phase, const ServerFailure& failure, const FailureContext& context) {
  const std::string text = failure.message + "\n" + failure.detail + "\n" + failure.hint;
  const std::string lower = base::Lower(text + Marks(text));
  const ServerErrorRow* found = &Find(phase, failure.sqlstate, lower);
  if (found == &StatementRows().back() && !failure.notices.empty()) {
    found = &Find(phase, failure.sqlstate, lower + "\n" + base::Lower(failure.notices));
  }
  const ServerErrorRow& row = *found;
  const std::string object = NameAfter(text, base::Lower(text), row.object_after);
  // The server's word outranks the caller's: a query may name several tables.
  FailureContext known = context;
  if (row.object_after == "for schema " || row.object_after == "schema ") {
    if (object != known.schema) known.table.clear();
    known.schema = object;
  }
  if (row.object_after == "for relation " && known.schema.empty()) known.table = object;
  if (phase == Phase::kLogin && row.object_after == "user ") known.user = object;
  const base::Words fields = FieldsOf(failure, known, object, text);
  base::ErrorInfo info = {
      .code = row.code,
      .operation = Or(context.operation, std::string(DefaultOperation(phase)).c_str()),
      .subject = Subject(context),
      .message = Fill(row.message, fields),
      .remedy = Fill(row.remedy, fields),
      .retryable = row.retryable,
      .in_doubt = row.in_doubt,
      .reason = std::string(row.reason),
      .facts = fields};
  if (auto denial = DenialIn(phase, text)) ExplainDenial(std::move(*denial), fields, info);
  return info;
}

}  // namespace sluice::redshift
