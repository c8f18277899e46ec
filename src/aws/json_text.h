// JSON of the services that speak it, read by path and written from pairs. Pure; any thread.
// Apart, because the library behind it is slow to compile.
#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace sluice::aws {

// A parsed document. Lookups of a missing member, or one of another type, give nullopt.
class JsonText {
 public:
  // nullopt if the text is cut, malformed or nested deeper than 32 levels.
  static std::optional<JsonText> Parse(std::string_view text);

  // By path: "workgroup/endpoint/address".
  std::optional<std::string> String(std::string_view path) const;
  std::optional<double> Number(std::string_view path) const;
  std::optional<bool> Bool(std::string_view path) const;
  // The strings of an array; its other elements are left out.
  std::optional<std::vector<std::string>> Strings(std::string_view path) const;

 private:
  struct Document;
  explicit JsonText(std::shared_ptr<const Document> document) : document_(std::move(document)) {}
  std::shared_ptr<const Document> document_;
};

// {"a":"x","b":1} in the order given.
std::string MakeJsonObject(
    const std::vector<std::pair<std::string, std::variant<std::string, std::int64_t>>>& members);

}  // namespace sluice::aws
