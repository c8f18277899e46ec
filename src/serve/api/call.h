// What the functions behind the routes work with, and how they answer. For serve/api alone.
#pragma once
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/secret.h"
#include "serve/api/api.h"
#include "serve/api/sign_ins.h"
#include "serve/base/access.h"
#include "serve/base/json.h"
#include "serve/base/problem.h"

namespace sluice::serve {

struct ApiContext {
  const ApiOptions& options;
  Store& store;
  Runs& runs;
  const DataFolder& data;
  const base::Clock& clock;
  base::Logger& log;
  SignIns& sign_ins;
};

using Query = std::map<std::string, std::string, std::less<>>;

struct Call {
  const Request& request;
  std::vector<std::string> ids;  // what stood in place of the {names} of the path
  Query query;
  std::optional<Token> token;  // nullopt: nobody signed in, where that is allowed
  base::Secret credential;     // the token's own text, or the cookie's
  bool by_cookie = false;
};

// An error that has a status of HTTP's own.
class StatusError : public base::Error {
 public:
  StatusError(int status, std::string title, base::ErrorInfo info)
      : base::Error(std::move(info)), status_(status), title_(std::move(title)) {}
  int status() const { return status_; }
  const std::string& title() const { return title_; }

 private:
  int status_;
  std::string title_;
};

Response JsonResponse(int status, const Json& json);
Response NoContent();
Response ProblemAnswer(std::exception_ptr error);
// With ETag; 201 also with Location.
Response ResourceResponse(const Call& call, int status, const Json& json);
Json NextCursorJson(const std::optional<std::string>& cursor);
template <typename Items>
Json ListJson(const Items& page) {
  Json items = Json::array();
  for (const auto& item : page.items) items.push_back(ToJson(item));
  return {{"items", std::move(items)}, {"next_cursor", NextCursorJson(page.next_cursor)}};
}

// The body as JSON. Throws 415 if it is called something else, 400 if it is none. Without a body:
// `absent`, or 400 if that is null.
Json BodyOf(const Call& call, const Json& absent = nullptr);
// Refuses what is not in `known`, by name; a value of another kind is refused by the readers below.
void RequireFields(const Json& body, std::string_view what,
                   const std::vector<std::string_view>& known);
// nullopt: absent or null. Throw Refused.
std::optional<std::string> TextField(const Json& body, std::string_view what, std::string_view name,
                                     std::size_t length_max);
std::optional<bool> BoolField(const Json& body, std::string_view what, std::string_view name);
std::optional<std::int64_t> NumberField(const Json& body, std::string_view what,
                                        std::string_view name, std::int64_t low, std::int64_t high);
std::vector<std::string> TextsField(const Json& body, std::string_view what, std::string_view name);
// A name of what is made: not empty, at most 200 bytes, nothing that controls a terminal.
std::string NameField(const Json& body, std::string_view what);
[[noreturn]] void RefuseField(std::string_view what, std::string field, std::string problem,
                              std::string remedy);

// limit and cursor. Throws 400.
PageRequest PageOf(const Call& call);
// The version that a change rests on; nullopt: any (`*`). Throws 428 without If-Match, 400 if it is
// no ETag of ours.
std::optional<std::int64_t> ExpectedVersion(const Call& call);

// Records who did what. The subject is an id, the action "source.create".
void Note(const ApiContext& context, const Call& call, std::string_view action,
          std::string_view subject, const std::optional<std::string>& tenant);

// With an administrator's right to any external ID.
OperatorRules RulesOf(const ApiContext& context, const Call& call);

// "https://sluice.acme.com", as the operator said or as whoever asks knows us.
std::string OriginOf(const ApiContext& context, const Request& request);

}  // namespace sluice::serve
