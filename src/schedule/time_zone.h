// A time zone of the system's database, as the files beneath /usr/share/zoneinfo have it (TZif,
// RFC 8536, version 2 or newer). Read by ourselves: docs/adr/0014-time-zones-and-cron.md.
#pragma once
#include <chrono>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"

namespace sluice::schedule {

using Seconds = std::chrono::sys_seconds;
using Local = std::chrono::local_seconds;

// A zone's rule for all years, as POSIX writes it: "CET-1CEST,M3.5.0,M10.5.0/3".
class PosixRule {
 public:
  // nullopt if it is none.
  static std::optional<PosixRule> Parse(std::string_view text);
  std::chrono::seconds OffsetAt(Seconds time) const;

 private:
  friend class PosixReader;
  struct Change {
    enum class Kind { kJulian, kDay, kWeekday } kind = Kind::kDay;
    int month = 0;  // kWeekday
    int week = 0;   // kWeekday: 5 is the last one
    int day = 0;    // of the week; or of the year: from 1 without Feb 29 (kJulian), or from 0
    std::chrono::seconds at{7200};  // of that day; may lie outside of it
  };
  static Local LocalOf(const Change& change, std::chrono::year year);

  std::chrono::seconds standard_{0};
  std::chrono::seconds summer_{0};
  std::optional<Change> begins_;  // nullopt: no summer time
  Change ends_;
};

// A value; any thread.
class TimeZone {
 public:
  static TimeZone Utc() { return {}; }
  // Of a file's bytes. nullopt: it is no such file, is damaged, or counts leap seconds.
  static std::optional<TimeZone> Parse(std::string_view bytes);

  std::chrono::seconds OffsetAt(Seconds time) const;
  Local ToLocal(Seconds time) const { return Local((time + OffsetAt(time)).time_since_epoch()); }
  // When clocks show `local`: once; twice where they are set back; never where they are set
  // forward.
  std::vector<Seconds> When(Local local) const;
  // REQUIRES: When(local) is empty. When the clocks are set forward over it.
  Seconds EndOfGap(Local local) const;

 private:
  std::vector<std::chrono::seconds> OffsetsAround(Local local) const;

  std::vector<Seconds> changes_;               // ascending
  std::vector<std::chrono::seconds> offsets_;  // since each of them
  std::chrono::seconds first_{0};              // before all
  std::optional<PosixRule> rule_;              // after all
};

// "UTC", "Europe/Berlin". nullopt: the system has none of that name, or a name that no zone can
// have (it is part of a path). `folder`: of the system's database; empty: $TZDIR or the usual one.
std::optional<TimeZone> LoadTimeZone(std::string_view name,
                                     const std::filesystem::path& folder = {});

}  // namespace sluice::schedule
