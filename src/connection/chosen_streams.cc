#include "connection/chosen_streams.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <utility>

#include "base/text.h"
#include "connection/connection.h"
#include "redshift/relations.h"
#include "sync/ledger/history.h"

namespace sluice::connection {
namespace {

using State = sync::KnownTable::State;
using config::PatternConfig;
using config::TablePattern;

// The server folds names, and so do destinations: two spellings are one table.
std::pair<std::string, std::string> Folded(const model::TableName& name) {
  return {base::Lower(name.schema), base::Lower(name.table)};
}

bool MatchesAny(const std::vector<TablePattern>& patterns, const model::TableName& name) {
  return std::any_of(patterns.begin(), patterns.end(),
                     [&](const TablePattern& pattern) { return pattern.Matches(name); });
}

// nullptr: none.
const TablePattern* Matching(const PatternConfig& pattern, const model::TableName& name) {
  const auto found = std::find_if(pattern.tables.begin(), pattern.tables.end(),
                                  [&](const TablePattern& one) { return one.Matches(name); });
  return found == pattern.tables.end() ? nullptr : &*found;
}

// Of a catalog that does not tell, everything.
bool IsOfKind(const PatternConfig& pattern, const redshift::TableInfo& table) {
  return pattern.views || table.type.find("VIEW") == std::string::npos;
}

model::Stream StreamOf(const PatternConfig& pattern, const model::TableName& table) {
  model::Stream stream = pattern.settings;
  stream.name = table.ToString();
  stream.table = table;
  return stream;
}

class Chooser {
 public:
  Chooser(const config::Config& config, const std::vector<redshift::TableInfo>& listed,
          const std::vector<sync::KnownTable>& known)
      : config_(config), listed_(listed), known_(known) {
    for (const auto& entry : config.streams) {
      names_.insert(entry.stream.name);
      if (entry.stream.table) own_.insert(Folded(*entry.stream.table));
    }
    for (const auto& one : known) {
      begun_.insert(one.pattern);
      auto [at, fresh] = states_.try_emplace(Folded(one.table), one.state);
      // Another pattern may have met it earlier: taken once is taken.
      if (!fresh && one.state == State::kTaken) at->second = one.state;
    }
  }

  sync::ChosenStreams Run() {
    std::size_t next = 0;
    const auto add_written = [&](std::size_t end) {
      for (; next < end; ++next) out_.streams.push_back(config_.streams[next].stream);
    };
    for (const PatternConfig& pattern : config_.patterns) {
      add_written(pattern.before);
      Add(pattern);
    }
    add_written(config_.streams.size());
    AddGone();
    return std::move(out_);
  }

 private:
  void Add(const PatternConfig& pattern) {
    std::set<std::string> matched;
    for (const auto& table : listed_) {
      const TablePattern* by = Matching(pattern, table.name);
      if (by == nullptr || config::IsSystemSchema(table.name.schema)) continue;
      if (!IsOfKind(pattern, table) || MatchesAny(pattern.exclude, table.name)) continue;
      for (const TablePattern& one : pattern.tables) {
        if (one.Matches(table.name)) matched.insert(one.text);
      }
      const std::string name = table.name.ToString();
      if (own_.contains(Folded(table.name)) || IsWritten(name)) continue;
      if (taken_.contains(Folded(table.name))) continue;  // by a pattern before this one
      Take(pattern, *by, table.name);
    }
    for (const TablePattern& one : pattern.tables) {
      if (!matched.contains(one.text)) out_.no_match.push_back(one.text);
    }
  }

  bool IsWritten(const std::string& name) const {
    return std::any_of(config_.streams.begin(), config_.streams.end(),
                       [&](const auto& entry) { return entry.stream.name == name; });
  }

  void Take(const PatternConfig& pattern, const TablePattern& by, const model::TableName& table) {
    taken_.insert(Folded(table));
    const std::string name = table.ToString();
    const auto known = states_.find(Folded(table));
    const bool was_taken = known != states_.end() && known->second != State::kTold;
    const bool is_new = !was_taken && begun_.contains(by.text);
    if (is_new && pattern.new_tables == config::NewTables::kTell) {
      out_.not_taken.push_back({name, by.text});
      out_.known.push_back({by.text, table, State::kTold});
      return;
    }
    if (is_new) out_.new_tables.push_back({name, by.text});
    if (!names_.insert(name).second) RefuseOneName(table);
    out_.known.push_back({by.text, table, State::kTaken});
    out_.streams.push_back(StreamOf(pattern, table));
  }

  // Dots in a name make "a.b"."c" and "a"."b.c" one.
  [[noreturn]] static void RefuseOneName(const model::TableName& table) {
    throw base::Error({.code = base::ErrorCode::kInvalidConfig,
                       .operation = "choose streams",
                       .subject = "stream " + table.ToString(),
                       .message = "two tables that patterns chose would be streams of this name",
                       .remedy = "Give one of them a stream of its own, with name: and table:",
                       .reason = "one_name"});
  }

