#include "destinations/lake/lake_commit.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <array>
#include <nlohmann/json.hpp>
#include <utility>

#include "aws/sigv4.h"
#include "aws/time_text.h"
#include "base/error.h"

namespace sluice::destinations::lake {
namespace {

using nlohmann::ordered_json;
using Operation = LakeCommit::Operation;

constexpr std::string_view kFormat = "sluice-lake";
constexpr int kFormatVersion = 1;
// What follows the bytes that are sealed: a comma, the digest, the end.
constexpr std::string_view kSealBegin = ",\n  \"sha256\": \"";
constexpr std::string_view kSealEnd = "\"\n}\n";
constexpr std::size_t kDigestSize = 64;
constexpr int kLevelsMax = 8;

constexpr std::array<std::pair<Operation, std::string_view>, 3> kOperations = {
    {{Operation::kOverwrite, "overwrite"},
     {Operation::kAppend, "append"},
     {Operation::kForget, "forget"}}};

[[noreturn]] void ThrowDamaged(const std::string& subject, std::string message) {
  throw base::Error(
      {.code = base::ErrorCode::kCorrupt,
       .operation = "read the lake",
       .subject = subject,
       .message = std::move(message),
       .remedy = "Something other than Sluice changed or damaged it. Bring the file back from a "
                 "backup or a version of the bucket. Without one: remove the table's folder, and "
                 "run with --full."});
}

ordered_json OrNull(const std::optional<std::string>& text) {
  return text ? ordered_json(*text) : ordered_json(nullptr);
}

ordered_json WatermarkJson(const LakeCommit& commit) {
  if (commit.forgotten) return nullptr;
  const model::Watermark& mark = commit.watermark;
  ordered_json out = {{"cursor", OrNull(mark.cursor)}, {"value", OrNull(mark.value)}};
  out["keys_compared"] =
      mark.keys_compared ? ordered_json(FormatTime(*mark.keys_compared)) : ordered_json(nullptr);
  // Only where there is one: most tables have neither a filter nor a hidden value.
  if (mark.shape) out["shape"] = *mark.shape;
  return out;
}

ordered_json CountsJson(const model::Counts& counts) {
  return {{"inserted", counts.inserted},
          {"updated", counts.updated},
          {"unchanged", counts.unchanged},
          {"deleted", counts.deleted},
          {"skipped", counts.skipped},
          {"duplicates", counts.duplicates},
          {"deleted_absent", counts.deleted_absent}};
}

ordered_json ProofJson(const model::Proof& proof) {
  return {{"notice_rows", proof.notice_rows ? ordered_json(*proof.notice_rows) : nullptr},
          {"manifest_rows", proof.manifest_rows},
          {"footer_rows", proof.footer_rows},
          {"loaded_rows", proof.loaded_rows},
          {"parts", proof.parts},
          {"bytes", proof.manifest_bytes}};
}

// Reads what ParseCommit demands; any missing or other member throws ordered_json::exception.
class Reader {
 public:
  Reader(const ordered_json& root, std::string subject)
      : root_(root), subject_(std::move(subject)) {}

  LakeCommit Read() const {
    LakeCommit commit;
    commit.version = root_.at("version").get<std::uint64_t>();
    if (const auto& before = root_.at("previous"); !before.is_null()) {
      commit.previous = {.version = before.at("version").get<std::uint64_t>(),
                         .run = before.at("run").get<std::string>(),
                         .attempt = before.at("attempt").get<std::string>()};
    }
    commit.operation = ReadOperation();
    commit.time = Time(root_.at("time"));
    commit.table = {root_.at("schema").get<std::string>(), root_.at("table").get<std::string>()};
    commit.stream = root_.at("stream").get<std::string>();
    commit.run = root_.at("run").get<std::string>();
    commit.attempt = root_.at("attempt").get<std::string>();
    ReadWatermark(commit);
    commit.counts = ReadCounts();
    commit.proof = ReadProof();
    for (const auto& column : root_.at("columns")) {
      commit.columns.push_back({column.at("name").get<std::string>(),
                                column.at("type").get<std::string>(),
                                column.at("source_type").get<std::string>()});
    }
    if (root_.contains("stream_columns")) {
      commit.stream_columns = root_.at("stream_columns").get<std::vector<std::string>>();
    }
    for (const auto& file : root_.at("files")) commit.files.push_back(ReadFile(file));
    return commit;
  }

