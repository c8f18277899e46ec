#include "config/destination_path.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <utility>

#include "base/text.h"

namespace sluice::config {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kDuckDbExample = "path: acme.duckdb";
constexpr std::string_view kLakeExample = "path: lake/, or path: s3://acme-lake/sluice";
// The longest name that file systems take; ".undo.new" and the like are hung on to it.
constexpr std::size_t kNameBytesMax = 240;

struct Known {
  std::string_view word;
  std::string_view what;
};

// What stands before the first ':', and what an address that begins so is of.
constexpr std::array<Known, 33> kSchemes = {{
    {"md", "a MotherDuck database"},
    {"motherduck", "a MotherDuck database"},
    {"postgres", "a PostgreSQL database"},
    {"postgresql", "a PostgreSQL database"},
    {"mysql", "a MySQL database"},
    {"mariadb", "a MySQL database"},
    {"mssql", "an SQL Server database"},
    {"sqlserver", "an SQL Server database"},
    {"oracle", "an Oracle database"},
    {"snowflake", "a Snowflake database"},
    {"bigquery", "a BigQuery dataset"},
    {"redshift", "a Redshift database"},
    {"jdbc", "a JDBC driver"},
    {"odbc", "an ODBC driver"},
    {"sqlite", "an SQLite database"},
    {"duck", "DuckDB's own"},
    {"duckdb", "DuckDB's own"},
    {"ducklake", "a DuckLake"},
    {"iceberg", "an Iceberg catalog"},
    {"delta", "a Delta table"},
    {"s3", "a bucket"},
    {"s3a", "a bucket"},
    {"s3n", "a bucket"},
    {"gs", "a bucket of Google Cloud"},
    {"gcs", "a bucket of Google Cloud"},
    {"r2", "a bucket of Cloudflare"},
    {"az", "a container of Azure"},
    {"azure", "a container of Azure"},
    {"abfss", "a container of Azure"},
    {"hf", "a dataset of Hugging Face"},
    {"http", "a web server"},
    {"https", "a web server"},
    {"file", "a file"},
}};

// "md" of "md:acme"; empty: there is none. `./a:b` has none: a '/' stands before the ':'.
std::string SchemeOf(std::string_view text) {
  const auto colon = text.find(':');
  if (colon == std::string_view::npos) return {};
  const std::string_view before = text.substr(0, colon);
  const bool address = text.substr(colon).starts_with("://");
  const auto fits = [&](unsigned char c) {
    return c < 0x80 &&
           (std::isalnum(c) != 0 || c == '_' || c == '+' || (address && (c == '-' || c == '.')));
  };
  if (before.empty() || std::isalpha(static_cast<unsigned char>(before.front())) == 0) return {};
  return std::all_of(before.begin(), before.end(), fits) ? base::Lower(before) : std::string();
}

// `example`: what to write instead.
std::optional<Broken> CheckNoAddress(std::string_view text, std::string_view example) {
  const std::string scheme = SchemeOf(text);
  if (scheme.empty()) return std::nullopt;
  const auto* known = std::find_if(kSchemes.begin(), kSchemes.end(),
                                   [&](const Known& one) { return one.word == scheme; });
  std::string remedy = fmt::format("Write a path: {}", example);
  // The word is repeated only if it is known: before a ':' may stand half of a secret.
  if (known == kSchemes.end()) {
    return Broken{"begins with a word and a ':', as an address does, and not a file's name",
                  remedy + ". If the file is called so: path: ./NAME"};
  }
  if (scheme.starts_with("postgres")) remedy = "Write type: postgres, with host, database and user";
  if (scheme == "s3" || scheme == "s3a" || scheme == "s3n") {
    remedy = "For files in a bucket write type: lake with path: s3://bucket/folder";
  }
  return Broken{fmt::format("is an address ({}:), of {}, not a path", scheme, known->what), remedy};
}

std::optional<Broken> CheckText(std::string_view text) {
  if (text.find_first_not_of(" \t") == std::string_view::npos) {
    return Broken{"is empty", "Leave the field out, or name a file."};
  }
  if (!IsPlainUtf8(text) || text.find_first_of("\t\r\n") != std::string_view::npos) {
    return Broken{"holds control characters, or is no UTF-8", "Check how it was copied."};
  }
  return std::nullopt;
}

std::string_view LastName(std::string_view text) {
  const auto slash = text.rfind('/');
  return slash == std::string_view::npos ? text : text.substr(slash + 1);
}

constexpr std::array<Known, 22> kData = {{
    {"csv", "CSV"},        {"tsv", "TSV"},           {"psv", "CSV"},       {"json", "JSON"},
    {"ndjson", "JSON"},    {"jsonl", "JSON"},        {"geojson", "JSON"},  {"parquet", "Parquet"},
    {"pq", "Parquet"},     {"parq", "Parquet"},      {"xlsx", "Excel"},    {"xls", "Excel"},
    {"avro", "Avro"},      {"orc", "ORC"},           {"arrow", "Arrow"},   {"arrows", "Arrow"},
    {"feather", "Arrow"},  {"ipc", "Arrow"},         {"vortex", "Vortex"}, {"sqlite", "SQLite"},
    {"sqlite3", "SQLite"}, {"ducklake", "DuckLake"},
}};
constexpr std::array<std::string_view, 8> kPacked = {"gz",  "zst", "bz2", "xz",
                                                     "zip", "br",  "lz4", "snappy"};

std::optional<Broken> CheckExtension(std::string_view name) {
  const auto dot = name.rfind('.');
  if (dot == std::string_view::npos) return std::nullopt;
  const std::string extension = base::Lower(name.substr(dot + 1));
  const std::string remedy =
      fmt::format("Name a DuckDB file: {}. For Parquet files write type: lake", kDuckDbExample);
  if (std::find(kPacked.begin(), kPacked.end(), extension) != kPacked.end()) {
    return Broken{fmt::format("has the name of a compressed file (.{})", extension), remedy};
  }
  const auto* data = std::find_if(kData.begin(), kData.end(),
                                  [&](const Known& one) { return one.word == extension; });
  if (data == kData.end()) return std::nullopt;
  return Broken{
      fmt::format("has the name of a file of another kind: {} (.{})", data->what, extension),
      remedy};
}

bool IsFolder(std::string_view text) {
  const std::string_view name = LastName(text);
  return name.empty() || name == "." || name == ".." || text == "~";
}

// As a lake spells it: letters in lower case, digits and a few signs stand for themselves.
constexpr std::size_t kFolderNameMax = 250;
std::size_t FolderNameBytes(std::string_view name) {
  std::size_t bytes = 0;
  for (const char c : name) {
    const bool plain =
        (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '-' || c == '.';
    bytes += plain ? 1 : 3;
  }
  return bytes;
}

constexpr std::array<std::string_view, 4> kDuckDbSchemas = {"information_schema", "pg_catalog",
                                                            "temp", "system"};

}  // namespace

std::variant<fs::path, Broken> ResolvePath(std::string_view text, const ReferenceSources& sources) {
  if (auto broken = CheckText(text)) return *std::move(broken);
  if (!text.starts_with('~')) return (sources.folder / text).lexically_normal();
  if (text != "~" && !text.starts_with("~/")) {
    return Broken{"begins with ~ and a name, and only ~/ (the own home folder) is known",
                  "Write the whole path. If a file is called so: ./~NAME"};
  }
  const auto home = sources.environment ? sources.environment("HOME") : std::nullopt;
  if (!home || !home->starts_with('/')) {
    return Broken{"begins with ~, and HOME is not set to a folder", "Write the whole path."};
  }
  const fs::path below(text.substr(std::min<std::size_t>(2, text.size())));
  return (fs::path(*home) / below).lexically_normal();
}

std::optional<Broken> CheckDuckDbPath(std::string_view text) {
  if (auto broken = CheckText(text)) return broken;
  if (base::Lower(text).starts_with(":memory:")) {
    return Broken{"is a database in memory, which would be gone when the program ends",
                  fmt::format("Name a file: {}", kDuckDbExample)};
  }
  if (auto broken = CheckNoAddress(text, kDuckDbExample)) return broken;
  if (IsFolder(text)) {
    return Broken{"names a folder, not a file",
                  fmt::format("Name a file in it: {}. For a folder of Parquet files write type: "
                              "lake",
                              kDuckDbExample)};
  }
  if (LastName(text).size() > kNameBytesMax) {
    return Broken{"is too long for a file's name", "Choose a shorter one."};
  }
  return CheckExtension(LastName(text));
}

std::optional<Broken> CheckLakeFolder(std::string_view text) {
  if (auto broken = CheckText(text)) return broken;
  if (base::Lower(text).starts_with(":memory:")) {
    return Broken{"is a database in memory, not a folder", fmt::format("Write {}", kLakeExample)};
  }
  return CheckNoAddress(text, kLakeExample);
}

std::optional<Broken> CheckDestinationSchema(std::string_view type, std::string_view schema) {
  const std::string folded = base::Lower(schema);
  const std::string remedy = "Choose another name, for example schema: sales";
  if (folded == "_sluice") {
    return Broken{"is Sluice's own: watermarks are kept there", remedy};
  }
  if (type == "duckdb" &&
      std::find(kDuckDbSchemas.begin(), kDuckDbSchemas.end(), folded) != kDuckDbSchemas.end()) {
    return Broken{"is DuckDB's own", remedy};
  }
  if (type == "lake" && FolderNameBytes(schema) > kFolderNameMax) {
    return Broken{"is too long for a folder's name, in which most signs take three bytes", remedy};
  }
  if (type != "postgres") return std::nullopt;
  // PostgreSQL tells names apart by case, and cuts them off after 63 bytes.
  if (schema == "information_schema" || schema.starts_with("pg_")) {
    return Broken{"is PostgreSQL's own, as is every name that begins with pg_", remedy};
  }
  if (schema.size() > 63) {
    return Broken{"has more than the 63 bytes that PostgreSQL keeps of a name", remedy};
  }
  return std::nullopt;
}

}  // namespace sluice::config