  void AddGone() {
    std::set<std::pair<std::string, std::string>> there;
    for (const auto& table : listed_) there.insert(Folded(table.name));
    std::set<std::string> texts;
    for (const auto& pattern : config_.patterns) {
      for (const auto& one : pattern.tables) texts.insert(one.text);
    }
    std::set<std::pair<std::string, std::string>> told;
    for (const auto& one : known_) {
      const auto folded = Folded(one.table);
      if (one.state != State::kTaken || !texts.contains(one.pattern)) continue;
      if (there.contains(folded) || own_.contains(folded)) continue;
      out_.known.push_back({one.pattern, one.table, State::kGone});
      if (told.insert(folded).second) out_.gone.push_back({one.table.ToString(), one.pattern});
    }
  }

  const config::Config& config_;
  const std::vector<redshift::TableInfo>& listed_;
  const std::vector<sync::KnownTable>& known_;
  std::set<std::string> names_;                          // of streams so far
  std::set<std::pair<std::string, std::string>> own_;    // tables of streams that are written
  std::set<std::pair<std::string, std::string>> taken_;  // decided by a pattern
  std::set<std::string> begun_;                          // patterns of an earlier sync
  std::map<std::pair<std::string, std::string>, State> states_;
  sync::ChosenStreams out_;
};

}  // namespace

sync::ChosenStreams Choose(const config::Config& config,
                           const std::vector<redshift::TableInfo>& listed,
                           const std::vector<sync::KnownTable>& known) {
  return Chooser(config, listed, known).Run();
}

std::vector<model::Stream> KnownStreams(const config::Config& config) {
  if (config.patterns.empty()) return StreamsOf(config);
  const auto known = sync::ReadKnownTables(LedgerOf(config));
  std::vector<redshift::TableInfo> listed;
  std::set<std::pair<std::string, std::string>> there;
  for (const auto& one : known) {
    if (one.state != State::kTaken || !there.insert(Folded(one.table)).second) continue;
    listed.push_back({.name = one.table, .type = "", .remarks = ""});
  }
  std::sort(listed.begin(), listed.end(), [](const auto& a, const auto& b) {
    return std::pair(a.name.schema, a.name.table) < std::pair(b.name.schema, b.name.table);
  });
  return Choose(config, listed, known).streams;
}

std::vector<std::string> ResettableStreams(const config::Config& config,
                                           const std::vector<std::string>& asked) {
  std::vector<std::string> names;
  for (const auto& stream : KnownStreams(config)) names.push_back(stream.name);
  const auto add = [&](const std::string& name) {
    if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
  };
  for (const auto& name : asked) {
    const auto parsed = config::ParseTable(name);
    const auto* table = std::get_if<model::TableName>(&parsed);
    const bool meant =
        table != nullptr &&
        std::any_of(config.patterns.begin(), config.patterns.end(),
                    [&](const auto& pattern) { return Matching(pattern, *table) != nullptr; });
    if (meant) add(name);
  }
  if (std::all_of(asked.begin(), asked.end(), [&](const auto& name) {
        return std::find(names.begin(), names.end(), name) != names.end();
      })) {
    return names;
  }
  for (const auto& one : sync::ReadKnownTables(LedgerOf(config))) add(one.table.ToString());
  for (const auto& commit : sync::ReadHistory(LedgerOf(config), 1).last_commits) add(commit.stream);
  return names;
}

bool IsMeant(const config::Config& config, const redshift::TableInfo& table) {
  return std::any_of(config.patterns.begin(), config.patterns.end(), [&](const auto& pattern) {
    return IsOfKind(pattern, table) && Matching(pattern, table.name) != nullptr &&
           !MatchesAny(pattern.exclude, table.name);
  });
}

std::vector<std::string> SchemasOfPatterns(const config::Config& config) {
  std::vector<std::string> schemas;
  for (const auto& pattern : config.patterns) {
    for (const auto& one : pattern.tables) {
      if (auto name = one.schema.Name()) schemas.push_back(std::move(*name));
    }
  }
  return schemas;
}

void RequireStreams(const config::Config& config, const sync::ChosenStreams& chosen,
                    const std::vector<redshift::TableInfo>& listed) {
  if (!chosen.streams.empty() || config.patterns.empty()) return;
  std::string patterns;
  for (const auto& pattern : config.patterns) {
    for (const auto& one : pattern.tables) patterns += (patterns.empty() ? "" : ", ") + one.text;
  }
  std::vector<std::string> schemas;
  for (const auto& table : listed) schemas.push_back(table.name.schema);
  std::string remedy;
  for (const auto& schema : SchemasOfPatterns(config)) {
    const auto near = redshift::NearestName(schema, schemas);
    if (near && *near != schema) remedy = fmt::format("Did you mean schema {}?\n", *near);
  }
  throw base::Error({.code = base::ErrorCode::kNotFound,
                     .operation = "choose streams",
                     .subject = "tables: " + patterns,
                     .message = chosen.not_taken.empty()
                                    ? "no table that this user may see is of such a name"
                                    : "its tables are all new, and new_tables is tell",
                     .remedy = remedy + "See what there is: sluice discover",
                     .reason = "no_match"});
}

}  // namespace sluice::connection
