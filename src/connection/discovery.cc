#include "connection/discovery.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <utility>

#include "base/text.h"
#include "redshift/quoting.h"
#include "redshift/relations.h"
#include "redshift/types.h"

namespace sluice::connection {
namespace {

using redshift::SchemaInfo;

std::vector<SchemaInfo> Wanted(std::vector<SchemaInfo> all, const DiscoverOptions& options) {
  if (options.schemas.empty()) return all;
  std::vector<SchemaInfo> wanted;
  for (const auto& name : options.schemas) {
    const auto at = std::find_if(all.begin(), all.end(),
                                 [&](const SchemaInfo& schema) { return schema.name == name; });
    if (at != all.end()) {
      wanted.push_back(*at);
      continue;
    }
    std::vector<std::string> names;
    for (const auto& schema : all) names.push_back(schema.name);
    const auto near = redshift::NearestName(name, names);
    throw base::Error(
        {.code = base::ErrorCode::kNotFound,
         .operation = "discover",
         .subject = "schema " + name,
         .message = "does not exist, or is not visible to this user",
         .remedy = near ? fmt::format("Did you mean {}?", *near)
                        : "See what is visible: sluice discover\nElse: GRANT USAGE ON SCHEMA."});
  }
  return wanted;
}

bool IsConfigured(const model::TableName& name, const DiscoverOptions& options) {
  return std::any_of(options.streams.begin(), options.streams.end(),
                     [&](const model::Stream& stream) { return stream.table == name; });
}

// Configured tables of a schema that the list of its tables lacks.
std::vector<redshift::TableInfo> Unlisted(const std::vector<redshift::TableInfo>& listed,
                                          const std::string& schema,
                                          const DiscoverOptions& options) {
  std::vector<redshift::TableInfo> unlisted;
  for (const auto& stream : options.streams) {
    if (!stream.table || stream.table->schema != schema) continue;
    const auto is_it = [&](const auto& table) { return table.name == *stream.table; };
    if (std::any_of(listed.begin(), listed.end(), is_it) ||
        std::any_of(unlisted.begin(), unlisted.end(), is_it)) {
      continue;
    }
    unlisted.push_back({.name = *stream.table});
  }
  return unlisted;
}

constexpr std::string_view kOnlyConfigured = "only configured";

// Schemas of configured tables that the list of schemas lacks.
void AddConfigured(std::vector<SchemaInfo>& schemas, const DiscoverOptions& options) {
  for (const auto& stream : options.streams) {
    if (!stream.table) continue;
    const std::string& name = stream.table->schema;
    const bool asked =
        options.schemas.empty() ||
        std::find(options.schemas.begin(), options.schemas.end(), name) != options.schemas.end();
    const bool known = std::any_of(schemas.begin(), schemas.end(),
                                   [&](const SchemaInfo& schema) { return schema.name == name; });
    if (asked && !known) schemas.push_back({.name = name, .type = std::string(kOnlyConfigured)});
  }
}

// A session that is of no use any more, or a person who has had enough.
bool BreaksOff(base::ErrorCode code) {
  using enum base::ErrorCode;
  return code == kCancelled || code == kUnreachable || code == kTimeout || code == kInternal;
}

class Discovery {
 public:
  Discovery(redshift::Session& session, const DiscoverOptions& options, const base::Call& call)
      : session_(session), options_(options), call_(call) {}

  std::vector<DiscoveredSchema> Run() {
    auto [schemas, tables] =
        redshift::LookOver(session_, options_.database, options_.schemas, call_);
    if (options_.schemas.empty()) AddConfigured(schemas, options_);
    const auto wanted = Wanted(std::move(schemas), options_);
    Take(std::move(tables));
    std::vector<DiscoveredSchema> found;
    for (const auto& schema : wanted) {
      auto described = Describe(schema);
      const bool only_configured = schema.type == kOnlyConfigured;
      if (only_configured) described.type.clear();
      if (only_configured && described.tables.empty()) continue;
      if (options_.on_schema) options_.on_schema(described);
      found.push_back(std::move(described));
    }
    return found;
  }

 private:
  void Take(std::vector<redshift::TableDescription> tables) {
    if (!tables.empty()) {
      keys_ = redshift::PrimaryKeys(session_, options_.schemas, call_);
      sizes_ = redshift::TableSizes(session_, options_.schemas, call_);
    }
    for (auto& table : tables) by_schema_[table.name.schema].push_back(std::move(table));
  }

  DiscoveredSchema Describe(const SchemaInfo& schema) {
    DiscoveredSchema out{.name = schema.name, .type = schema.type, .tables = {}};
    std::vector<redshift::TableInfo> listed;
    for (const auto& table : by_schema_[schema.name]) {
      listed.push_back({.name = table.name, .type = table.kind, .remarks = ""});
      const bool shown = !table.columns.empty() || !table.unknown.empty();
      out.tables.push_back(Describe(listed.back(), shown ? &table : nullptr));
    }
    for (const auto& table : Unlisted(listed, schema.name, options_)) {
      auto entry = Describe(table, nullptr);
      // A name that nothing has is not one that is hidden.
      if (!missing_) out.tables.push_back(std::move(entry));
    }
    return out;
  }

