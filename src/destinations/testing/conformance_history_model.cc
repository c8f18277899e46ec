// Goal: whatever comes in whatever order, a table that keeps history is what a plain list of
// versions says, and counts what that counts. Seeded; a failure names the round, its seed.
#include <gmock/gmock.h>

#include <algorithm>
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

constexpr int kHistoryRounds = 120;
constexpr int kKeys = 7;
// Times are microseconds since 2026 began.
constexpr std::int64_t kDay = 86'400'000'000;

struct Came {
  int key = 0;
  std::string text;
  std::optional<int> day;  // of the cursor
  bool deleted = false;

  friend bool operator==(const Came&, const Came&) = default;
};

struct RowVersion {
  Came row;
  std::int64_t from = 0;
  std::optional<std::int64_t> to;
};

struct HistoryRound {
  std::vector<Came> batch;
  std::set<int> keys;
  bool keys_given = false;
  bool complete = false;
  bool drops_flagged = false;
  std::int64_t as_of = 0;
};

// docs/adr/0013-history.md, said once more in the plainest way.
class Plain {
 public:
  Counts Apply(const HistoryRound& round) {
    round_ = &round;
    counts_ = {};
    std::map<int, Came> winners;
    for (const Came& row : round.batch) {
      const auto [there, fresh] = winners.emplace(row.key, row);
      if (fresh) continue;
      ++counts_.duplicates;
      ++counts_.skipped;
      if (row.day > there->second.day) there->second = row;
    }
    for (const auto& [key, row] : winners) Meet(row);
    for (RowVersion& version : versions) {
      if (version.to || winners.contains(version.row.key)) continue;
      if (!round.complete && (!round.keys_given || round.keys.contains(version.row.key))) continue;
      version.to = std::max(round.as_of, version.from + 1);
      ++counts_.deleted;
      ++counts_.deleted_absent;
    }
    return counts_;
  }

  std::vector<RowVersion> versions;

 private:
  void Meet(const Came& row) {
    const auto now = std::find_if(versions.begin(), versions.end(), [&](const RowVersion& version) {
      return version.row.key == row.key && !version.to;
    });
    const bool there = now != versions.end();
    const bool flagged = round_->drops_flagged && row.deleted;
    const bool late = there && !round_->complete && row.day && now->row.day &&
                      *row.day < *now->row.day && *now->row.day * kDay <= round_->as_of;
    if (late || (flagged && !there)) {
      ++counts_.skipped;
    } else if (!there) {
      ++counts_.inserted;
      versions.push_back({row, Begin(row, std::nullopt), std::nullopt});
    } else if (!flagged && now->row == row) {
      ++counts_.unchanged;
    } else {
      now->to = Begin(row, now->from);
      ++(flagged ? counts_.deleted : counts_.updated);
      if (!flagged) versions.push_back({row, *now->to, std::nullopt});
    }
  }

  // `after`: where the version began that it ends.
  std::int64_t Begin(const Came& row, std::optional<std::int64_t> after) const {
    std::int64_t moment = after ? std::max(round_->as_of, *after + 1) : round_->as_of;
    if (row.day) {
      const std::int64_t own = *row.day * kDay;
      if (own <= round_->as_of && (!after || own > *after)) moment = own;
    }
    for (const RowVersion& version : versions) {
      const bool ended = version.row.key == row.key && version.to;
      if (!after && ended && *version.to > moment) moment = std::max(round_->as_of, *version.to);
    }
    return moment;
  }

  const HistoryRound* round_ = nullptr;
  Counts counts_;
};

class HistoryDice {
 public:
  explicit HistoryDice(unsigned seed) : random_(seed) {}
  int Below(int end) { return static_cast<int>(random_() % static_cast<unsigned>(end)); }
  bool OneIn(int n) { return Below(n) == 0; }

 private:
  std::mt19937 random_;
};

HistoryRound AnyHistoryRound(HistoryDice& dice, int number,
                             const std::vector<RowVersion>& versions) {
  HistoryRound round;
  // It stands still for two rounds out of three, and now and then goes back.
  round.as_of = (10 + number / 3 - (dice.OneIn(9) ? 3 : 0)) * kDay;
  for (int rows = dice.Below(8); rows > 0; --rows) {
    Came row{.key = dice.Below(kKeys), .text = dice.OneIn(2) ? "x" : "y", .deleted = dice.OneIn(4)};
    if (!dice.OneIn(6)) row.day = number / 3 + dice.Below(14);
    // Often what is there, or was.
    if (!versions.empty() && dice.OneIn(2)) {
      row = versions[static_cast<std::size_t>(dice.Below(static_cast<int>(versions.size())))].row;
    }
    // Which of two different rows with one cursor wins is each destination's choice.
    for (const Came& other : round.batch) {
      if (other.key == row.key && other.day == row.day) row = other;
    }
    round.batch.push_back(row);
  }
  round.complete = dice.OneIn(3);
  round.keys_given = !round.complete && dice.OneIn(3);
  for (int key = 0; round.keys_given && key < kKeys; ++key) {
    if (!dice.OneIn(3)) round.keys.insert(key);
  }
  round.drops_flagged = !dice.OneIn(3);
  return round;
}

