#include "config/showable.h"

#include <algorithm>
#include <array>
#include <string>

#include "base/text.h"
#include "config/characters.h"

namespace sluice::config {
namespace {

bool IsBase64(char c) { return IsAlnum(c) || c == '+' || c == '/'; }

// Calls `take` with each longest run of characters that `belongs` accepts, until it says true.
template <typename Belongs, typename Take>
bool AnyRun(std::string_view text, Belongs belongs, Take take) {
  for (std::size_t begin = 0; begin < text.size();) {
    if (!belongs(text[begin])) {
      ++begin;
      continue;
    }
    std::size_t end = begin;
    while (end < text.size() && belongs(text[end])) ++end;
    if (take(text.substr(begin, end - begin))) return true;
    begin = end;
  }
  return false;
}

// AKIA and ASIA are what people hold; the others name users, roles and old keys.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html
bool HoldsKeyId(std::string_view value) {
  constexpr std::size_t kKeyIdMin = 16;
  return AnyRun(
      value, [](char c) { return IsUpper(c) || IsDigit(c); },
      [](std::string_view run) {
        for (const std::string_view mark : {"AKIA", "ASIA"}) {
          const auto at = run.find(mark);
          if (at != std::string_view::npos && run.size() - at >= kKeyIdMin) return true;
        }
        return false;
      });
}

// Letters of both cases in a disorder that no word of two languages has: "wJalrXUtnFEMI".
bool IsMixed(std::string_view text) {
  std::size_t small_to_great = 0;
  std::size_t small = 0;
  std::size_t great = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    small += IsLower(text[i]) ? 1 : 0;
    great += IsUpper(text[i]) ? 1 : 0;
    if (i > 0 && IsLower(text[i - 1]) && IsUpper(text[i])) ++small_to_great;
  }
  return small >= 4 && great >= 4 && small_to_great >= 3;
}

// A secret access key is 40 signs of base64. A path has that many, too; so they must be all between
// two slashes of it, and in disorder.
bool HoldsSecretKey(std::string_view value) {
  constexpr std::size_t kSecretKeySize = 40;
  return AnyRun(value, IsBase64, [](std::string_view run) {
    for (std::size_t at = 0; at + kSecretKeySize <= run.size(); ++at) {
      if (at > 0 && run[at - 1] != '/') continue;
      const std::size_t end = at + kSecretKeySize;
      if (end < run.size() && run[end] != '/') continue;
      const std::string_view key = run.substr(at, kSecretKeySize);
      const bool words = All(key, [](char c) { return IsLower(c) || IsUpper(c); });
      if (!words && key.front() != '/' && IsMixed(key)) return true;
    }
    return false;
  });
}

bool HoldsUserInfo(std::string_view value) {
  const auto at = value.rfind('@');
  return at != std::string_view::npos && value.substr(0, at).find(':') != std::string_view::npos;
}

bool HoldsTellingWord(std::string_view value) {
  const std::string lower = base::Lower(value);
  constexpr std::array<std::string_view, 9> kWords = {
      "secret", "token", "password", "passwd", "passphrase", "pwd", "credential", "akia", "asia"};
  return std::any_of(kWords.begin(), kWords.end(),
                     [&](std::string_view word) { return lower.find(word) != std::string::npos; });
}

// 20 signs and more, without a blank or a dot between them, of mixed kinds: no person's word.
bool HoldsLongDisorder(std::string_view value) {
  constexpr std::size_t kWordMax = 20;
  constexpr std::size_t kAnyWordMax = 40;
  return AnyRun(
      value, [](char c) { return IsBase64(c) || c == '=' || c == '_' || c == '-'; },
      [](std::string_view run) {
        if (run.size() >= kAnyWordMax) return true;
        if (run.size() < kWordMax) return false;
        const auto digits = std::count_if(run.begin(), run.end(), IsDigit);
        const auto letters =
            std::count_if(run.begin(), run.end(), [](char c) { return IsLower(c) || IsUpper(c); });
        return IsMixed(run) || (digits >= 4 && letters >= 4);
      });
}

bool HasNumberForm(std::string_view value) {
  constexpr std::size_t kDigitsMax = 7;  // more may be a PIN, and are no number of any field
  if (value.starts_with('-') || value.starts_with('+')) value.remove_prefix(1);
  return !value.empty() && value.size() <= kDigitsMax && All(value, IsDigit);
}

bool HasDurationForm(std::string_view value) {
  std::size_t digits = 0;
  while (digits < value.size() && IsDigit(value[digits])) ++digits;
  if (digits > 7) return false;
  std::string unit = base::Lower(value.substr(digits));
  unit.erase(0, unit.find_first_not_of(' '));
  constexpr std::array<std::string_view, 21> kUnits = {
      "",  "s",  "sec", "secs", "second", "seconds", "m",   "min",  "mins", "minute", "minutes",
      "h", "hr", "hrs", "hour", "hours",  "d",       "day", "days", "w",    "ms"};
  return std::find(kUnits.begin(), kUnits.end(), unit) != kUnits.end();
}

// "us-east1", "EU_CENTRAL_1": made of the words that regions are made of.
bool HasRegionForm(std::string_view value) {
  constexpr std::array<std::string_view, 27> kParts = {
      "us",        "eu",        "ap",        "sa",        "ca",      "me",       "af",
      "il",        "cn",        "mx",        "gov",       "iso",     "isob",     "north",
      "south",     "east",      "west",      "central",   "europe",  "asia",     "virginia",
      "northeast", "southeast", "northwest", "southwest", "ireland", "frankfurt"};
  const std::string lower = base::Lower(value);
  return !lower.empty() && lower.size() <= 32 &&
         All(lower, [](char c) { return IsAlnum(c) || c == '-' || c == '_' || c == ' '; }) &&
         !AnyRun(lower, IsLower, [&](std::string_view word) {
           return std::find(kParts.begin(), kParts.end(), word) == kParts.end();
         });
}

bool HasWordsForm(std::string_view value) {
  return value.size() <= 40 &&
         All(value, [](char c) { return IsLower(c) || IsUpper(c) || c == ' ' || c == '!'; });
}

bool HasTableForm(std::string_view value) {
  constexpr std::size_t kShownMax = 80;
  return value.size() <= kShownMax &&
         All(value, [](char c) { return IsAlnum(c) || c == '_' || c == '.' || c == '"'; });
}

bool HasForm(std::string_view value, Form form) {
  switch (form) {
    case Form::kNever: return false;
    case Form::kNumber: return HasNumberForm(value);
    case Form::kDuration: return HasDurationForm(value);
    case Form::kRegion: return HasRegionForm(value);
    case Form::kWords: return HasWordsForm(value);
    case Form::kTable: return HasTableForm(value);
  }
  return false;
}

}  // namespace

