#include "schedule/cron.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <span>
#include <vector>

#include "base/text.h"

namespace sluice::schedule {
namespace {

using std::chrono::days;
using std::chrono::local_days;

constexpr std::string_view kForm =
    "Write minute, hour, day of the month, month and day of the week: \"30 6 * * *\" is 6:30 every "
    "day, \"*/15 * * * *\" every quarter of an hour, \"0 6 * * mon-fri\" 6:00 on working days.";

struct FieldKind {
  std::string_view name;
  int min;
  int max;
  std::span<const std::string_view> words;  // the first stands for `min`
};

constexpr std::array<std::string_view, 12> kMonths = {"jan", "feb", "mar", "apr", "may", "jun",
                                                      "jul", "aug", "sep", "oct", "nov", "dec"};
constexpr std::array<std::string_view, 7> kWeekdays = {"sun", "mon", "tue", "wed",
                                                       "thu", "fri", "sat"};
constexpr std::array<FieldKind, 5> kFields = {{{"minute", 0, 59, {}},
                                               {"hour", 0, 23, {}},
                                               {"day of the month", 1, 31, {}},
                                               {"month", 1, 12, kMonths},
                                               {"day of the week", 0, 7, kWeekdays}}};

struct Nickname {
  std::string_view name;
  std::string_view text;
};
constexpr std::array<Nickname, 7> kNicknames = {{{"@yearly", "0 0 1 1 *"},
                                                 {"@annually", "0 0 1 1 *"},
                                                 {"@monthly", "0 0 1 * *"},
                                                 {"@weekly", "0 0 * * 0"},
                                                 {"@daily", "0 0 * * *"},
                                                 {"@midnight", "0 0 * * *"},
                                                 {"@hourly", "0 * * * *"}}};

std::vector<std::string_view> Split(std::string_view text, std::string_view separators) {
  std::vector<std::string_view> pieces;
  std::size_t at = 0;
  while (at <= text.size()) {
    const auto end = std::min(text.find_first_of(separators, at), text.size());
    pieces.push_back(text.substr(at, end - at));
    at = end + 1;
  }
  return pieces;
}

}  // namespace

class CronReader {
 public:
  std::variant<Cron, CronProblem> Read(std::string_view text) {
    if (text.starts_with('@')) {
      const auto known = std::find_if(
          kNicknames.begin(), kNicknames.end(),
          [&](const Nickname& nickname) { return base::EqualFolded(nickname.name, text); });
      if (known == kNicknames.end()) {
        return CronProblem{"is none of @hourly, @daily, @weekly, @monthly, @yearly",
                           std::string(kForm)};
      }
      text = known->text;
    }
    auto fields = Split(text, " \t");
    std::erase(fields, "");
    if (fields.size() != kFields.size()) {
      return CronProblem{fmt::format("has {} fields instead of 5", fields.size()),
                         std::string(kForm)};
    }
    Cron cron;
    for (std::size_t i = 0; i < fields.size(); ++i) {
      kind_ = &kFields.at(i);
      for (const auto item : Split(fields[i], ",")) {
        if (!ReadItem(item)) return *problem_;
        for (int value = from_; value <= to_; value += step_) Set(cron, i, value);
      }
    }
    cron.all_hours_ = fields[1].starts_with('*');
    cron.all_days_ = fields[2].starts_with('*');
    cron.all_weekdays_ = fields[4].starts_with('*');
    if (cron.EverFires()) return cron;
    return CronProblem{"never comes: no month that it names has such a day",
                       "Name a day that the month has: February has 29 at most, and April, June, "
                       "September and November have 30."};
  }

 private:
  static void Set(Cron& cron, std::size_t field, int value) {
    const auto at = static_cast<std::size_t>(value);
    switch (field) {
      case 0: cron.minutes_.set(at); break;
      case 1: cron.hours_.set(at); break;
      case 2: cron.days_.set(at); break;
      case 3: cron.months_.set(at); break;
      default: cron.weekdays_.set(at % 7); break;
    }
  }

