#include "config/shape.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <utility>
#include <variant>

#include "base/text.h"
#include "redshift/text/query_text.h"
#include "redshift/text/type_text.h"

namespace sluice::config {
namespace {

using model::Mask;
using model::ShapeRule;
using RuleKind = model::ShapeRule::Kind;

constexpr std::string_view kMasks =
    "Write last4 (the last four characters), null, or a text in quotes: \"***\"";

std::string_view FieldOf(RuleKind kind) {
  switch (kind) {
    case RuleKind::kExclude: return "columns";
    case RuleKind::kRename: return "rename";
    case RuleKind::kCast: return "cast";
    case RuleKind::kHash: return "hash";
    case RuleKind::kMask: return "mask";
  }
  return "columns";
}

// One value decides what the column's values become.
bool DecidesValues(RuleKind kind) {
  return kind == RuleKind::kCast || kind == RuleKind::kHash || kind == RuleKind::kMask;
}

void ReadColumns(Reading& reading, MapReader& map, bool takes_list, ShapeFields& fields) {
  const Node* node = map.Any("columns");
  if (node == nullptr) return;
  if (node->kind != Node::Kind::kMap) {
    if (takes_list) {
      fields.columns = map.TextList("columns");
    } else {
      map.Add("columns", "is a list, which one stream alone can have",
              "Here, write which columns stay away: columns: { exclude: [password] }");
    }
    return;
  }
  MapReader inner(reading, node, kColumnsGroup, map.Field("columns"));
  for (auto& name : inner.TextList("exclude")) {
    fields.rules.push_back({.kind = RuleKind::kExclude, .column = std::move(name)});
  }
  inner.RefuseOthers();
}

void ReadWhere(MapReader& map, ShapeFields& fields) {
  const auto sql = map.Sql("where");
  if (!sql) return;
  auto condition = redshift::ReadCondition(*sql);
  if (auto* bare = std::get_if<std::string>(&condition)) {
    fields.where = std::move(*bare);
    return;
  }
  const auto& refused = std::get<redshift::QueryProblem>(condition);
  map.Add("where",
          fmt::format("{} (line {}, column {} of the condition)", refused.problem, refused.line,
                      refused.column),
          refused.remedy);
}

// Columns with a text for each: none may be missing.
std::vector<std::pair<std::string, std::string>> Named(MapReader& map, std::string_view field,
                                                       std::string_view remedy) {
  std::vector<std::pair<std::string, std::string>> texts;
  for (auto& [column, word] : map.WordMap(field, CheckIdentifier)) {
    if (word.text) {
      texts.emplace_back(column, std::move(*word.text));
    } else {
      map.AddOf(field, column, "has no value", std::string(remedy));
    }
  }
  return texts;
}

void ReadHash(Reading& reading, MapReader& map, ShapeFields& fields) {
  const Node* node = map.Map("hash");
  if (node == nullptr) return;
  MapReader inner(reading, node, kHashGroup, map.Field("hash"));
  for (auto& name : inner.TextList("columns")) {
    fields.rules.push_back({.kind = RuleKind::kHash, .column = std::move(name)});
  }
  fields.salt = inner.PasswordText("salt");
  if (!inner.Has("columns")) inner.Missing("columns");
  inner.RefuseOthers();
}

void ReadMask(MapReader& map, ShapeFields& fields) {
  const auto masks = map.WordMap("mask", CheckIdentifier);
  for (const auto& [column, mask] : masks) {
    ShapeRule rule{.kind = RuleKind::kMask, .column = column};
    if (!mask.text) {
      rule.mask.kind = Mask::Kind::kNull;
    } else if (*mask.text == "last4") {
      rule.mask.kind = Mask::Kind::kLast4;
    } else if (*mask.text == "null") {
      rule.mask.kind = Mask::Kind::kNull;
    } else if (mask.quoted && !mask.text->empty()) {
      rule.mask = {.kind = Mask::Kind::kText, .text = *mask.text};
    } else {
      map.AddOf("mask", column, "is no way to mask a value", std::string(kMasks));
      continue;
    }
    fields.rules.push_back(std::move(rule));
  }
}

bool Same(const std::string& one, const std::string& other) {
  return base::EqualFolded(one, other);
}

// A column's rules of its own come before those of `defaults`; what hides a value there stays,
// unless it is hidden here in another way.
void AddDefaults(const ShapeFields& defaults, std::vector<ShapeRule>& rules) {
  const std::size_t own = rules.size();
  for (const ShapeRule& rule : defaults.rules) {
    const auto overrides = [&](const ShapeRule& other) {
      if (!Same(other.column, rule.column)) return false;
      if (other.kind == rule.kind) return true;
      return DecidesValues(other.kind) && DecidesValues(rule.kind) &&
             (other.kind != RuleKind::kCast || rule.kind == RuleKind::kCast);
    };
    const auto end = rules.begin() + static_cast<std::ptrdiff_t>(own);
    if (std::none_of(rules.begin(), end, overrides)) rules.push_back(rule);
  }
}

// What the stream's modes need the column for; empty: nothing.
std::string UseOf(const model::Stream& stream, const std::string& column) {
  if (stream.cursor && Same(*stream.cursor, column)) return "cursor";
  if (stream.deletes.column && Same(*stream.deletes.column, column)) return "deletes.column";
  const auto& split = stream.split;
  if (split && split->column && Same(*split->column, column)) return "split.column";
  const auto& key = stream.primary_key;
  const bool is_key = std::any_of(key.begin(), key.end(),
                                  [&](const std::string& name) { return Same(name, column); });
  return is_key ? "primary_key" : "";
}

class Checker {
 public:
  Checker(MapReader& map, const model::Stream& stream) : map_(map), stream_(stream) {}

