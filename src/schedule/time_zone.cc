#include "schedule/time_zone.h"

#include <algorithm>
#include <cstdint>
#include <cstdlib>

#include "base/small_file.h"

namespace sluice::schedule {
namespace {

using std::chrono::days;
using std::chrono::floor;
using std::chrono::seconds;

constexpr std::size_t kFileBytesMax = 1 << 20;  // the largest there is has 4 KB
constexpr seconds kOffsetMax{26 * 3600};

// Big-endian numbers from the front of a text, which must not end within one.
class Bytes {
 public:
  explicit Bytes(std::string_view rest) : rest_(rest) {}

  std::int64_t Number(std::size_t size) {
    std::uint64_t number = 0;
    const std::string_view bytes = Take(size);
    // The sign is that of the first byte.
    if (!bytes.empty() && (static_cast<unsigned char>(bytes[0]) & 0x80U) != 0) number = ~0ULL;
    for (const char c : bytes) number = number << 8U | static_cast<unsigned char>(c);
    return static_cast<std::int64_t>(number);
  }
  std::string_view Take(std::size_t size) {
    if (size > rest_.size()) {
      good_ = false;
      rest_ = {};
      return {};
    }
    const std::string_view taken = rest_.substr(0, size);
    rest_.remove_prefix(size);
    return taken;
  }
  bool good() const { return good_; }
  std::string_view rest() const { return rest_; }

 private:
  std::string_view rest_;
  bool good_ = true;
};

// What each of the two blocks begins with.
struct Header {
  char version = 0;
  std::size_t utc = 0;
  std::size_t standard = 0;
  std::size_t leaps = 0;
  std::size_t times = 0;
  std::size_t types = 0;
  std::size_t letters = 0;