  // "*", "5", "1-5", "mon-fri", "*/15", "10-50/20".
  bool ReadItem(std::string_view item) {
    const auto slash = item.find('/');
    const std::string_view range = item.substr(0, slash);
    const auto hyphen = range.find('-');
    from_ = kind_->min;
    to_ = kind_->max;
    // Sunday once.
    if (range == "*" && kind_->max == 7) to_ = 6;
    if (range != "*") {
      if (!Value(range.substr(0, hyphen), from_)) return false;
      to_ = from_;
      if (hyphen != std::string_view::npos && !Value(range.substr(hyphen + 1), to_)) return false;
    }
    // "sat-sun" means what it says.
    if (from_ > to_ && kind_->max == 7 && to_ == 0) to_ = 7;
    if (from_ > to_) {
      return Refuse(fmt::format("has a {} that ends before it begins", kind_->name),
                    "Write two ranges with a comma: 22-23,0-4 instead of 22-4.");
    }
    step_ = 1;
    if (slash == std::string_view::npos) return true;
    if (range != "*" && hyphen == std::string_view::npos) {
      return Refuse(fmt::format("has a step without a range as its {}", kind_->name),
                    fmt::format("Write {}-{}/... or */...", from_, kind_->max));
    }
    const auto step = base::ParseNumber<int>(item.substr(slash + 1));
    if (!step || *step < 1 || *step > kind_->max) {
      return Refuse(
          fmt::format("has a step as its {} that is not 1 to {}", kind_->name, kind_->max),
          "Write a number behind the slash: */15");
    }
    step_ = *step;
    return true;
  }

  bool Value(std::string_view text, int& value) {
    for (std::size_t i = 0; i < kind_->words.size(); ++i) {
      if (!base::EqualFolded(kind_->words[i], text)) continue;
      value = kind_->min + static_cast<int>(i);
      return true;
    }
    const bool digits = !text.empty() && text.size() <= 2 &&
                        text.find_first_not_of("0123456789") == std::string_view::npos;
    const auto number = digits ? base::ParseNumber<int>(text) : std::nullopt;
    if (!number || *number < kind_->min || *number > kind_->max) {
      return Refuse(
          fmt::format("has a {} that is not {} to {}{}", kind_->name, kind_->min, kind_->max,
                      kind_->words.empty() ? ""
                                           : fmt::format(", or {} to {}", kind_->words.front(),
                                                         kind_->words.back())),
          std::string(kForm));
    }
    value = *number;
    return true;
  }

  bool Refuse(std::string problem, std::string remedy) {
    problem_ = CronProblem{std::move(problem), std::move(remedy)};
    return false;
  }

  const FieldKind* kind_ = nullptr;
  // Of the item just read.
  int from_ = 0;
  int to_ = 0;
  int step_ = 1;
  std::optional<CronProblem> problem_;
};

std::variant<Cron, CronProblem> Cron::Parse(std::string_view text) {
  return CronReader().Read(text);
}

bool Cron::DayFits(local_days day) const {
  const std::chrono::year_month_day date(day);
  if (!months_.test(static_cast<unsigned>(date.month()))) return false;
  const bool by_day = days_.test(static_cast<unsigned>(date.day()));
  const bool by_weekday = weekdays_.test(std::chrono::weekday(day).c_encoding());
  if (all_days_ || all_weekdays_) return by_day && by_weekday;
  return by_day || by_weekday;
}

// Minutes, hours and weekdays come every week.
bool Cron::EverFires() const {
  if (!all_days_ && !all_weekdays_) return true;  // the weekday is enough
  constexpr std::array<std::size_t, 13> kLongest = {0,  31, 29, 31, 30, 31, 30,
                                                    31, 31, 30, 31, 30, 31};
  for (std::size_t month = 1; month < kLongest.size(); ++month) {
    if (!months_.test(month)) continue;
    for (std::size_t day = 1; day <= kLongest.at(month); ++day) {
      if (days_.test(day)) return true;
    }
  }
  return false;
}

std::optional<Seconds> Cron::FirstOf(local_days day, Seconds after, const TimeZone& zone) const {
  std::optional<Seconds> first;
  const auto take = [&](Seconds time) {
    if (time > after && (!first || time < *first)) first = time;
  };
  for (std::size_t hour = 0; hour < hours_.size(); ++hour) {
    if (!hours_.test(hour)) continue;
    for (std::size_t minute = 0; minute < minutes_.size(); ++minute) {
      if (!minutes_.test(minute)) continue;
      const Local local = day + std::chrono::hours(hour) + std::chrono::minutes(minute);
      const auto when = zone.When(local);
      if (all_hours_) {
        for (const Seconds time : when) take(time);
      } else {
        take(when.empty() ? zone.EndOfGap(local) : when.front());
      }
    }
  }
  return first;
}

Seconds Cron::Next(Seconds after, const TimeZone& zone) const {
  // A day before: what its last hour left out may come now.
  local_days day = std::chrono::floor<days>(zone.ToLocal(after)) - days(1);
  // February 29 on a weekday comes every 28 years, but for a century without one.
  constexpr int kDaysMax = 41 * 366;
  for (int i = 0; i < kDaysMax; ++i, day += days(1)) {
    if (!DayFits(day)) continue;
    if (const auto first = FirstOf(day, after, zone)) return *first;
  }
  abort();  // a broken invariant: Parse refuses what never comes
}

}  // namespace sluice::schedule