  void Check() {
    for (const ShapeRule& rule : stream_.shape.rules) {
      CheckUse(rule);
      CheckSelected(rule);
    }
    CheckPairs();
    CheckNames();
    CheckSalt();
  }

 private:
  // At the stream's field, or at the stream if the rule is of `defaults`.
  void Tell(const ShapeRule& rule, std::string problem, std::string remedy) {
    map_.AddOf(FieldOf(rule.kind), rule.column, std::move(problem), std::move(remedy));
  }

  void CheckUse(const ShapeRule& rule) {
    const std::string use = UseOf(stream_, rule.column);
    if (use.empty() || rule.kind == RuleKind::kRename) return;
    const bool key = use == "primary_key";
    if (rule.kind == RuleKind::kExclude) {
      return Tell(rule, fmt::format("leaves out the stream's {}", use), "Let the stream bring it.");
    }
    if (rule.kind == RuleKind::kMask || (rule.kind == RuleKind::kHash && !key)) {
      return Tell(
          rule,
          fmt::format("{} the stream's {}, which needs its values",
                      rule.kind == RuleKind::kMask ? "masks" : "hashes", use),
          key ? "A key can be hashed: two keys that differ have hashes that differ.\n"
                "hash: { columns: [...], salt: ${SALT} }"
              : fmt::format("Take another column for {}, or leave this one as it is.", use));
    }
    if (rule.kind == RuleKind::kCast && use == "deletes.column") {
      Tell(rule, "casts the column that tells which rows are deleted", "Leave it as it is.");
    }
  }

  void CheckSelected(const ShapeRule& rule) {
    const auto& columns = stream_.columns;
    if (columns.empty() || rule.by_default) return;
    if (std::any_of(columns.begin(), columns.end(),
                    [&](const auto& name) { return Same(name, rule.column); })) {
      return;
    }
    Tell(rule, "names a column that is not among the stream's `columns`",
         "Add it to columns, or leave it out here.");
  }

  // Two rules of one kind, two that decide its values, or one about a column that stays away.
  void CheckPairs() {
    const auto& rules = stream_.shape.rules;
    for (std::size_t i = 0; i < rules.size(); ++i) {
      for (std::size_t j = 0; j < i; ++j) {
        const ShapeRule& one = rules[i];
        const ShapeRule& other = rules[j];
        if (!Same(one.column, other.column)) continue;
        const bool excluded =
            (one.kind == RuleKind::kExclude || other.kind == RuleKind::kExclude) &&
            one.kind != other.kind && one.by_default == other.by_default;
        const bool twice = one.kind == other.kind && one.kind != RuleKind::kExclude;
        const bool both =
            one.kind != other.kind && DecidesValues(one.kind) && DecidesValues(other.kind);
        if (excluded) {
          Tell(one, "names a column that is left out", "Take it out of one of the two.");
        } else if (twice || both) {
          Tell(one,
               both ? fmt::format("names a column that {} names, too", FieldOf(other.kind))
                    : "names a column twice",
               "One column takes one of cast, hash and mask, once.");
        }
      }
    }
  }

  // As far as it can be known before the source tells its columns.
  void CheckNames() {
    std::map<std::string, std::string> taken;
    const auto take = [&](const std::string& lands, const std::string& column,
                          std::string_view field) {
      const auto [at, fresh] = taken.emplace(base::Lower(lands), column);
      if (fresh || Same(at->second, column)) return;
      map_.AddOf(field, column,
                 fmt::format("gives two columns one name: {} and {} would both be called so",
                             ShownName(at->second), ShownName(column)),
                 "Give one of them another name.");
    };
    if (stream_.shape.add_synced_at) take(model::kSyncedAt, "", "add");
    if (stream_.shape.add_source) take(model::kSource, "", "add");
    for (const std::string& column : Known()) {
      const auto& rules = stream_.shape.rules;
      const auto rename = std::find_if(rules.begin(), rules.end(), [&](const ShapeRule& rule) {
        return rule.kind == RuleKind::kRename && Same(rule.column, column);
      });
      if (rename != rules.end()) {
        take(rename->name, column, "rename");
      } else {
        take(stream_.shape.snake_case ? model::SnakeCase(column) : column, column,
             stream_.shape.snake_case ? "rename_all" : "columns");
      }
    }
  }

