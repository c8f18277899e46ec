#include "destinations/schema_plan.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/error.h"
#include "destinations/history_columns.h"

namespace sluice::destinations {
namespace {

using model::SchemaPolicy;

std::string Joined(const std::vector<std::string>& texts) {
  std::string out;
  for (const std::string& text : texts) out += (out.empty() ? "" : "; ") + text;
  return out;
}

// The differences between a stream and the table there.
class Comparison {
 public:
  Comparison(const model::StreamTarget& target, const ExistingTable& existing,
             const SchemaDialect& dialect)
      : target_(target), existing_(existing), dialect_(dialect) {
    for (const model::Column& column : target.columns) Compare(column);
    for (const ExistingColumn& column : existing.columns) {
      const bool kept =
          std::any_of(target.columns.begin(), target.columns.end(),
                      [&](const model::Column& c) { return SameName(c.name, column.name); });
      if (kept || IsOurs(column)) continue;
      gone_.push_back(&column);
      if (InLast(column.name).value_or(true)) just_gone_.push_back(&column);
    }
  }

  // The table is made again: nothing is refused, but who reads it should know.
  void TellReplaced(SchemaPlan& plan) const {
    for (const SchemaPlan::Change& column : added_) {
      plan.notes.push_back(fmt::format("column {} is new", column.name));
    }
    for (const ExistingColumn* column : gone_) {
      plan.notes.push_back(fmt::format("column {} is gone", column->name));
    }
    for (const auto* texts : {&widened_texts_, &refused_}) {
      plan.notes.insert(plan.notes.end(), texts->begin(), texts->end());
    }
    const std::vector<std::string> hints = RenameHints(gone_);
    plan.notes.insert(plan.notes.end(), hints.begin(), hints.end());
  }

  SchemaPlan Follow() {
    Refuse(refused_);
    for (const SchemaPlan::Change& column : added_) {
      plan_.added.push_back(column);
      plan_.notes.push_back(fmt::format("column {} is new", column.name));
    }
    NoteGone();
    return Widened();
  }

  SchemaPlan Freeze() {
    Refuse(refused_);
    for (std::size_t i = 0; i < target_.columns.size(); ++i) {
      if (IsNew(target_.columns[i])) {
        plan_.lands_in[i] = std::nullopt;
        if (InLast(target_.columns[i].name).value_or(false)) continue;  // told then
        plan_.notes.push_back(
            fmt::format("column {} is new and left out (freeze)", target_.columns[i].name));
      }
    }
    NoteGone();
    return Widened();
  }

  SchemaPlan Fail() {
    std::vector<std::string> all = refused_;
    for (const SchemaPlan::Change& column : added_) {
      all.push_back(fmt::format("column {} is new", column.name));
    }
    for (const ExistingColumn* column : gone_) {
      all.push_back(fmt::format("column {} is gone from the source", column->name));
    }
    all.insert(all.end(), widened_texts_.begin(), widened_texts_.end());
    const std::vector<std::string> hints = RenameHints(gone_);
    all.insert(all.end(), hints.begin(), hints.end());
    Refuse(all);
    return plan_;
  }

 private:
  bool IsOurs(const ExistingColumn& column) const {
    return target_.write_mode == model::WriteMode::kHistory &&
           IsHistoryColumn(column.name, dialect_);
  }

  void Compare(const model::Column& column) {
    const std::string type = dialect_.TypeOf(column);
    const auto there =
        std::find_if(existing_.columns.begin(), existing_.columns.end(),
                     [&](const ExistingColumn& c) { return SameName(c.name, column.name); });
    if (there == existing_.columns.end()) {
      plan_.lands_in.emplace_back(column.name);
      added_.push_back({column.name, type});
      return;
    }
    plan_.lands_in.emplace_back(there->name);
    if (dialect_.Takes(there->type, type)) return;
    const bool decimals = dialect_.IsDecimal(there->type) && dialect_.IsDecimal(type);
    // No part has told its size, so there is no value either.
    if (decimals && column.type.precision == 0) return;
    const std::string text =
        fmt::format("column {} is {} there and {} now", there->name, there->type, type);
    if (dialect_.Widens(there->type, type) || (decimals && existing_.empty)) {
      plan_.widened.push_back({there->name, type});
      widened_texts_.push_back(text);
    } else {
      refused_.push_back(text);
      statements_.push_back(fmt::format("ALTER TABLE {} ALTER COLUMN {} TYPE {};", QuotedTable(),
                                        dialect_.Quote(there->name), type));
    }
  }