std::string RowsSelect(const std::vector<Came>& batch) {
  std::string values;
  for (const Came& row : batch) {
    values += fmt::format("{}({}, '{}', {}, {})", values.empty() ? "" : ", ", row.key, row.text,
                          row.day ? std::to_string(*row.day) : "NULL", row.deleted);
  }
  return fmt::format(
      "SELECT CAST(n AS BIGINT) AS n, t, TIMESTAMP '2026-01-01' + to_days(CAST(c AS INTEGER)) AS "
      "c, d FROM (VALUES {}) AS v(n, t, c, d)",
      values);
}

// As rows of numbers: DuckDB and the harness write times alike, and this need not.
std::vector<std::string> Texts(const std::vector<RowVersion>& versions,
                               const std::function<std::string(std::int64_t)>& time) {
  std::vector<std::string> out;
  for (const RowVersion& version : versions) {
    const auto maybe = [&](const std::optional<std::int64_t>& micros) {
      return micros ? time(*micros) : std::string("NULL");
    };
    out.push_back(fmt::format("{}|{}|{}|{}|{}|{}|{}", version.row.key, version.row.text,
                              version.row.day ? time(*version.row.day * kDay) : "NULL",
                              version.row.deleted, time(version.from), maybe(version.to),
                              !version.to));
  }
  std::sort(out.begin(), out.end());
  return out;
}

base::UtcTime AsTime(std::int64_t micros) {
  return base::UtcTime(std::chrono::sys_days(std::chrono::year(2026) / 1 / 1)) +
         std::chrono::microseconds(micros);
}

// "2026-01-03 00:00:00.000001".
std::string TimeText(std::int64_t micros) {
  const auto time = AsTime(micros);
  const auto day = std::chrono::floor<std::chrono::days>(time);
  const std::chrono::year_month_day date(day);
  const auto rest = std::chrono::duration_cast<std::chrono::microseconds>(time - day).count();
  std::string text =
      fmt::format("{}-{:02}-{:02} 00:00:00", static_cast<int>(date.year()),
                  static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()));
  if (rest == 0) return text;
  std::string digits = fmt::format(".{:06}", rest);
  digits.erase(digits.find_last_not_of('0') + 1);
  return text + digits;
}

}  // namespace

TEST_P(History, AgreesWithAPlainMapOfVersions) {
  Plain plain;
  Counts all;
  for (int number = 0; number < kHistoryRounds; ++number) {
    SCOPED_TRACE(fmt::format("round {}", number));
    HistoryDice dice(static_cast<unsigned>(number));
    const HistoryRound round = AnyHistoryRound(dice, number, plain.versions);
    StreamTarget target = VersionsOf(1, round.complete);
    target.as_of = AsTime(round.as_of);
    target.allow_duplicate_keys = true;
    target.deletes.column = "d";
    target.deletes.keep_flagged = !round.drops_flagged;
    std::vector<model::LocalPart> parts;
    if (!round.batch.empty()) {
      parts.push_back(harness_->MakePart(fmt::format("r{}", number), RowsSelect(round.batch)));
    }
    std::vector<std::vector<model::LocalPart>> keys;
    if (round.keys_given) {
      std::string values;
      for (const int key : round.keys)
        values += fmt::format("{}({})", values.empty() ? "" : ", ", key);
      keys.push_back(values.empty() ? std::vector<model::LocalPart>() : Keys(values));
    }
    const Counts expected = plain.Apply(round);
    const Counts counts = Bring(target, parts, keys);
    EXPECT_EQ(counts, expected);
    EXPECT_TRUE(counts.AddUpTo(round.batch.size()));
    EXPECT_EQ(There().value_or(std::vector<std::string>()), Texts(plain.versions, TimeText));
    if (HasFailure()) return;
    all.updated += counts.updated;
    all.deleted += counts.deleted - counts.deleted_absent;
    all.unchanged += counts.unchanged;
    if (number % 20 == 19) {
      destination_->Close();
      destination_ = harness_->Open();
    }
  }
  EXPECT_GT(all.updated, 30U);
  EXPECT_GT(all.deleted, 10U);
  EXPECT_GT(all.unchanged, 5U);
}

}  // namespace sluice::destinations