bool HoldsKeyMaterial(std::string_view value) {
  // "eyJ" is `{"` in base64: header and claims of a token begin with it.
  const auto token = value.find("eyJ");
  const bool jwt =
      token != std::string_view::npos && value.find(".eyJ", token) != std::string::npos;
  return jwt || HoldsKeyId(value) || HoldsSecretKey(value) ||
         value.find("-----BEGIN") != std::string_view::npos;
}

bool MayHoldSecret(std::string_view value) {
  return HoldsKeyMaterial(value) || HoldsUserInfo(value) || HoldsTellingWord(value) ||
         HoldsLongDisorder(value);
}

bool IsShowable(std::string_view value, Form form) {
  if (value.empty() || !HasForm(value, form)) return false;
  // A region is called asia-...; its form lets nothing in.
  return form == Form::kRegion || !MayHoldSecret(value);
}

bool IsShowableKey(std::string_view key) {
  constexpr std::size_t kKeyMax = 40;
  const auto digits = std::count_if(key.begin(), key.end(), IsDigit);
  return !key.empty() && key.size() <= kKeyMax && digits <= 1 && !IsMixed(key) &&
         All(key,
             [](char c) { return IsAlnum(c) || c == '_' || c == '-' || IsOneOf(c, " *:./<"); }) &&
         !HoldsKeyMaterial(key);
}

}  // namespace sluice::config