  std::size_t Body(std::size_t time_size) const {
    return times * time_size + times + types * 6 + letters + leaps * (time_size + 4) + standard +
           utc;
  }
};

std::optional<Header> ReadHeader(Bytes& bytes) {
  if (bytes.Take(4) != "TZif") return std::nullopt;
  Header header;
  const std::string_view version = bytes.Take(1);
  bytes.Take(15);
  const auto count = [&] {
    const std::int64_t number = bytes.Number(4);
    // More is no zone, and would overflow sums.
    return number >= 0 && number < 1'000'000 ? static_cast<std::size_t>(number) : kFileBytesMax;
  };
  header.utc = count();
  header.standard = count();
  header.leaps = count();
  header.times = count();
  header.types = count();
  header.letters = count();
  if (!bytes.good() || version.empty()) return std::nullopt;
  header.version = version[0];
  return header;
}

}  // namespace

std::optional<TimeZone> TimeZone::Parse(std::string_view text) {
  Bytes bytes(text);
  const auto old = ReadHeader(bytes);
  if (!old || old->version < '2') return std::nullopt;
  bytes.Take(old->Body(4));
  const auto header = ReadHeader(bytes);
  if (!header || header->leaps != 0 || header->types == 0) return std::nullopt;
  if (header->Body(8) > bytes.rest().size()) return std::nullopt;
  TimeZone zone;
  for (std::size_t i = 0; i < header->times; ++i) {
    zone.changes_.emplace_back(seconds(bytes.Number(8)));
  }
  const std::string_view indexes = bytes.Take(header->times);
  std::vector<seconds> offsets;
  for (std::size_t i = 0; i < header->types; ++i) {
    offsets.emplace_back(bytes.Number(4));
    bytes.Take(2);
    if (std::chrono::abs(offsets.back()) > kOffsetMax) return std::nullopt;
  }
  for (const char index : indexes) {
    const auto at = static_cast<unsigned char>(index);
    if (at >= offsets.size()) return std::nullopt;
    zone.offsets_.push_back(offsets[at]);
  }
  zone.first_ = offsets.front();
  bytes.Take(header->letters + header->standard + header->utc);
  std::string_view footer = bytes.rest();
  if (!bytes.good() || !std::is_sorted(zone.changes_.begin(), zone.changes_.end())) return {};
  if (footer.size() < 2 || footer.front() != '\n') return std::nullopt;
  footer.remove_prefix(1);
  const auto end = footer.find('\n');
  if (end == std::string_view::npos) return std::nullopt;
  footer = footer.substr(0, end);
  if (footer.empty()) return zone;
  zone.rule_ = PosixRule::Parse(footer);
  if (!zone.rule_) return std::nullopt;
  return zone;
}

seconds TimeZone::OffsetAt(Seconds time) const {
  const auto after = std::upper_bound(changes_.begin(), changes_.end(), time);
  if (after == changes_.end() && rule_) return rule_->OffsetAt(time);
  if (after == changes_.begin()) return first_;
  return offsets_[static_cast<std::size_t>(after - changes_.begin()) - 1];
}

// No zone changes twice within two days.
std::vector<seconds> TimeZone::OffsetsAround(Local local) const {
  const Seconds time(local.time_since_epoch());
  std::vector<seconds> offsets = {OffsetAt(time - kOffsetMax), OffsetAt(time + kOffsetMax)};
  if (offsets[0] == offsets[1]) offsets.pop_back();
  return offsets;
}

std::vector<Seconds> TimeZone::When(Local local) const {
  std::vector<Seconds> when;
  for (const seconds offset : OffsetsAround(local)) {
    const Seconds time(local.time_since_epoch() - offset);
    if (OffsetAt(time) == offset) when.push_back(time);
  }
  std::sort(when.begin(), when.end());
  return when;
}

Seconds TimeZone::EndOfGap(Local local) const {
  const auto offsets = OffsetsAround(local);
  // By the greater offset it is before the change, by the lesser one after it.
  auto [least, greatest] = std::minmax_element(offsets.begin(), offsets.end());
  Seconds before(local.time_since_epoch() - *greatest);
  Seconds after(local.time_since_epoch() - *least);
  const seconds earlier = OffsetAt(before);
  while (after - before > seconds(1)) {
    const Seconds middle = before + (after - before) / 2;
    (OffsetAt(middle) == earlier ? before : after) = middle;
  }
  return after;
}

std::optional<TimeZone> LoadTimeZone(std::string_view name, const std::filesystem::path& folder) {
  const bool plain = std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '/' ||
           c == '_' || c == '-' || c == '+';
  });
  if (!plain || name.empty() || name.front() == '/' || name.back() == '/') return std::nullopt;
  if (name == "UTC") return TimeZone::Utc();  // also where there is no database
  std::filesystem::path from = folder;
  if (from.empty()) {
    const char* const other = std::getenv("TZDIR");
    from = other != nullptr && *other != '\0' ? other : "/usr/share/zoneinfo";
  }
  std::error_code failed;
  if (!std::filesystem::is_regular_file(from / name, failed)) return std::nullopt;
  return TimeZone::Parse(base::ReadSmallFile((from / name).string(), kFileBytesMax).text);
}

// --- the rule ------------------------------------------------------------------------------------

// Reads a rule from its front.
class PosixReader {
 public:
  explicit PosixReader(std::string_view rest) : rest_(rest) {}

  std::optional<PosixRule> Read() {
    PosixRule rule;
    if (!Name() || !Offset(rule.standard_)) return std::nullopt;
    rule.standard_ = -rule.standard_;  // POSIX counts westwards
    rule.summer_ = rule.standard_;
    if (rest_.empty()) return rule;
    if (!Name()) return std::nullopt;
    rule.summer_ = rule.standard_ + std::chrono::hours(1);
    if (!rest_.empty() && rest_.front() != ',') {
      if (!Offset(rule.summer_)) return std::nullopt;
      rule.summer_ = -rule.summer_;
    }
    PosixRule::Change begins;
    if (!Change(begins) || !Change(rule.ends_) || !rest_.empty()) return std::nullopt;
    rule.begins_ = begins;
    return rule;
  }

