#include "staging/manifest.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <numeric>
#include <string>
#include <utility>

#include "base/error.h"

namespace sluice::staging {
namespace {
using nlohmann::json;

// Twice what the greatest UNLOAD writes: 200,000 parts.
constexpr std::size_t kEntriesMax = 400'000;
constexpr std::size_t kLevelsMax = 16;
// A key has 1,024 bytes at most, a bucket's name 63.
constexpr std::size_t kUrlBytesMax = 1200;

[[noreturn]] void Corrupt(std::string subject, std::string message, std::string reason = "") {
  throw base::Error(
      {.code = base::ErrorCode::kCorrupt,
       .operation = "read manifest",
       .subject = std::move(subject),
       .message = std::move(message),
       .remedy = "Nothing was committed. Run the sync again; if it comes back, look for another "
                 "program or a lifecycle rule that changes objects below the staging root.",
       .reason = std::move(reason)});
}

// Reads the text as it goes by: a tree of 200,000 entries took twenty times the text's size.
// Only the places that count are looked at; what else stands there is passed over, but bounded.
class Reader final : public nlohmann::json_sax<json> {
 public:
  Reader(std::string subject, std::string_view bucket, std::string_view prefix)
      : subject_(std::move(subject)),
        home_(fmt::format("s3://{}/{}", bucket, prefix)),
        bucket_part_(std::string_view("s3://").size() + bucket.size() + 1) {}

  Manifest Finish();

  bool null() override { return Value("null"); }
  bool boolean(bool) override { return Value("a truth value"); }
  bool number_integer(number_integer_t) override { return Value("a number below 0"); }
  bool number_float(number_float_t, const string_t&) override { return Value("a fraction"); }
  bool binary(binary_t&) override { return Value("binary"); }
  bool number_unsigned(number_unsigned_t number) override;
  bool string(string_t& text) override;
  bool key(string_t& name) override;
  bool start_object(std::size_t) override;
  bool end_object() override;
  bool start_array(std::size_t) override;
  bool end_array() override;
  bool parse_error(std::size_t, const std::string&, const json::exception&) override {
    Corrupt(subject_, "is not a JSON object");
  }

 private:
  enum class Place { kRoot, kEntries, kEntry, kEntryMeta, kMeta, kOther };
  struct Numbers {
    std::optional<std::uint64_t> rows;
    std::optional<std::uint64_t> bytes;
  };

  bool At(Place place) const { return !open_.empty() && open_.back() == place; }
  std::string Where() const {
    return fmt::format("{} entry {}", subject_, manifest_.parts.size() + 1);
  }
  // What the value that comes next is to be, from where it stands.
  bool Value(std::string_view what);
  Place Inner(bool array);
  void Open(Place place);
  Numbers& NumbersHere() { return At(Place::kMeta) ? total_ : entry_; }
  std::uint64_t Needed(const std::optional<std::uint64_t>& number, std::string_view name,
                       const std::string& where) const;
  void EndEntry();
  void RefuseTwins() const;

