#include "serve/base/json.h"

#include <fmt/format.h>

#include <set>
#include <vector>

#include "base/text.h"

namespace sluice::serve {
namespace {

namespace chrono = std::chrono;

// nlohmann's parser keeps the last of two equal keys: what was checked would not be what counts.
class Watch {
 public:
  bool operator()(int depth, Json::parse_event_t event, Json& parsed) {
    using Event = Json::parse_event_t;
    if (event == Event::object_start || event == Event::array_start) {
      if (static_cast<std::size_t>(depth) >= kJsonDepthMax) too_deep = true;
    }
    if (event == Event::object_start) keys_.emplace_back();
    if (event == Event::object_end && !keys_.empty()) keys_.pop_back();
    if (event == Event::key && !keys_.empty()) {
      if (!keys_.back().insert(parsed.get<std::string>()).second) twice = true;
    }
    return !too_deep && !twice;
  }
  bool too_deep = false;
  bool twice = false;

 private:
  std::vector<std::set<std::string>> keys_;
};

std::optional<int> Digits(std::string_view text, std::size_t at, std::size_t count) {
  if (at + count > text.size()) return std::nullopt;
  return base::ParseNumber<int>(text.substr(at, count));
}

}  // namespace

std::string TimeText(base::UtcTime time) {
  const auto second = chrono::floor<chrono::seconds>(time);
  const auto day = chrono::floor<chrono::days>(second);
  const chrono::year_month_day date(day);
  const chrono::hh_mm_ss clock(second - day);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}Z", static_cast<int>(date.year()),
                     static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                     clock.hours().count(), clock.minutes().count(), clock.seconds().count());
}

std::optional<base::UtcTime> ParseTime(std::string_view text) {
  constexpr std::string_view kForm = "0000-00-00T00:00:00Z";
  if (text.size() != kForm.size()) return std::nullopt;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool digit = text[i] >= '0' && text[i] <= '9';
    if (kForm[i] == '0' ? !digit : text[i] != kForm[i]) return std::nullopt;
  }
  const chrono::year_month_day date(chrono::year(*Digits(text, 0, 4)),
                                    chrono::month(static_cast<unsigned>(*Digits(text, 5, 2))),
                                    chrono::day(static_cast<unsigned>(*Digits(text, 8, 2))));
  const int hours = *Digits(text, 11, 2);
  const int minutes = *Digits(text, 14, 2);
  const int seconds = *Digits(text, 17, 2);
  if (!date.ok() || hours > 23 || minutes > 59 || seconds > 59) return std::nullopt;
  return chrono::sys_days(date) + chrono::hours(hours) + chrono::minutes(minutes) +
         chrono::seconds(seconds);
}

Json TimeJson(const std::optional<base::UtcTime>& time) {
  return time ? Json(TimeText(*time)) : Json(nullptr);
}

std::optional<Json> ParseJson(std::string_view text, std::string& why) {
  Watch watch;
  // By reference: the parser copies what it is given.
  const auto callback = [&watch](int depth, Json::parse_event_t event, Json& parsed) {
    return watch(depth, event, parsed);
  };
  Json json = Json::parse(text, callback, /*allow_exceptions=*/false);
  if (watch.too_deep) {
    why = fmt::format("is nested more than {} levels deep", kJsonDepthMax);
  } else if (watch.twice) {
    why = "holds the same name twice in one object";
  } else if (json.is_discarded()) {
    why = "is no JSON (RFC 8259)";
  } else {
    return json;
  }
  return std::nullopt;
}

}  // namespace sluice::serve