  DiscoveredTable Describe(const redshift::TableInfo& table,
                           const redshift::TableDescription* described) {
    DiscoveredTable entry{.name = table.name, .type = table.type};
    if (described != nullptr) {
      entry.columns = described->columns;
      entry.unknown = described->unknown;
    }
    if (described == nullptr || IsOpen(*described)) AskSelect(entry);
    SetUnreadableApart(entry);
    if (const auto key = keys_.find(table.name); key != keys_.end())
      entry.primary_key = key->second;
    if (const auto size = sizes_.find(table.name); size != sizes_.end()) entry.size = size->second;
    entry.configured =
        IsConfigured(table.name, options_) || (options_.chosen && options_.chosen(table));
    if (options_.verify_keys) Verify(entry);
    entry.proposal = Propose(table.name, entry.columns, KeyToPropose(entry));
    return entry;
  }

  static std::vector<std::string> KeyToPropose(const DiscoveredTable& entry) {
    return entry.doubled_keys.value_or(0) > 0 ? std::vector<std::string>() : entry.primary_key;
  }

  void Verify(DiscoveredTable& entry) {
    if (entry.primary_key.empty()) return;
    std::string columns;
    for (const auto& name : entry.primary_key) {
      columns += (columns.empty() ? "" : ", ") + redshift::Ident(name);
    }
    try {
      const auto result = session_.Query("SELECT COUNT(*) FROM (SELECT 1 AS one FROM " +
                                             redshift::Ident(entry.name) + " GROUP BY " + columns +
                                             " HAVING COUNT(*) > 1) AS doubled",
                                         call_);
      if (result.rows.empty() || result.rows.front().empty()) return;
      entry.doubled_keys =
          base::ParseNumber<std::uint64_t>(result.rows.front().front().value_or(""));
    } catch (const base::Error& error) {
      if (BreaksOff(error.code())) throw;  // else it may not be read, and is not tested
    }
  }

  // What the catalog leaves open, of a view; of a table its word is all there is.
  static bool IsOpen(const redshift::TableDescription& described) {
    if (described.kind == "TABLE") return false;
    return !described.unknown.empty() ||
           std::any_of(described.columns.begin(), described.columns.end(),
                       [](const auto& column) { return redshift::IsOpenType(column.type); });
  }

  void AskSelect(DiscoveredTable& entry) {
    const model::Stream stream{.name = entry.name.ToString(), .table = entry.name};
    const auto known = std::move(entry.columns);
    missing_ = false;
    try {
      entry.columns = redshift::DescribeEmptySelect(session_, stream, call_);
    } catch (const base::Error& error) {
      if (BreaksOff(error.code())) throw;
      entry.columns = known;
      missing_ = error.code() == base::ErrorCode::kNotFound;
      if (known.empty() && entry.unknown.empty()) entry.hidden = error.info().message;
      return;
    }
    entry.unknown.clear();
    for (auto& column : entry.columns) {
      const auto told = std::find_if(known.begin(), known.end(),
                                     [&](const auto& other) { return other.name == column.name; });
      if (told != known.end()) column.nullable = told->nullable;
    }
  }

  static void SetUnreadableApart(DiscoveredTable& entry) {
    std::vector<model::Column> readable;
    for (auto& column : entry.columns) {
      if (redshift::Projection(column.type, column.name)) {
        readable.push_back(std::move(column));
      } else {
        entry.unknown.push_back({column.name, model::ToString(column.type)});
      }
    }
    entry.columns = std::move(readable);
  }

  redshift::Session& session_;
  const DiscoverOptions& options_;
  const base::Call& call_;
  std::map<std::string, std::vector<redshift::TableDescription>> by_schema_;
  redshift::ByTable<std::vector<std::string>> keys_;
  redshift::ByTable<redshift::TableSize> sizes_;
  bool missing_ = false;  // what was last asked for by its select does not exist
};

// What means nothing to YAML wherever it stands.
constexpr std::string_view kLetters =
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789";
constexpr std::size_t kDigitsFrom = 53;

std::string Doubled(std::string_view text, char sign) {
  std::string doubled;
  for (const char c : text) {
    if (c == sign) doubled += c;
    doubled += c;
  }
  return doubled;
}

// As config::ParseTable reads it back.
std::string NameText(const std::string& name) {
  // A star would be taken for a pattern's.
  const bool quote = name.find_first_of(".\"'*?") != std::string::npos || name.starts_with(' ') ||
                     name.ends_with(' ') || name.empty();
  return quote ? "\"" + Doubled(name, '"') + "\"" : name;
}

// A $ before another one or a { would be read as a reference (config/references.h).
std::string WithoutReferences(std::string_view text) {
  std::string escaped;
  for (std::size_t i = 0; i < text.size(); ++i) {
    escaped += text[i];
    const bool refers = i + 1 < text.size() && (text[i + 1] == '$' || text[i + 1] == '{');
    if (text[i] == '$' && refers) escaped += '$';
  }
  return escaped;
}

}  // namespace

std::string TableReference(const model::TableName& name) {
  return WithoutReferences(NameText(name.schema) + "." + NameText(name.table));
}

std::string TableText(const model::TableName& name) {
  const std::string text = TableReference(name);
  const auto is_plain = [](char c) {
    return kLetters.find(c) != std::string_view::npos || c == '.' || c == '"' || c == '$' ||
           (static_cast<unsigned char>(c) & 0x80U) != 0;
  };
  const bool begins_plain = kLetters.substr(0, kDigitsFrom).find(text.front()) != kLetters.npos;
  if (begins_plain && std::all_of(text.begin(), text.end(), is_plain)) return text;
  return "'" + Doubled(text, '\'') + "'";
}

std::vector<DiscoveredSchema> Discover(redshift::Session& session, const DiscoverOptions& options,
                                       const base::Call& call) {
  return Discovery(session, options, call).Run();
}

}  // namespace sluice::connection
