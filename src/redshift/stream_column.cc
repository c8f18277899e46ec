#include "redshift/stream_column.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/error.h"
#include "redshift/relations.h"

namespace sluice::redshift {
namespace {

// Of a wide table nobody reads more.
constexpr std::size_t kNamesMax = 20;

std::vector<std::string> NamesOf(const std::vector<model::Column>& columns) {
  std::vector<std::string> names;
  for (const auto& column : columns) names.push_back(column.name);
  return names;
}

// "split: { column: x }", "primary_key: [x, y]": what is to stand there instead.
std::string Corrected(const model::Stream& stream, std::string_view field, const std::string& wrong,
                      const std::string& right) {
  if (field == "primary_key") {
    std::vector<std::string> keys = stream.primary_key;
    std::replace(keys.begin(), keys.end(), wrong, right);
    return "primary_key: " + YamlNames(keys);
  }
  if (field == "rename" || field == "cast" || field == "mask") {
    return fmt::format("{}: {{ {}: ... }}", field, YamlName(right));
  }
  if (field == "hash") return fmt::format("hash: {{ columns: [{}], ... }}", YamlName(right));
  const auto dot = field.find('.');
  if (dot == std::string_view::npos) return fmt::format("{}: {}", field, YamlName(right));
  const std::string_view group = field.substr(0, dot);
  const std::string rest = group == "split" && stream.split
                               ? fmt::format(", pieces: {}", stream.split->pieces)
                               : (stream.deletes.keep_flagged ? ", keep: true" : "");
  return fmt::format("{}: {{ {}: {}{} }}", group, field.substr(dot + 1), YamlName(right), rest);
}

std::string Remedy(const model::Stream& stream, const std::vector<model::Column>& columns,
                   const std::string& name, std::string_view field) {
  const auto names = NamesOf(columns);
  if (const auto nearest = NearestName(name, names)) {
    return fmt::format("Did you mean {}? In the stream:\n  {}", *nearest,
                       Corrected(stream, field, name, *nearest));
  }
  if (!stream.columns.empty()) {
    auto wider = stream.columns;
    wider.push_back(name);
    return fmt::format("If the source has it, let the stream bring it, too:\n  columns: {}",
                       YamlNames(wider));
  }
  const std::vector<std::string> first(
      names.begin(),
      names.begin() + static_cast<std::ptrdiff_t>(std::min(kNamesMax, names.size())));
  return fmt::format("Correct {}. The stream has{}: {}", field,
                     first.size() < names.size() ? ", among others" : "", fmt::join(first, ", "));
}

}  // namespace

const model::Column& StreamColumn(const model::Stream& stream,
                                  const std::vector<model::Column>& columns,
                                  const std::string& name, std::string_view field) {
  const auto it = std::find_if(columns.begin(), columns.end(),
                               [&](const model::Column& column) { return column.name == name; });
  if (it != columns.end()) return *it;
  throw base::Error({.code = base::ErrorCode::kNotFound,
                     .operation = "plan",
                     .subject = fmt::format("stream {}, {} {}", stream.name, field, name),
                     .message = stream.columns.empty() ? "the stream has no such column"
                                                       : "it is not among the stream's `columns`",
                     .remedy = Remedy(stream, columns, name, field),
                     .reason = "no_stream_column",
                     .facts = {{"field", std::string(field)}, {"column", name}}});
}

std::string YamlName(std::string_view name) {
  static constexpr std::array<std::string_view, 12> kWords{
      "true", "false", "null", "yes", "no", "on", "off", "y", "n", "nan", "inf", "none"};
  const auto is_letter = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
  };
  std::string lower(name);
  std::transform(lower.begin(), lower.end(), lower.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  const bool plain = !name.empty() && is_letter(name.front()) &&
                     std::all_of(name.begin(), name.end(),
                                 [&](char c) { return is_letter(c) || (c >= '0' && c <= '9'); }) &&
                     std::find(kWords.begin(), kWords.end(), lower) == kWords.end();
  if (plain) return std::string(name);
  std::string quoted = "'";
  for (const char c : name) {
    if (c == '\'') quoted += c;
    quoted += c;
  }
  return quoted + "'";
}

std::string YamlNames(const std::vector<std::string>& names) {
  std::string list;
  for (const auto& name : names) list += (list.empty() ? "" : ", ") + YamlName(name);
  return "[" + list + "]";
}

}  // namespace sluice::redshift
