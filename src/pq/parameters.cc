#include "pq/parameters.h"

#include <libpq-fe.h>
#include <stdlib.h>

#include <array>
#include <memory>

#include "base/error.h"

namespace sluice::pq {
namespace {

struct FreeOptions {
  void operator()(PQconninfoOption* options) const noexcept { PQconninfoFree(options); }
};
using Options = std::unique_ptr<PQconninfoOption, FreeOptions>;

// Every keyword this libpq knows, with the variable it reads. Parsing an empty string reads neither
// the environment nor files.
Options KnownKeywords() {
  Options options(PQconninfoParse("", nullptr));
  if (!options) {
    throw base::Error({.code = base::ErrorCode::kInternal,
                       .operation = "connect",
                       .message = "libpq does not tell its parameters (out of memory)"});
  }
  return options;
}

// Without these, libpq looks into ~/.postgresql and ~/.pgpass. A path below /dev/null cannot exist,
// and answers ENOTDIR, which libpq takes as "there is none".
const std::map<std::string, std::string>& NoFiles() {
  static const std::map<std::string, std::string> files = {{"sslcert", "/dev/null/none"},
                                                           {"sslkey", "/dev/null/none"},
                                                           {"sslcrl", "/dev/null/none"},
                                                           {"sslrootcert", "/dev/null/none"},
                                                           {"passfile", "/dev/null/none"}};
  return files;
}

std::string Quoted(const std::string& value) {
  std::string quoted = "'";
  for (const char c : value) {
    if (c == '\'' || c == '\\') quoted += '\\';
    quoted += c;
  }
  return quoted + "'";
}

// A connection string that sets every keyword which has a variable. In a connection string, unlike
// in the arrays, an empty value counts as set, so the variable is not consulted.
std::string NeutralString(const std::map<std::string, std::string>& ours) {
  std::string text;
  const Options options = KnownKeywords();
  for (const PQconninfoOption* option = options.get(); option->keyword != nullptr; ++option) {
    const std::string keyword = option->keyword;
    // An empty service is looked for as a service without a name, and not found.
    if (option->envvar == nullptr || keyword == "service") continue;
    const auto file = NoFiles().find(keyword);
    std::string value = option->compiled == nullptr ? std::string() : option->compiled;
    if (file != NoFiles().end()) value = file->second;
    if (const auto own = ours.find(keyword); own != ours.end()) value = own->second;
    text += (text.empty() ? "" : " ") + keyword + "=" + Quoted(value);
  }
  return text;
}

constexpr std::array kDisturbing = {"PGSERVICE", "PGDATESTYLE", "PGTZ", "PGGEQO"};

}  // namespace

ParameterArrays::ParameterArrays(const Parameters& parameters) {
  // libpq expands the first dbname that is a connection string, and later keywords override it.
  Add("dbname", NeutralString(parameters.values));
  for (const auto& [keyword, value] : parameters.values) Add(keyword, value);
  Add("password", parameters.password.Reveal());
  for (const auto& keyword : keywords_) keyword_pointers_.push_back(keyword.c_str());
  for (const auto& value : values_) value_pointers_.push_back(value.Reveal().c_str());
  keyword_pointers_.push_back(nullptr);
  value_pointers_.push_back(nullptr);
}

void ParameterArrays::Add(std::string keyword, std::string value) {
  keywords_.push_back(std::move(keyword));
  values_.emplace_back(std::move(value));
}

std::optional<std::string> DisturbingVariable() {
  for (const char* name : kDisturbing) {
    if (getenv(name) != nullptr) return name;
  }
  return std::nullopt;
}

}  // namespace sluice::pq