 private:
  base::UtcTime Time(const ordered_json& text) const {
    const auto time = aws::ParseIsoTime(text.get<std::string>());
    if (!time) ThrowDamaged(subject_, "it holds a time that cannot be read");
    return *time;
  }
  static std::optional<std::string> Text(const ordered_json& text) {
    if (text.is_null()) return std::nullopt;
    return text.get<std::string>();
  }
  Operation ReadOperation() const {
    const auto name = root_.at("operation").get<std::string>();
    for (const auto& [operation, text] : kOperations) {
      if (text == name) return operation;
    }
    ThrowDamaged(subject_, "it names an operation that does not exist");
  }
  void ReadWatermark(LakeCommit& commit) const {
    const auto& mark = root_.at("watermark");
    commit.forgotten = mark.is_null();
    if (commit.forgotten) return;
    commit.watermark = {.stream = commit.stream,
                        .value = Text(mark.at("value")),
                        .cursor = Text(mark.at("cursor")),
                        .run = commit.run,
                        .attempt = commit.attempt};
    if (const auto& when = mark.at("keys_compared"); !when.is_null()) {
      commit.watermark.keys_compared = Time(when);
    }
    if (mark.contains("shape")) commit.watermark.shape = Text(mark.at("shape"));
  }
  model::Counts ReadCounts() const {
    const auto& counts = root_.at("counts");
    const auto number = [&](const char* name) { return counts.at(name).get<std::uint64_t>(); };
    return {.inserted = number("inserted"),
            .updated = number("updated"),
            .unchanged = number("unchanged"),
            .deleted = number("deleted"),
            .skipped = number("skipped"),
            .duplicates = number("duplicates"),
            .deleted_absent = number("deleted_absent")};
  }
  model::Proof ReadProof() const {
    const auto& proof = root_.at("proof");
    const auto number = [&](const char* name) { return proof.at(name).get<std::uint64_t>(); };
    model::Proof out{.manifest_rows = number("manifest_rows"),
                     .footer_rows = number("footer_rows"),
                     .loaded_rows = number("loaded_rows"),
                     .parts = number("parts"),
                     .manifest_bytes = number("bytes"),
                     .fetched_bytes = number("bytes")};
    if (!proof.at("notice_rows").is_null()) out.notice_rows = number("notice_rows");
    return out;
  }
  LakeFile ReadFile(const ordered_json& file) const {
    LakeFile out{.path = file.at("path").get<std::string>(),
                 .rows = file.at("rows").get<std::uint64_t>(),
                 .bytes = file.at("bytes").get<std::uint64_t>(),
                 .added_in = file.at("added_in").get<std::uint64_t>(),
                 .copied = file.at("copied").get<bool>()};
    // Old files are deleted by these paths: none may lead elsewhere.
    const std::string_view name = std::string_view(out.path).substr(out.path.find('/') + 1);
    if (!out.path.starts_with("data/") || name.empty() || name.starts_with('.') ||
        name.find('/') != std::string_view::npos) {
      ThrowDamaged(subject_, "it lists a file outside the table's data folder");
    }
    return out;
  }

