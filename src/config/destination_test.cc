// Goal: a destination.path that is no file's or folder's is refused for what it is before anything
// is opened, and every path that is good is one path for every command.
#include "config/destination.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "config/destination_path.h"

namespace sluice::config {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;

Loaded ParseDestinationText(const std::string& fields) {
  const std::string text = fmt::format(
      "name: acme\n"
      "redshift: {{ workgroup: wide, host: "
      "wide.123456789012.us-east-1.redshift-serverless.amazonaws.com,"
      " database: dev }}\n"
      "staging: {{ bucket: acme-staging, region: us-east-1 }}\n"
      "auth: {{ role_arn: \"arn:aws:iam::123456789012:role/reader\" }}\n"
      "destination: {{ {} }}\n",
      fields);
  return Parse(text, "/etc/acme/sluice.yaml", [](std::string_view name) {
    return name == "HOME" ? std::optional<std::string>("/home/ann") : std::nullopt;
  });
}

std::string DuckDbPath(const std::string& path) {
  const Loaded loaded = ParseDestinationText("type: duckdb, path: \"" + path + "\"");
  EXPECT_THAT(loaded.problems, IsEmpty()) << path << ": " << loaded.problems.front().problem;
  return std::get<DuckDbDestination>(loaded.config.destination.kind).path.string();
}

// The one problem of the field; "": there is none.
std::string ProblemOf(const std::string& field, const std::string& fields) {
  const Loaded loaded = ParseDestinationText(fields);
  if (loaded.problems.empty()) return {};
  EXPECT_THAT(loaded.problems, SizeIs(1)) << fields;
  EXPECT_EQ(loaded.problems.front().field, field);
  EXPECT_EQ(loaded.problems.front().at.line, 5);
  EXPECT_THAT(loaded.problems.front().remedy, Not(IsEmpty()));
  return loaded.problems.front().problem;
}

TEST(DestinationPath, HomeIsTheHomeFolderAndTheRestIsBesideTheConfiguration) {
  EXPECT_EQ(DuckDbPath("~/x.duckdb"), "/home/ann/x.duckdb");
  EXPECT_EQ(DuckDbPath("~/a/../x.duckdb"), "/home/ann/x.duckdb");
  EXPECT_EQ(DuckDbPath("x.duckdb"), "/etc/acme/x.duckdb");
  EXPECT_EQ(DuckDbPath("./~x.duckdb"), "/etc/acme/~x.duckdb");
  EXPECT_EQ(DuckDbPath("../x"), "/etc/x");
  EXPECT_EQ(DuckDbPath("/var/x.db"), "/var/x.db");
  const Loaded lake = ParseDestinationText("type: lake, path: ~/lake/");
  ASSERT_THAT(lake.problems, IsEmpty());
  EXPECT_EQ(std::get<LakeDestination>(lake.config.destination.kind).folder, "/home/ann/lake/");
  const Loaded roots = ParseDestinationText(
      "type: postgres, host: db, database: d, user: u, sslrootcert: ~/roots.pem");
  ASSERT_THAT(roots.problems, IsEmpty());
  EXPECT_EQ(std::get<PostgresDestination>(roots.config.destination.kind).ssl_root_cert,
            "/home/ann/roots.pem");
}

TEST(DestinationPath, WithoutAHomeTheTildeIsRefused) {
  const auto resolve = [](std::optional<std::string> home) {
    return ResolvePath("~/x",
                       {.environment = [=](std::string_view) { return home; }, .folder = {}});
  };
  EXPECT_TRUE(std::holds_alternative<Broken>(resolve(std::nullopt)));
  EXPECT_TRUE(std::holds_alternative<Broken>(resolve("")));
  EXPECT_TRUE(std::holds_alternative<Broken>(resolve("relative")));
}

TEST(DestinationPath, NamesThatAreOddAndGood) {
  for (const char* path : {"acme", "acme.db", "acme.ddb", "a b.duckdb", "a'b.duckdb", "it;s.duckdb",
                           "csv", "parquet.duckdb", "backup-12:30.duckdb", "./md:x", "x.csv.duckdb",
                           "ä.duckdb", ".hidden", "a.b/c.duckdb", "data.csv/x.duckdb"}) {
    EXPECT_NE(DuckDbPath(path), "") << path;
  }
}

TEST(DestinationPath, WhatIsNoFileIsRefusedByWhatItIs) {
  const std::vector<std::pair<const char*, const char*>> cases = {
      {":memory:", "in memory"},
      {":MEMORY:", "in memory"},
      {":memory:acme", "in memory"},
      {"", "is empty"},
      {" ", "is empty"},
      {"md:", "MotherDuck"},
      {"md:acme", "MotherDuck"},
      {"MD:acme", "MotherDuck"},
      {"motherduck:acme?motherduck_token=t0psecret", "MotherDuck"},
      {"postgres:dbname=x password=t0psecret", "PostgreSQL"},
      {"postgresql://u:t0psecret@h/d", "PostgreSQL"},
      {"postgresql+psycopg://u:t0psecret@h/d", "an address"},
      {"mysql:host=h", "MySQL"},
      {"sqlite:x.db", "SQLite"},
      {"duck:x.duckdb", "DuckDB's own"},
      {"duckdb:x.duckdb", "DuckDB's own"},
      {"duckdb:///x.duckdb", "DuckDB's own"},
      {"ducklake:meta.ducklake", "DuckLake"},
      {"s3://acme/x.duckdb", "a bucket"},
      {"s3n://AKIA:t0psecret@acme/x", "a bucket"},
      {"http://h/x.duckdb", "a web server"},
      {"https://h/x.duckdb", "a web server"},
      {"gs://acme/x", "Google"},
      {"gcs://acme/x", "Google"},
      {"az://acme/x", "Azure"},
      {"abfss://c@a/x", "Azure"},
      {"hf://datasets/x", "Hugging Face"},
      {"r2://acme/x", "Cloudflare"},
      {"file:///x.duckdb", "a file"},
      {"jdbc:redshift://h/d?password=t0psecret", "JDBC"},
      {"odbc:DSN=x", "ODBC"},
      {"my-scheme://x", "an address"},
      {"unity:t0psecret", "an address"},
      {"C:\\\\data\\\\x.duckdb", "an address"},
      {"out/", "a folder"},
      {"/", "a folder"},
      {".", "a folder"},
      {"a/..", "a folder"},
      {"~", "a folder"},
      {"~/", "a folder"},
      {"~bob/x.duckdb", "only ~/"},
      {"x.csv", "CSV"},
      {"x.CSV", "CSV"},
      {"x.tsv", "TSV"},
      {"x.json", "JSON"},
      {"x.ndjson", "JSON"},
      {"x.jsonl", "JSON"},
      {"a/x.parquet", "Parquet"},
      {"x.xlsx", "Excel"},
      {"x.avro", "Avro"},
      {"x.sqlite", "SQLite"},
      {"x.csv.gz", "compressed"},
      {"x.json.zst", "compressed"},
      {"x.duckdb.gz", "compressed"},
      {".parquet", "Parquet"},
      {"a\\nb.duckdb", "control characters"},
      {"a\\x1bb.duckdb", "control characters"},
      {"a\\0b.duckdb", "control characters"},
  };
  for (const auto& [path, what] : cases) {
    const std::string problem =
        ProblemOf("destination.path", fmt::format("type: duckdb, path: \"{}\"", path));
    EXPECT_THAT(problem, HasSubstr(what)) << path;
    EXPECT_THAT(problem, Not(HasSubstr("t0psecret")));
  }
  EXPECT_THAT(ProblemOf("destination.path", "type: duckdb, path: " + std::string(300, 'a')),
              HasSubstr("too long"));
}

TEST(DestinationPath, ALakeIsAFolderOrABucketOfS3) {
  const std::vector<std::pair<const char*, const char*>> cases = {
      {"s3a://acme/x", "a bucket"},
      {"S3://acme/x", "a bucket"},
      {"s3:acme/x", "a bucket"},
      {"gs://acme/x", "Google"},
      {"az://c/x", "Azure"},
      {"md:acme", "MotherDuck"},
      {"https://h/x", "web server"},
      {"file:///lake", "a file"},
      {":memory:", "in memory"},
      {"~ann/lake", "only ~/"},
      {"", "is empty"},
      {"a\\tb", "control characters"},
      {"postgresql://u:t0psecret@h/d", "PostgreSQL"}};
  for (const auto& [path, what] : cases) {
    const std::string problem =
        ProblemOf("destination.path", fmt::format("type: lake, path: \"{}\"", path));
    EXPECT_THAT(problem, HasSubstr(what)) << path;
    EXPECT_THAT(problem, Not(HasSubstr("t0psecret")));
  }
}

TEST(DestinationSchema, OursAndTheEnginesAreRefused) {
  const std::string duckdb = "type: duckdb, path: a.duckdb, schema: ";
  const std::string postgres = "type: postgres, host: h, database: d, user: u, schema: ";
  const std::string lake = "type: lake, path: lake/, schema: ";
  for (const std::string& type : {duckdb, postgres, lake}) {
    EXPECT_THAT(ProblemOf("destination.schema", type + "_sluice"), HasSubstr("Sluice's own"));
    EXPECT_THAT(ProblemOf("destination.schema", type + "_Sluice"), HasSubstr("Sluice's own"));
    EXPECT_EQ(ProblemOf("destination.schema", type + "main"), "");
    EXPECT_EQ(ProblemOf("destination.schema", type + "_sluice2"), "");
  }
  for (const char* name : {"temp", "system", "pg_catalog", "information_schema", "TEMP"}) {
    EXPECT_THAT(ProblemOf("destination.schema", duckdb + name), HasSubstr("DuckDB's own")) << name;
    EXPECT_EQ(ProblemOf("destination.schema", lake + name), "");
  }
  for (const char* name : {"pg_catalog", "pg_toast", "pg_x", "information_schema"}) {
    EXPECT_THAT(ProblemOf("destination.schema", postgres + name), HasSubstr("PostgreSQL's own"));
  }
  EXPECT_EQ(ProblemOf("destination.schema", postgres + "temp"), "");
  EXPECT_THAT(ProblemOf("destination.schema", postgres + std::string(64, 'a')), HasSubstr("63"));
  EXPECT_EQ(ProblemOf("destination.schema", duckdb + std::string(64, 'a')), "");
  EXPECT_THAT(ProblemOf("destination.schema", lake + std::string(100, 'A')), HasSubstr("too long"));
}

}  // namespace
}  // namespace sluice::config
