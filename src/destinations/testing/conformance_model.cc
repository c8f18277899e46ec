// Goal: whatever comes in whatever order, a merge leaves what a plain map would hold, and counts
// what the map would count. Seeded; a failure names the round, whose seed is its number.
#include <gmock/gmock.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <map>
#include <random>
#include <set>

#include "base/error.h"
#include "destinations/testing/conformance.h"
#include "destinations/testing/conformance_support.h"

namespace sluice::destinations {
namespace {

using model::Counts;
using model::StreamTarget;
using model::TypeKind;

constexpr int kRounds = 200;
constexpr int kManyKeys = 100;  // times three

using Key = std::pair<int, std::string>;

struct ModelRow {
  std::optional<std::string> text;
  std::optional<double> number;
  std::optional<int> cursor;
  bool deleted = false;

  friend bool operator==(const ModelRow& a, const ModelRow& b) {
    const bool same_number =
        a.number.has_value() == b.number.has_value() &&
        (!a.number || (std::isnan(*a.number) && std::isnan(*b.number)) || *a.number == *b.number);
    return same_number && a.text == b.text && a.cursor == b.cursor && a.deleted == b.deleted;
  }
};

std::string NumberText(const std::optional<double>& number) {
  if (!number) return "NULL";
  if (std::isnan(*number)) return "nan";
  return fmt::format("{:.1f}", *number);
}

using Batch = std::vector<std::pair<Key, ModelRow>>;
using Table = std::map<Key, ModelRow>;

// What one merge is given.
struct Round {
  Batch batch;
  std::set<Key> keys;
  bool complete = false;
  bool keys_given = false;
  bool allow_duplicates = false;
  bool drops_flagged = false;
  std::optional<double> share_max;
  std::size_t share_rows_min = 0;
};

// The contract of destination.h, said once more in the plainest way. nullopt: it is refused.
std::optional<Counts> Apply(const Round& round, Table& table) {
  Counts counts;
  Table winners;
  for (const auto& [key, row] : round.batch) {
    const auto [there, fresh] = winners.emplace(key, row);
    if (fresh) continue;
    ++counts.duplicates;
    ++counts.skipped;
    if (row.cursor > there->second.cursor) there->second = row;
  }
  if (counts.duplicates > 0 && round.complete && !round.allow_duplicates) return std::nullopt;
  const std::size_t before = table.size();
  Table after = table;
  for (const auto& [key, row] : winners) {
    const auto there = after.find(key);
    if (round.drops_flagged && row.deleted) {
      ++(there == after.end() ? counts.skipped : counts.deleted);
      if (there != after.end()) after.erase(there);
    } else if (there == after.end()) {
      ++counts.inserted;
      after.emplace(key, row);
    } else {
      ++(there->second == row ? counts.unchanged : counts.updated);
      there->second = row;
    }
  }
  for (const auto& [key, row] : table) {
    if (!round.complete && !round.keys_given) break;
    if (winners.contains(key) || (round.keys_given && round.keys.contains(key))) continue;
    after.erase(key);
    ++counts.deleted;
    ++counts.deleted_absent;
  }
  if (round.share_max && counts.deleted > 0 && before >= round.share_rows_min &&
      static_cast<double>(counts.deleted) > *round.share_max * static_cast<double>(before)) {
    return std::nullopt;
  }
  table = after;
  return counts;
}

class Dice {
 public:
  explicit Dice(unsigned seed) : random_(seed) {}
  int Below(int end) { return static_cast<int>(random_() % static_cast<unsigned>(end)); }
  bool OneIn(int n) { return Below(n) == 0; }
  template <typename T>
  T Of(std::initializer_list<T> values) {
    return *(values.begin() + Below(static_cast<int>(values.size())));
  }