  const std::string subject_;
  const std::string home_;
  const std::size_t bucket_part_;
  std::vector<Place> open_;
  std::string member_;  // the name before the value, in the innermost object
  bool has_entries_ = false;
  bool has_meta_ = false;
  std::optional<std::string> url_;
  bool entry_has_meta_ = false;
  Numbers entry_;
  Numbers total_;
  Manifest manifest_;
};

// A value where an object, a list, a text or a number is needed.
bool Reader::Value(std::string_view what) {
  if (open_.empty()) Corrupt(subject_, "is not a JSON object");
  if (At(Place::kEntries)) Corrupt(Where(), "is not an object");
  if (At(Place::kRoot) && member_ == "entries") Corrupt(subject_, "lists no entries");
  if (At(Place::kRoot) && member_ == "meta") {
    Corrupt(subject_, "member \"meta\" is not an object");
  }
  if (At(Place::kEntry) && member_ == "url") Corrupt(Where(), "member \"url\" is not text");
  if (At(Place::kEntry) && member_ == "meta") {
    Corrupt(Where(), "member \"meta\" is not an object");
  }
  const bool counts = member_ == "record_count" || member_ == "content_length";
  if ((At(Place::kMeta) || At(Place::kEntryMeta)) && counts) {
    Corrupt(At(Place::kMeta) ? subject_ : Where(),
            fmt::format("member \"{}\" is {}, not a number of at least 0", member_, what));
  }
  return true;
}

bool Reader::number_unsigned(number_unsigned_t number) {
  if (At(Place::kMeta) || At(Place::kEntryMeta)) {
    if (member_ == "record_count") NumbersHere().rows = number;
    if (member_ == "content_length") NumbersHere().bytes = number;
    return true;
  }
  return Value("a number");
}

bool Reader::string(string_t& text) {
  if (!At(Place::kEntry) || member_ != "url") return Value("text");
  if (text.size() > kUrlBytesMax) Corrupt(Where(), "member \"url\" is longer than any key");
  url_ = std::move(text);
  return true;
}

bool Reader::key(string_t& name) {
  member_.assign(name, 0, 64);
  return true;
}

Reader::Place Reader::Inner(bool array) {
  if (open_.empty()) {
    if (array) Corrupt(subject_, "is not a JSON object");
    return Place::kRoot;
  }
  if (At(Place::kRoot) && member_ == "entries" && array) {
    if (std::exchange(has_entries_, true)) Corrupt(subject_, "lists its entries twice");
    return Place::kEntries;
  }
  if (At(Place::kRoot) && member_ == "meta" && !array) {
    if (std::exchange(has_meta_, true)) Corrupt(subject_, "has its member \"meta\" twice");
    return Place::kMeta;
  }
  if (At(Place::kEntries) && !array) return Place::kEntry;
  if (At(Place::kEntry) && member_ == "meta" && !array) {
    entry_has_meta_ = true;
    return Place::kEntryMeta;
  }
  Value(array ? "a list" : "an object");
  return Place::kOther;
}

void Reader::Open(Place place) {
  if (open_.size() >= kLevelsMax) Corrupt(subject_, "is nested too deeply");
  open_.push_back(place);
  member_.clear();
}

bool Reader::start_object(std::size_t) {
  const Place place = Inner(false);
  if (place == Place::kEntry) {
    if (manifest_.parts.size() >= kEntriesMax) Corrupt(subject_, "lists too many entries");
    url_.reset();
    entry_ = {};
    entry_has_meta_ = false;
  }
  Open(place);
  return true;
}

bool Reader::start_array(std::size_t) {
  Open(Inner(true));
  return true;
}

bool Reader::end_object() {
  if (At(Place::kEntry)) EndEntry();
  open_.pop_back();
  member_.clear();
  return true;
}

bool Reader::end_array() {
  open_.pop_back();
  member_.clear();
  return true;
}

std::uint64_t Reader::Needed(const std::optional<std::uint64_t>& number, std::string_view name,
                             const std::string& where) const {
  if (!number) Corrupt(where, fmt::format("member \"{}\" is missing", name));
  return *number;
}

void Reader::EndEntry() {
  if (!url_) Corrupt(Where(), "member \"url\" is missing");
  if (!url_->starts_with(home_) || url_->size() == home_.size()) {
    Corrupt(Where(), "points outside the prefix that was asked for");
  }
  if (!entry_has_meta_) Corrupt(Where(), "member \"meta\" is missing");
  const auto rows = Needed(entry_.rows, "record_count", Where());
  const auto bytes = Needed(entry_.bytes, "content_length", Where());
  if (__builtin_add_overflow(manifest_.rows, rows, &manifest_.rows) ||
      __builtin_add_overflow(manifest_.bytes, bytes, &manifest_.bytes)) {
    Corrupt(Where(), "makes the sum overflow");
  }
  manifest_.parts.push_back({.key = url_->substr(bucket_part_), .bytes = bytes, .rows = rows});
}

void Reader::RefuseTwins() const {
  const auto& parts = manifest_.parts;
  std::vector<std::uint32_t> order(parts.size());
  std::iota(order.begin(), order.end(), 0U);
  std::stable_sort(order.begin(), order.end(),
                   [&](std::uint32_t a, std::uint32_t b) { return parts[a].key < parts[b].key; });
  const auto twin = std::adjacent_find(
      order.begin(), order.end(),
      [&](std::uint32_t a, std::uint32_t b) { return parts[a].key == parts[b].key; });
  if (twin == order.end()) return;
  Corrupt(fmt::format("{} entry {}", subject_, *std::next(twin) + 1), "is listed twice");
}

Manifest Reader::Finish() {
  if (!has_entries_) Corrupt(subject_, "member \"entries\" is missing");
  if (manifest_.parts.empty()) Corrupt(subject_, "lists no entries");
  if (!has_meta_) Corrupt(subject_, "member \"meta\" is missing");
  const auto rows = Needed(total_.rows, "record_count", subject_);
  const auto bytes = Needed(total_.bytes, "content_length", subject_);
  RefuseTwins();
  if (rows != manifest_.rows || bytes != manifest_.bytes) {
    Corrupt(subject_, fmt::format("says {} rows in {} bytes, its entries add up to {} in {}", rows,
                                  bytes, manifest_.rows, manifest_.bytes));
  }
  return std::move(manifest_);
}

}  // namespace

Manifest ParseManifest(std::string_view text, std::string_view bucket, std::string_view prefix) {
  Reader reader(fmt::format("s3://{}/{}manifest", bucket, prefix), bucket, prefix);
  json::sax_parse(text.begin(), text.end(), &reader);
  return reader.Finish();
}

UnloadVerdict JudgeUnload(std::optional<std::uint64_t> notice_rows, const Manifest* manifest) {
  if (manifest == nullptr) {
    if (!notice_rows) return UnloadVerdict::kAskCount;
    if (*notice_rows == 0) return UnloadVerdict::kEmpty;
    Corrupt("UNLOAD",
            fmt::format("the server announced {} rows, but there is no manifest", *notice_rows),
            std::string(kVanished));
  }
  if (notice_rows && *notice_rows != manifest->rows) {
    Corrupt("UNLOAD", fmt::format("the server announced {} rows, the manifest lists {}",
                                  *notice_rows, manifest->rows));
  }
  return UnloadVerdict::kRows;
}

}  // namespace sluice::staging