  const ordered_json& root_;
  const std::string subject_;
};

ordered_json Json(std::string_view text, const std::string& subject) {
  bool deep = false;
  const ordered_json::parser_callback_t callback = [&](int depth, ordered_json::parse_event_t,
                                                       ordered_json&) {
    if (depth > kLevelsMax) deep = true;
    return !deep;
  };
  ordered_json root = ordered_json::parse(text, callback, /*allow_exceptions=*/false);
  if (deep || root.is_discarded() || !root.is_object()) {
    ThrowDamaged(subject, "it is not JSON, or was cut");
  }
  return root;
}

void CheckFormat(const ordered_json& root, const std::string& subject) {
  if (root.at("format") != kFormat) ThrowDamaged(subject, "it is no file of a Sluice lake");
  const auto version = root.at("format_version").get<int>();
  if (version == kFormatVersion) return;
  throw base::Error({.code = base::ErrorCode::kUnsupported,
                     .operation = "read the lake",
                     .subject = subject,
                     .message = fmt::format("it is of format {}, and this Sluice knows {}", version,
                                            kFormatVersion),
                     .remedy = "Use the version of Sluice that wrote it, or a later one."});
}

bool IsSealed(std::string_view text) {
  const std::size_t tail = kSealBegin.size() + kDigestSize + kSealEnd.size();
  if (text.size() <= tail || !text.ends_with(kSealEnd)) return false;
  const std::string_view body = text.substr(0, text.size() - tail);
  const std::string_view rest = text.substr(body.size());
  return rest.starts_with(kSealBegin) &&
         rest.substr(kSealBegin.size(), kDigestSize) == aws::Sha256Hex(body);
}

}  // namespace

std::uint64_t LakeCommit::rows() const {
  std::uint64_t sum = 0;
  for (const LakeFile& file : files) sum += file.rows;
  return sum;
}

std::uint64_t LakeCommit::bytes() const {
  std::uint64_t sum = 0;
  for (const LakeFile& file : files) sum += file.bytes;
  return sum;
}

std::string FormatTime(base::UtcTime time) {
  return fmt::format(
      "{:%Y-%m-%dT%H:%M:%S}.{:06}Z", std::chrono::floor<std::chrono::seconds>(time),
      std::chrono::floor<std::chrono::microseconds>(time).time_since_epoch().count() % 1'000'000);
}

std::string FormatCommit(const LakeCommit& commit) {
  ordered_json root = {{"format", kFormat},
                       {"format_version", kFormatVersion},
                       {"version", commit.version},
                       {"previous", nullptr}};
  if (commit.previous) {
    root["previous"] = {{"version", commit.previous->version},
                        {"run", commit.previous->run},
                        {"attempt", commit.previous->attempt}};
  }
  for (const auto& [operation, text] : kOperations) {
    if (operation == commit.operation) root["operation"] = text;
  }
  root["time"] = FormatTime(commit.time);
  root["schema"] = commit.table.schema;
  root["table"] = commit.table.table;
  root["stream"] = commit.stream;
  root["run"] = commit.run;
  root["attempt"] = commit.attempt;
  root["watermark"] = WatermarkJson(commit);
  root["counts"] = CountsJson(commit.counts);
  root["proof"] = ProofJson(commit.proof);
  root["rows"] = commit.rows();
  root["bytes"] = commit.bytes();
  root["columns"] = ordered_json::array();
  for (const LakeColumn& column : commit.columns) {
    root["columns"].push_back(
        {{"name", column.name}, {"type", column.type}, {"source_type", column.source_type}});
  }
  if (commit.stream_columns) root["stream_columns"] = *commit.stream_columns;
  root["files"] = ordered_json::array();
  for (const LakeFile& file : commit.files) {
    root["files"].push_back({{"path", file.path},
                             {"rows", file.rows},
                             {"bytes", file.bytes},
                             {"added_in", file.added_in},
                             {"copied", file.copied}});
  }
  std::string text = root.dump(2);
  text.resize(text.size() - 2);  // "\n}"
  const std::string digest = aws::Sha256Hex(text);
  return text.append(kSealBegin).append(digest).append(kSealEnd);
}

LakeCommit ParseCommit(std::string_view text, const std::string& subject) {
  try {
    const ordered_json root = Json(text, subject);
    CheckFormat(root, subject);
    if (!IsSealed(text)) ThrowDamaged(subject, "its sha256 is not that of its text");
    return Reader(root, subject).Read();
  } catch (const ordered_json::exception&) {
    // The library's own text may quote what stands there.
    ThrowDamaged(subject, "a member is missing, or is not of its type");
  }
}

std::string FormatStream(std::string_view stream, const model::TableName& table) {
  const ordered_json root = {{"format", kFormat},
                             {"format_version", kFormatVersion},
                             {"stream", stream},
                             {"schema", table.schema},
                             {"table", table.table}};
  return root.dump(2) + "\n";
}

model::TableName ParseStream(std::string_view text, std::string_view stream,
                             const std::string& subject) {
  try {
    const ordered_json root = Json(text, subject);
    CheckFormat(root, subject);
    if (root.at("stream") != stream) ThrowDamaged(subject, "it is another stream's");
    return {root.at("schema").get<std::string>(), root.at("table").get<std::string>()};
  } catch (const ordered_json::exception&) {
    ThrowDamaged(subject, "a member is missing, or is not of its type");
  }
}

}  // namespace sluice::destinations::lake