  bool SameName(std::string_view one, std::string_view other) const {
    return dialect_.Fold(one) == dialect_.Fold(other);
  }

  std::string QuotedTable() const {
    return dialect_.Quote(target_.table.schema) + "." + dialect_.Quote(target_.table.table);
  }

  bool IsNew(const model::Column& column) const {
    return std::any_of(added_.begin(), added_.end(),
                       [&](const SchemaPlan::Change& c) { return c.name == column.name; });
  }

  SchemaPlan Widened() {
    for (const std::string& text : widened_texts_) plan_.notes.push_back(text + ": widened");
    return plan_;
  }

  // Columns that went long ago are no news.
  void NoteGone() {
    for (const ExistingColumn* column : just_gone_) {
      plan_.notes.push_back(
          fmt::format("column {} is gone: rows that come have no value in it", column->name));
    }
    for (std::size_t i = 0; i < target_.columns.size(); ++i) {
      const std::string& name = target_.columns[i].name;
      if (IsNew(target_.columns[i]) || InLast(name).value_or(true)) continue;
      plan_.notes.push_back(fmt::format("column {} is back", name));
    }
    for (std::string& hint : RenameHints(just_gone_)) plan_.notes.push_back(std::move(hint));
  }

  // Whether the stream's last commit had the column; nullopt: not known.
  std::optional<bool> InLast(std::string_view name) const {
    if (!existing_.last_columns) return std::nullopt;
    return std::any_of(existing_.last_columns->begin(), existing_.last_columns->end(),
                       [&](const std::string& last) { return SameName(last, name); });
  }

  // A rename reads as one column dropped and one added. It is only guessed at, and never followed:
  // the values of two columns must not be mixed up because their types agree.
  std::vector<std::string> RenameHints(const std::vector<const ExistingColumn*>& gone) const {
    std::vector<std::string> hints;
    for (const SchemaPlan::Change& is : added_) {
      const auto of_type = [&](const auto& columns, const auto& type_of) {
        return std::count_if(columns.begin(), columns.end(),
                             [&](const auto& c) { return type_of(c) == is.type; });
      };
      const auto was = std::find_if(gone.begin(), gone.end(),
                                    [&](const ExistingColumn* c) { return c->type == is.type; });
      const auto went = of_type(gone, [](const ExistingColumn* c) { return c->type; });
      const auto added = of_type(added_, [](const SchemaPlan::Change& c) { return c.type; });
      if (went != 1 || added != 1) continue;
      hints.push_back(fmt::format("column {} is dropped and column {} is added, both {}: {}",
                                  (*was)->name, is.name, is.type,
                                  IfRenamed((*was)->name, is.name)));
    }
    return hints;
  }

  std::string IfRenamed(const std::string& was, const std::string& is) const {
    if (target_.schema_policy == SchemaPolicy::kFail && !dialect_.Place().empty()) {
      return fmt::format("if it was renamed, run ALTER TABLE {} RENAME COLUMN {} TO {};",
                         QuotedTable(), dialect_.Quote(was), dialect_.Quote(is));
    }
    switch (target_.write_mode) {
      case model::WriteMode::kOverwrite:
        return "if it was renamed, queries that read it need the new name";
      case model::WriteMode::kAppend:
        return fmt::format("if it was renamed, the rows that are there keep their values in {}",
                           was);
      case model::WriteMode::kMerge:
      case model::WriteMode::kHistory: break;
    }
    if (target_.schema_policy == SchemaPolicy::kFreeze) {
      return fmt::format(
          "if it was renamed, rename it at the destination, too; until then rows "
          "that come have no value in {}",
          was);
    }
    return fmt::format("if it was renamed, `sync --full` brings the values of all rows into {}",
                       is);
  }

  void Refuse(const std::vector<std::string>& differences) const {
    if (differences.empty()) return;
    std::string remedy;
    if (!dialect_.Place().empty()) {
      for (const std::string& statement : statements_) remedy += statement + "\n";
    }
    if (!remedy.empty()) {
      remedy = fmt::format("If the values fit, run this on {}, then sync again:\n{}",
                           dialect_.Place(), remedy);
    }
    if (target_.schema_policy == SchemaPolicy::kFail) {
      remedy += "Set `schema_changes: follow` to let the table follow the source. ";
    }
    remedy += "Or drop the table at the destination and run with --full.";
    throw base::Error({.code = base::ErrorCode::kUnsupported,
                       .operation = "prepare table",
                       .subject = "table " + target_.table.ToString(),
                       .message = Joined(differences),
                       .remedy = std::move(remedy),
                       .reason = "schema_change"});
  }