  static std::string ShownName(const std::string& name) {
    if (name.empty()) return "the one that is added";
    return IsShowableKey(name) ? name : "a column";
  }

  // Columns that are there for certain: selected, renamed, needed by a mode.
  std::vector<std::string> Known() const {
    std::vector<std::string> known;
    const auto add = [&](const std::string& name) {
      if (std::none_of(known.begin(), known.end(), [&](const auto& k) { return Same(k, name); })) {
        known.push_back(name);
      }
    };
    for (const auto& name : stream_.columns) add(name);
    if (stream_.cursor) add(*stream_.cursor);
    for (const auto& name : stream_.primary_key) add(name);
    for (const ShapeRule& rule : stream_.shape.rules) {
      if (rule.kind == RuleKind::kRename && !rule.by_default) add(rule.column);
    }
    return known;
  }

  void CheckSalt() {
    const auto& rules = stream_.shape.rules;
    const auto hash = std::find_if(rules.begin(), rules.end(), [](const ShapeRule& rule) {
      return rule.kind == RuleKind::kHash;
    });
    if (hash == rules.end() || !stream_.shape.salt.empty() || map_.HasProblem("hash")) return;
    map_.Add("hash", "has no salt, so that values could be found by trying them",
             "Take one from the environment, and keep it: salt: ${SALT}\n"
             "A new one: openssl rand -hex 32");
  }

  MapReader& map_;
  const model::Stream& stream_;
};

}  // namespace

std::optional<Broken> CheckCastType(std::string_view value) {
  const auto type = redshift::ReadCastType(value);
  const auto* problem = std::get_if<redshift::CastProblem>(&type);
  if (problem == nullptr) return std::nullopt;
  return Broken{problem->problem, problem->remedy};
}

std::optional<Broken> CheckAdded(std::string_view value) {
  if (value == model::kSyncedAt || value == model::kSource) return std::nullopt;
  return Broken{"is no column that can be added",
                "Write add: [_synced_at, _source], or one of them."};
}

ShapeFields ReadShape(Reading& reading, MapReader& map, bool everywhere, bool takes_list) {
  ShapeFields fields;
  ReadColumns(reading, map, takes_list, fields);
  for (const auto& [column, name] : Named(map, "rename", "Write the name that it is to have.")) {
    fields.rules.push_back({.kind = RuleKind::kRename, .column = column, .name = name});
  }
  fields.snake_case = map.Choice<bool>("rename_all", {{"snake_case", true}, {"none", false}});
  ReadWhere(map, fields);
  for (const auto& [column, text] :
       Named(map, "cast", "Write its type, in quotes if a comma is in it: \"decimal(18,2)\".")) {
    const auto type = redshift::ReadCastType(text);
    fields.rules.push_back(
        {.kind = RuleKind::kCast, .column = column, .type = std::get<model::Type>(type)});
  }
  ReadHash(reading, map, fields);
  ReadMask(map, fields);
  if (const Node* add = map.Any("add"); add != nullptr) {
    if (add->kind == Node::Kind::kMap) {
      map.Add("add", "is a group of fields, not a list", "Write add: [_synced_at, _source]");
    } else {
      fields.add = map.TextList("add");
    }
  }
  for (auto& rule : fields.rules) rule.by_default = everywhere;
  return fields;
}

void SetShape(MapReader& map, ShapeFields own, const ShapeFields& defaults, model::Stream& stream) {
  model::Shape& shape = stream.shape;
  stream.columns = std::move(own.columns);
  shape.rules = std::move(own.rules);
  AddDefaults(defaults, shape.rules);
  // Who lists columns has looked at each: what `defaults` leave out of others does not count.
  if (!stream.columns.empty()) {
    std::erase_if(shape.rules,
                  [](const ShapeRule& rule) { return rule.kind == RuleKind::kExclude; });
  }
  shape.snake_case = own.snake_case.value_or(defaults.snake_case.value_or(false));
  shape.where = own.where ? std::move(own.where) : defaults.where;
  shape.salt = own.salt ? std::move(*own.salt) : defaults.salt.value_or(base::Secret());
  const auto& add = own.add ? own.add : defaults.add;
  const auto adds = [&](std::string_view name) {
    return add && std::find(add->begin(), add->end(), name) != add->end();
  };
  shape.add_synced_at = adds(model::kSyncedAt);
  shape.add_source = adds(model::kSource);
  Checker(map, stream).Check();
}

}  // namespace sluice::config
