// An engine that is none: a dialect with as few words as can be, and a runner that answers as it is
// told.
#pragma once
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "destinations/sql/dialect.h"

namespace sluice::destinations::sql {

class PlainDialect final : public Dialect {
 public:
  std::string TypeOf(const model::Column& column) const override {
    return model::ToString(column.type);
  }
  bool Widens(std::string_view, std::string_view) const override { return false; }
  bool IsDecimal(std::string_view) const override { return false; }
  std::string Fold(std::string_view name) const override { return std::string(name); }
  std::string Quote(std::string_view name) const override { return std::string(name); }
  std::string Place() const override { return "a test"; }
  std::string Put(Statement& statement, Value value) const override {
    statement.values.push_back(std::move(value));
    return "$" + std::to_string(statement.values.size());
  }
  std::string PutTime(Statement& statement, std::optional<base::UtcTime> time) const override {
    if (!time) return Put(statement, {});
    return Put(
        statement,
        std::int64_t{std::chrono::duration_cast<std::chrono::microseconds>(time->time_since_epoch())
                         .count()});
  }
  std::string TextType() const override { return "text"; }
  std::string CountType() const override { return "count"; }
  std::string TimeType() const override { return "time"; }
  std::string StreamKey() const override { return " KEY"; }
  std::string StateColumnsText() const override { return "state columns"; }
  std::string Micros(const std::string& column) const override { return "us(" + column + ")"; }
  std::string RowId() const override { return "id"; }
  std::string Differ(const std::string& mine, const std::string& theirs,
                     model::TypeKind) const override {
    return mine + " <> " + theirs;
  }
  std::vector<std::string> GreatestFirst(const std::string& value, model::TypeKind) const override {
    return {value + " DESC"};
  }
  std::string Before(const std::string& mine, const std::string& theirs,
                     model::TypeKind) const override {
    return mine + " < " + theirs;
  }
  std::string Moment(const std::string& value, model::TypeKind) const override {
    return "moment(" + value + ")";
  }
  std::string MakeActions(const std::string& table) const override { return "MAKE " + table; }
  std::string ActionType() const override { return "tiny"; }
};

class ScriptedRunner final : public Runner {
 public:
  // The answer to every statement that holds `part`: rows for Ask, or how many rows changed. The
  // last one that fits counts; else there is no row, and none has changed.
  struct Answer {
    std::string part;
    Rows rows;
    std::uint64_t changed = 0;
    Rows later = {};  // from the second time on, if there are any
  };
  std::vector<Answer> answers;
  std::vector<Statement> asked;
  std::vector<Statement> changed;

  using Runner::Ask;
  using Runner::Change;
  Rows Ask(const Statement& statement) override {
    asked.push_back(statement);
    return Find(statement.text).rows;
  }
  std::uint64_t Change(const Statement& statement) override {
    changed.push_back(statement);
    return Find(statement.text).changed;
  }

 private:
  Answer Find(const std::string& text) {
    for (auto it = answers.rbegin(); it != answers.rend(); ++it) {
      if (text.find(it->part) == std::string::npos) continue;
      const Answer found = *it;
      if (!it->later.empty()) it->rows = it->later;
      return found;
    }
    return {};
  }
};

}  // namespace sluice::destinations::sql