  const model::StreamTarget& target_;
  const ExistingTable& existing_;
  const SchemaDialect& dialect_;
  SchemaPlan plan_;
  std::vector<SchemaPlan::Change> added_;
  std::vector<const ExistingColumn*> gone_;       // there, and not among the stream's
  std::vector<const ExistingColumn*> just_gone_;  // of them, since the last commit
  std::vector<std::string> widened_texts_;
  std::vector<std::string> refused_;
  std::vector<std::string> statements_;
};

SchemaPlan AsItIs(const model::StreamTarget& target, SchemaPlan::Table table) {
  SchemaPlan plan{.table = table};
  for (const model::Column& column : target.columns) plan.lands_in.emplace_back(column.name);
  return plan;
}

// Under kFreeze columns may have nowhere to go; these must.
void CheckLanding(const model::StreamTarget& target, const SchemaPlan& plan) {
  std::vector<std::string> missing;
  bool any = false;
  for (std::size_t i = 0; i < target.columns.size(); ++i) {
    const std::string& name = target.columns[i].name;
    any = any || plan.lands_in[i];
    const auto& key = target.primary_key;
    if (!plan.lands_in[i] && model::MeetsByKey(target.write_mode) &&
        std::find(key.begin(), key.end(), name) != key.end()) {
      missing.push_back(fmt::format("it has no column {}, of the primary key", name));
    }
  }
  if (!any) missing.emplace_back("it has none of the stream's columns");
  if (missing.empty()) return;
  throw base::Error(
      {.code = base::ErrorCode::kUnsupported,
       .operation = "prepare table",
       .subject = "table " + target.table.ToString(),
       .message = Joined(missing),
       .remedy = "Add the column at the destination, or set `schema_changes: follow`.",
       .reason = "schema_change"});
}

}  // namespace

SchemaPlan PlanSchema(const model::StreamTarget& target, const ExistingTable& existing,
                      const SchemaDialect& dialect) {
  using Table = SchemaPlan::Table;
  if (existing.columns.empty()) return AsItIs(target, Table::kCreate);
  RequireSameKeeping(target, existing, dialect);
  const bool overwrite = target.write_mode == model::WriteMode::kOverwrite;
  if (overwrite && target.schema_policy == SchemaPolicy::kFollow && !existing.must_stay) {
    SchemaPlan plan = AsItIs(target, Table::kReplace);
    Comparison(target, existing, dialect).TellReplaced(plan);
    return plan;
  }
  Comparison comparison(target, existing, dialect);
  SchemaPlan plan;
  switch (target.schema_policy) {
    case SchemaPolicy::kFollow: plan = comparison.Follow(); break;
    case SchemaPolicy::kFreeze: plan = comparison.Freeze(); break;
    case SchemaPolicy::kFail: plan = comparison.Fail(); break;
  }
  plan.table = overwrite ? Table::kEmpty : Table::kKeep;
  CheckLanding(target, plan);
  return plan;
}

model::Landing LandingOf(const model::StreamTarget& target, const ExistingTable& existing,
                         const SchemaPlan& plan, const SchemaDialect& dialect) {
  using Table = model::Landing::Table;
  model::Landing landing{.columns = {}, .changes = plan.notes};
  switch (plan.table) {
    case SchemaPlan::Table::kCreate: landing.table = Table::kCreate; break;
    case SchemaPlan::Table::kReplace: landing.table = Table::kReplace; break;
    case SchemaPlan::Table::kEmpty: landing.table = Table::kEmpty; break;
    case SchemaPlan::Table::kKeep: landing.table = Table::kKeep; break;
  }
  const bool fresh = landing.table == Table::kCreate || landing.table == Table::kReplace;
  for (std::size_t i = 0; i < target.columns.size(); ++i) {
    if (!plan.lands_in[i]) continue;
    const std::string& name = *plan.lands_in[i];
    std::string type = dialect.TypeOf(target.columns[i]);
    const auto named = [&](const auto& column) { return column.name == name; };
    const auto there = std::find_if(existing.columns.begin(), existing.columns.end(), named);
    const bool widened = std::any_of(plan.widened.begin(), plan.widened.end(), named);
    if (!fresh && !widened && there != existing.columns.end()) type = there->type;
    landing.columns.push_back({name, std::move(type)});
  }
  return landing;
}

}  // namespace sluice::destinations