 private:
  bool Eat(char c) {
    if (rest_.empty() || rest_.front() != c) return false;
    rest_.remove_prefix(1);
    return true;
  }
  bool Name() {
    const bool quoted = Eat('<');
    std::size_t length = 0;
    while (length < rest_.size()) {
      const char c = rest_[length];
      const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
      if (!letter && !(quoted && c != '>')) break;
      ++length;
    }
    rest_.remove_prefix(length);
    return length >= 3 && (!quoted || Eat('>'));
  }
  bool Number(int& number, int max) {
    std::size_t length = 0;
    number = 0;
    while (length < rest_.size() && length < 3 && rest_[length] >= '0' && rest_[length] <= '9') {
      number = number * 10 + (rest_[length] - '0');
      ++length;
    }
    rest_.remove_prefix(length);
    return length > 0 && number <= max;
  }
  // "-1", "+5:30", "24:00:00".
  bool Offset(seconds& offset) {
    constexpr int kHoursMax = 167;
    const bool negative = Eat('-');
    if (!negative) Eat('+');
    int hours = 0;
    int minutes = 0;
    int rest = 0;
    if (!Number(hours, kHoursMax)) return false;
    if (Eat(':') && !Number(minutes, 59)) return false;
    if (Eat(':') && !Number(rest, 59)) return false;
    offset = std::chrono::hours(hours) + std::chrono::minutes(minutes) + seconds(rest);
    if (negative) offset = -offset;
    return true;
  }
  bool Change(PosixRule::Change& change) {
    using Kind = PosixRule::Change::Kind;
    if (!Eat(',')) return false;
    if (Eat('M')) {
      change.kind = Kind::kWeekday;
      if (!Number(change.month, 12) || !Eat('.') || !Number(change.week, 5) || !Eat('.') ||
          !Number(change.day, 6) || change.month < 1 || change.week < 1) {
        return false;
      }
    } else {
      change.kind = Eat('J') ? Kind::kJulian : Kind::kDay;
      if (!Number(change.day, 365) || (change.kind == Kind::kJulian && change.day < 1)) {
        return false;
      }
    }
    return !Eat('/') || Offset(change.at);
  }

  std::string_view rest_;
};

std::optional<PosixRule> PosixRule::Parse(std::string_view text) {
  return PosixReader(text).Read();
}

Local PosixRule::LocalOf(const Change& change, std::chrono::year year) {
  using std::chrono::local_days;
  const local_days first(year / std::chrono::January / 1);
  if (change.kind == Change::Kind::kDay) return first + days(change.day) + change.at;
  if (change.kind == Change::Kind::kJulian) {
    constexpr int kFebruary28 = 59;
    const bool skips = year.is_leap() && change.day > kFebruary28;
    return first + days(change.day - (skips ? 0 : 1)) + change.at;
  }
  const std::chrono::weekday day(static_cast<unsigned>(change.day));
  const auto month = year / std::chrono::month(static_cast<unsigned>(change.month));
  constexpr int kLast = 5;
  const local_days on = change.week == kLast
                            ? local_days(month / day[std::chrono::last])
                            : local_days(month / day[static_cast<unsigned>(change.week)]);
  return on + change.at;
}

seconds PosixRule::OffsetAt(Seconds time) const {
  if (!begins_) return standard_;
  const std::chrono::year_month_day today(floor<days>(time + standard_));
  const Seconds begins((LocalOf(*begins_, today.year()) - standard_).time_since_epoch());
  const Seconds ends((LocalOf(ends_, today.year()) - summer_).time_since_epoch());
  const bool summer = begins < ends ? time >= begins && time < ends
                                    : time >= begins || time < ends;  // south of the equator
  return summer ? summer_ : standard_;
}

}  // namespace sluice::schedule
