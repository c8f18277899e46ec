#include "serve/api/call.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/printable.h"
#include "base/text.h"

namespace sluice::serve {
namespace {

using base::ErrorCode;

constexpr std::size_t kNameMax = 200;

[[noreturn]] void Throw400(std::string subject, std::string message, std::string remedy) {
  throw StatusError(400, "Bad request",
                    {.code = ErrorCode::kInvalidConfig,
                     .operation = "read request",
                     .subject = std::move(subject),
                     .message = std::move(message),
                     .remedy = std::move(remedy)});
}

const Json* Find(const Json& body, std::string_view name) {
  const auto found = body.find(std::string(name));
  return found == body.end() || found->is_null() ? nullptr : &*found;
}

}  // namespace

Response JsonResponse(int status, const Json& json) {
  return {.status = status,
          .fields = {{"Content-Type", "application/json"}},
          .body = base::Printable(json.dump(-1, ' ', false, Json::error_handler_t::replace))};
}

Response NoContent() { return {.status = 204, .fields = {}, .body = {}}; }

Response ProblemAnswer(std::exception_ptr error) {
  Problem problem = ProblemOf(error);
  try {
    std::rethrow_exception(error);
  } catch (const StatusError& known) {
    problem.status = known.status();
    problem.title = known.title();
  } catch (...) {
    // Its code says the status.
  }
  Response response = JsonResponse(problem.status, ToJson(problem));
  response.fields = {{"Content-Type", "application/problem+json"}};
  if (problem.status == 401) response.fields.emplace_back("WWW-Authenticate", "Bearer");
  if (problem.status == 429 || problem.status == 503) {
    response.fields.emplace_back("Retry-After", problem.status == 429 ? "60" : "2");
  }
  return response;
}

Response ResourceResponse(const Call& call, int status, const Json& json) {
  Response response = JsonResponse(status, json);
  if (const auto version = json.find("version"); version != json.end()) {
    response.fields.emplace_back("ETag", fmt::format("\"{}\"", version->get<std::int64_t>()));
  }
  if (status == 201) {
    response.fields.emplace_back(
        "Location", call.request.path + "/" + json.at("id").get_ref<const std::string&>());
  }
  return response;
}

Json NextCursorJson(const std::optional<std::string>& cursor) {
  return cursor ? Json(*cursor) : Json();
}

Json BodyOf(const Call& call, const Json& absent) {
  const std::string& text = call.request.body;
  if (text.empty()) {
    if (!absent.is_null()) return absent;
    Throw400("body", "there is no body",
             "Send a JSON object, as /api/v1/openapi.json describes it.");
  }
  const std::string type(call.request.Field("Content-Type").value_or(""));
  if (!base::EqualFolded(type.substr(0, type.find(';')), "application/json")) {
    throw StatusError(415, "Not JSON",
                      {.code = ErrorCode::kInvalidConfig,
                       .operation = "read request",
                       .subject = "body",
                       .message = "it is not called JSON",
                       .remedy = "Send JSON with the header Content-Type: application/json."});
  }
  std::string why;
  auto json = ParseJson(text, why);
  if (!json) Throw400("body", "it is no JSON: " + why, "Send a JSON object.");
  if (!json->is_object() && !json->is_null()) {
    Throw400("body", "it is JSON, but no object", "Send a JSON object.");
  }
  return std::move(*json);
}

void RefuseField(std::string_view what, std::string field, std::string problem,
                 std::string remedy) {
  throw Refused(what, {{std::move(field), std::move(problem), std::move(remedy)}});
}

void RequireFields(const Json& body, std::string_view what,
                   const std::vector<std::string_view>& known) {
  if (!body.is_object()) Throw400("body", "it is no object", "Send a JSON object.");
  std::vector<FieldProblem> problems;
  for (const auto& [name, value] : body.items()) {
    if (std::find(known.begin(), known.end(), name) != known.end()) continue;
    problems.push_back({name.substr(0, kNameMax), "is no field of a " + std::string(what),
                        fmt::format("Known are: {}.", fmt::join(known, ", "))});
  }
  if (!problems.empty()) throw Refused(what, std::move(problems));
}

std::optional<std::string> TextField(const Json& body, std::string_view what, std::string_view name,
                                     std::size_t length_max) {
  const Json* value = Find(body, name);
  if (value == nullptr) return std::nullopt;
  if (!value->is_string()) RefuseField(what, std::string(name), "is no text", "Write a text.");
  std::string text = value->get<std::string>();
  if (text.size() > length_max) {
    RefuseField(what, std::string(name), "is too long",
                fmt::format("Up to {} bytes are taken.", length_max));
  }
  return text;
}

std::optional<bool> BoolField(const Json& body, std::string_view what, std::string_view name) {
  const Json* value = Find(body, name);
  if (value == nullptr) return std::nullopt;
  if (!value->is_boolean()) {
    RefuseField(what, std::string(name), "is neither true nor false", "Write true or false.");
  }
  return value->get<bool>();
}

std::optional<std::int64_t> NumberField(const Json& body, std::string_view what,
                                        std::string_view name, std::int64_t low,
                                        std::int64_t high) {
  const Json* value = Find(body, name);
  if (value == nullptr) return std::nullopt;
  const bool whole = value->is_number_integer() &&
                     (!value->is_number_unsigned() || value->get<std::uint64_t>() <= INT64_MAX);
  if (!whole || value->get<std::int64_t>() < low || value->get<std::int64_t>() > high) {
    RefuseField(what, std::string(name), fmt::format("is no whole number from {} to {}", low, high),
                "Write a number of that range.");
  }
  return value->get<std::int64_t>();
}

std::vector<std::string> TextsField(const Json& body, std::string_view what,
                                    std::string_view name) {
  std::vector<std::string> texts;
  const Json* value = Find(body, name);
  if (value == nullptr) return texts;
  const bool list =
      value->is_array() &&
      std::all_of(value->begin(), value->end(), [](const Json& one) { return one.is_string(); });
  if (!list) RefuseField(what, std::string(name), "is no list of texts", "Write a list of texts.");
  for (const auto& one : *value) texts.push_back(one.get<std::string>());
  return texts;
}

std::string NameField(const Json& body, std::string_view what) {
  auto name = TextField(body, what, "name", kNameMax);
  if (!name || name->find_first_not_of(' ') == std::string::npos) {
    RefuseField(what, "name", "is missing", "Give it a name that people know it by.");
  }
  if (base::PrintableLine(*name) != *name) {
    RefuseField(what, "name", "holds characters that cannot be seen",
                "Write letters, digits, signs and blanks.");
  }
  return std::move(*name);
}

PageRequest PageOf(const Call& call) {
  PageRequest page;
  if (const auto limit = call.query.find("limit"); limit != call.query.end()) {
    const auto number = base::ParseNumber<int>(limit->second);
    if (!number || *number < 1 || *number > 200) {
      Throw400("limit", "it is no number from 1 to 200", "Leave it out, or write such a number.");
    }
    page.limit = *number;
  }
  if (const auto cursor = call.query.find("cursor"); cursor != call.query.end()) {
    page.cursor = cursor->second;
  }
  return page;
}

std::optional<std::int64_t> ExpectedVersion(const Call& call) {
  const auto value = call.request.Field("If-Match");
  if (!value) {
    throw StatusError(428, "If-Match is missing",
                      {.code = ErrorCode::kInvalidConfig,
                       .operation = "read request",
                       .subject = "If-Match",
                       .message = "it does not say which version the change rests on",
                       .remedy = "Send the ETag that you read as If-Match, or If-Match: * to "
                                 "overwrite whatever is there."});
  }
  if (*value == "*") return std::nullopt;
  std::string_view text = *value;
  if (text.size() > 2 && text.front() == '"' && text.back() == '"') {
    if (const auto version = base::ParseNumber<std::int64_t>(text.substr(1, text.size() - 2))) {
      return version;
    }
  }
  Throw400("If-Match", "it is no ETag of this service", "Send the ETag as you read it, in quotes.");
}

void Note(const ApiContext& context, const Call& call, std::string_view action,
          std::string_view subject, const std::optional<std::string>& tenant) {
  AuditEntry entry{.at = context.clock.Utc(),
                   .token = std::nullopt,
                   .token_name = std::nullopt,
                   .tenant = tenant,
                   .action = std::string(action),
                   .subject = std::string(subject),
                   .address = call.request.address};
  if (call.token) {
    entry.token = call.token->id;
    entry.token_name = call.token->name;
  }
  context.store.Audit(entry);
}

OperatorRules RulesOf(const ApiContext& context, const Call& call) {
  OperatorRules rules = context.options.rules;
  rules.admin = call.token && call.token->scope == Scope::kAdmin;
  return rules;
}

std::string OriginOf(const ApiContext& context, const Request& request) {
  if (!context.options.public_url.empty()) return context.options.public_url;
  return fmt::format("{}://{}", request.tls ? "https" : "http", request.Field("Host").value_or(""));
}

}  // namespace sluice::serve
