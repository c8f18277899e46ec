// When something is to be done, as cron writes it: minute, hour, day of the month, month, day of
// the week. Pure; any thread. A value.
#pragma once
#include <bitset>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "schedule/time_zone.h"

namespace sluice::schedule {

struct CronProblem {
  std::string problem;  // reads on from the text: "has 4 fields instead of 5"
  std::string remedy;
};

class Cron {
 public:
  // Five fields with blanks between; each is `*`, a number, a range `1-5`, any of them with a step
  // `*/15`, or a list of such. Months and weekdays have English names of three letters; Sunday is 0
  // or 7. Where day of month and day of week are both given (do not begin with `*`), either is
  // enough. Or `@hourly`, `@daily` (`@midnight`), `@weekly`, `@monthly`, `@yearly` (`@annually`).
  // A day that never comes (30 2 in February) is a problem.
  static std::variant<Cron, CronProblem> Parse(std::string_view text);

  // The first time after `after`, in `zone`. Where clocks are set forward, what lies in the hour
  // that is left out is done at its end, once; where they are set back, what lies in the hour that
  // comes twice is done the first time. A schedule of all hours (`*` or `*/2`) follows the time
  // that really passes: it leaves nothing out for the one and comes in both of the other.
  Seconds Next(Seconds after, const TimeZone& zone) const;

 private:
  friend class CronReader;
  bool DayFits(std::chrono::local_days day) const;
  bool EverFires() const;
  std::optional<Seconds> FirstOf(std::chrono::local_days day, Seconds after,
                                 const TimeZone& zone) const;

  std::bitset<60> minutes_;
  std::bitset<24> hours_;
  std::bitset<32> days_;
  std::bitset<13> months_;
  std::bitset<7> weekdays_;
  bool all_hours_ = false;  // the field begins with `*`, as the others
  bool all_days_ = false;
  bool all_weekdays_ = false;
};

}  // namespace sluice::schedule