 private:
  std::mt19937 random_;
};

// `numbers` times three keys.
Key AnyKey(Dice& dice, int numbers) {
  return {dice.Below(numbers), dice.Of<std::string>({"", "a", "b"})};
}

ModelRow AnyRow(Dice& dice) {
  ModelRow row;
  row.text = dice.Of<std::optional<std::string>>({std::nullopt, "", "x", "y"});
  row.number = dice.Of<std::optional<double>>({std::nullopt, std::nan(""), 0.0, -1.5, 1.5});
  if (!dice.OneIn(6)) row.cursor = dice.Below(9);
  row.deleted = dice.OneIn(4);
  return row;
}

Round AnyRound(Dice& dice, const Table& table, int numbers) {
  Round round;
  const int rows = dice.Below(14);
  for (int i = 0; i < rows; ++i) {
    const Key key = AnyKey(dice, numbers);
    ModelRow row = AnyRow(dice);
    // Often what is there already, as an overlap reads it again.
    if (const auto there = table.find(key); there != table.end() && dice.OneIn(2)) {
      row = there->second;
    }
    // Which of two different rows with one cursor wins is each destination's choice.
    for (const auto& [other, earlier] : round.batch) {
      if (other == key && earlier.cursor == row.cursor) row = earlier;
    }
    round.batch.emplace_back(key, row);
  }
  const bool stays_large = numbers == kManyKeys;
  round.complete = !stays_large && dice.OneIn(3);
  round.keys_given = !round.complete && dice.OneIn(3);
  if (round.keys_given) {
    for (int i = dice.Below(2 * numbers); i > 0; --i) round.keys.insert(AnyKey(dice, numbers));
    for (const auto& [key, row] : table) {
      if (!dice.OneIn(stays_large ? 40 : 4)) round.keys.insert(key);
    }
  }
  round.allow_duplicates = dice.OneIn(2);
  round.drops_flagged = !dice.OneIn(3);
  if (!dice.OneIn(3)) round.share_max = dice.Of({0.0, 0.3, 0.5, 1.0});
  if (dice.OneIn(4)) round.share_rows_min = 8;  // about as many as the table has
  return round;
}

StreamTarget ModelTarget(const Round& round) {
  StreamTarget target = Target(model::WriteMode::kMerge);
  target.columns = {{"v", {TypeKind::kVarchar}}, {"k", {TypeKind::kInt32}},
                    {"f", {TypeKind::kFloat64}}, {"g", {TypeKind::kVarchar}},
                    {"c", {TypeKind::kInt32}},   {"d", {TypeKind::kBool}}};
  target.primary_key = {"k", "g"};
  target.cursor = "c";
  target.complete = round.complete;
  target.allow_duplicate_keys = round.allow_duplicates;
  target.deletes = {.column = "d",
                    .keep_flagged = !round.drops_flagged,
                    .share_max = round.share_max,
                    .share_rows_min = round.share_rows_min};
  return target;
}

std::string RowsSelect(const Batch& batch) {
  std::string values;
  for (const auto& [key, row] : batch) {
    values +=
        fmt::format("{}({}, '{}', '{}', '{}', '{}', {})", values.empty() ? "" : ", ",
                    row.text ? "'" + *row.text + "'" : "NULL", key.first, NumberText(row.number),
                    key.second, row.cursor ? std::to_string(*row.cursor) : "NULL", row.deleted);
  }
  return fmt::format(
      "SELECT CAST(v AS VARCHAR) AS v, CAST(k AS INTEGER) AS k, CAST(nullif(f, 'NULL') AS DOUBLE) "
      "AS f, g, "
      "CAST(nullif(c, 'NULL') AS INTEGER) AS c, d FROM (VALUES {}) AS t(v, k, f, g, c, d)",
      values);
}

std::string KeysSelect(const std::set<Key>& keys) {
  std::string values;
  for (const auto& [k, g] : keys) {
    values += fmt::format("{}({}, '{}')", values.empty() ? "" : ", ", k, g);
  }
  return fmt::format("SELECT CAST(k AS INTEGER) AS k, g FROM (VALUES {}) AS t(k, g)", values);
}

std::vector<std::string> Texts(const Table& table) {
  std::vector<std::string> out;
  for (const auto& [key, row] : table) {
    out.push_back(fmt::format("{}|{}|{}|{}|{}|{}", row.text.value_or("NULL"), key.first,
                              NumberText(row.number), key.second,
                              row.cursor ? std::to_string(*row.cursor) : "NULL", row.deleted));
  }
  std::sort(out.begin(), out.end());
  return out;
}

// What a test does with the destination.
struct Moves {
  std::function<model::LocalPart(const std::string& name, const std::string& select)> make_part;
  std::function<Counts(const StreamTarget&, const std::vector<model::LocalPart>&,
                       const std::vector<std::vector<model::LocalPart>>&)>
      bring;
  std::function<std::optional<std::vector<std::string>>()> there;
  std::function<void()> reopen;
};

// The batch in one part or two, which are one batch all the same.
std::vector<model::LocalPart> RowParts(const Moves& moves, int number, const Batch& batch,
                                       Dice& dice) {
  std::vector<model::LocalPart> parts;
  const auto split = static_cast<std::ptrdiff_t>(dice.Below(static_cast<int>(batch.size()) + 1));
  const Batch halves[] = {{batch.begin(), batch.begin() + split},
                          {batch.begin() + split, batch.end()}};
  for (const Batch& half : halves) {
    if (half.empty()) continue;
    parts.push_back(moves.make_part(fmt::format("r{}-{}", number, parts.size()), RowsSelect(half)));
  }
  return parts;
}

std::vector<std::vector<model::LocalPart>> KeyParts(const Moves& moves, int number,
                                                    const Round& round) {
  if (!round.keys_given) return {};
  if (round.keys.empty()) return {{}};
  return {{moves.make_part(fmt::format("k{}", number), KeysSelect(round.keys))}};
}

// Returns how many rounds were refused.
int Follow(const Moves& moves, Table& table, int rounds, int numbers) {
  int refused = 0;
  for (int number = 0; number < rounds; ++number) {
    SCOPED_TRACE(fmt::format("round {}", number));
    Dice dice(static_cast<unsigned>(number));
    const Round round = AnyRound(dice, table, numbers);
    const auto parts = RowParts(moves, number, round.batch, dice);
    const std::optional<Counts> expected = Apply(round, table);
    try {
      const Counts counts = moves.bring(ModelTarget(round), parts, KeyParts(moves, number, round));
      EXPECT_TRUE(expected);
      EXPECT_EQ(counts, expected.value_or(Counts()));
      EXPECT_TRUE(counts.AddUpTo(round.batch.size()));
    } catch (const base::Error& error) {
      EXPECT_FALSE(expected) << error.what();
      EXPECT_EQ(error.code(), base::ErrorCode::kConflict) << error.what();
      ++refused;
    }
    EXPECT_EQ(moves.there().value_or(std::vector<std::string>()), Texts(table));
    if (::testing::Test::HasFailure()) return refused;
    if (number % 20 == 19) moves.reopen();  // what is on disk, too
  }
  return refused;
}

}  // namespace

TEST_P(Merging, AgreesWithAPlainMap) {
  Table table;
  const Moves moves{
      [&](const auto& name, const auto& select) { return harness_->MakePart(name, select); },
      [&](const auto& target, const auto& parts, const auto& keys) {
        return Bring(target, parts, keys);
      },
      [&] { return There(); },
      [&] {
        destination_->Close();
        destination_ = harness_->Open();
      }};
  const int refused = Follow(moves, table, kRounds, 6);
  EXPECT_GT(refused, kRounds / 20);
  EXPECT_LT(refused, kRounds / 2);
}

// A destination may go another way where few rows meet many.
TEST_P(Merging, AgreesWithAPlainMapWhenFewRowsMeetMany) {
  Table table;
  const Moves moves{
      [&](const auto& name, const auto& select) { return harness_->MakePart(name, select); },
      [&](const auto& target, const auto& parts, const auto& keys) {
        return Bring(target, parts, keys);
      },
      [&] { return There(); },
      [&] {
        destination_->Close();
        destination_ = harness_->Open();
      }};
  Dice dice(4711);
  Round all{.complete = true, .allow_duplicates = true};
  for (int k = 0; k < kManyKeys; ++k) {
    for (const char* g : {"", "a", "b"}) all.batch.emplace_back(Key(k, g), AnyRow(dice));
  }
  const std::vector<model::LocalPart> parts{moves.make_part("all", RowsSelect(all.batch))};
  EXPECT_EQ(moves.bring(ModelTarget(all), parts, {}), Apply(all, table).value_or(Counts()));
  EXPECT_GT(Follow(moves, table, kRounds / 4, kManyKeys), 0);
  EXPECT_GT(table.size(), 8 * 14u);  // to the end
}

}  // namespace sluice::destinations
