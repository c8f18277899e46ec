// Goal: every type arrives as Redshift meant it, to the last microsecond and digit, and a part that
// is not what the manifest and the schema promise is refused with the column's name.
#include "columnar/part_select.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "columnar/column_type.h"
#include "columnar/sql_text.h"
#include "tests/support/matchers.h"
#include "tests/support/temp_dir.h"

namespace sluice::columnar {
namespace {

using base::ErrorCode;
using model::Column;
using model::TypeKind;
using testing::HasSubstr;

const Task kSelectTask{"test", "a part"};
const std::filesystem::path kSamples = SLUICE_TEST_DATA "/parquet";

model::LocalPart Sample(const std::string& name) { return {{.key = name}, kSamples / name}; }

Column Decimal(std::string name, int precision, int scale) {
  return {std::move(name), {.kind = TypeKind::kDecimal, .precision = precision, .scale = scale}};
}

class PartSelectTest : public testing::Test {
 protected:
  // The rows as text.
  std::vector<std::vector<std::optional<std::string>>> Read(
      const std::vector<model::LocalPart>& parts, const std::vector<Column>& columns) {
    const auto checked = CheckParts(connection_, parts, columns, {});
    return connection_
        .Run(fmt::format("SELECT CAST(COLUMNS(*) AS VARCHAR) FROM ({})",
                         PartSelect(checked, columns)),
             {}, kSelectTask)
        .rows;
  }
  std::vector<std::string> TypesOf(const std::string& select) {
    std::vector<std::string> out;
    connection_.Run("CREATE OR REPLACE TABLE described AS " + select, {}, kSelectTask);
    const Result result = connection_.Run(
        "SELECT data_type FROM duckdb_columns() WHERE table_name = 'described' ORDER BY "
        "column_index",
        {}, kSelectTask);
    for (const auto& row : result.rows) out.push_back(row[0].value_or(""));
    return out;
  }
  // What ExplainFailure makes of the failure to read it.
  base::Error Failure(const model::LocalPart& part, const std::vector<Column>& columns) {
    const auto checked = CheckParts(connection_, {&part, 1}, columns, {});
    try {
      connection_.Run("CREATE TABLE failed AS " + PartSelect(checked, columns), {}, kSelectTask);
    } catch (const base::Error& error) {
      return ExplainFailure(connection_, error, checked, columns, {});
    }
    ADD_FAILURE() << "it could be read";
    return base::Error({});
  }

  Database database_ = Database::Open({.threads = 1});
  Connection connection_ = database_.Connect();
};

const std::vector<Column> kTypes = {
    {"b", {TypeKind::kBool}},       {"i2", {TypeKind::kInt16}},       {"i4", {TypeKind::kInt32}},
    {"i8", {TypeKind::kInt64}},     {"f4", {TypeKind::kFloat32}},     {"f8", {TypeKind::kFloat64}},
    Decimal("d9_2", 9, 2),          Decimal("d18_2", 18, 2),          Decimal("d38_10", 38, 10),
    {"c", {TypeKind::kChar}},       {"v", {TypeKind::kVarchar}},      {"d", {TypeKind::kDate}},
    {"ts", {TypeKind::kTimestamp}}, {"tz", {TypeKind::kTimestampTz}}, {"s", {TypeKind::kSuper}}};

TEST_F(PartSelectTest, ReadsEveryPlainTypeAsRedshiftWritesIt) {
  const auto rows = Read({Sample("types.parquet")}, kTypes);
  ASSERT_EQ(rows.size(), 3u);
  const std::vector<std::optional<std::string>> values = {"true",
                                                          "7",
                                                          "7",
                                                          "7",
                                                          "1.5",
                                                          "1.5",
                                                          "1.25",
                                                          "1.25",
                                                          "1.2500000000",
                                                          "ab",
                                                          "ab  ",
                                                          "1970-01-01",
                                                          "1970-01-01 00:00:00.000001",
                                                          "1970-01-01 00:00:00.000001+00",
                                                          R"({"a":[1,null]})"};
  EXPECT_EQ(rows[0], values);
  const std::vector<std::optional<std::string>> edges = {"false",
                                                         "-32768",
                                                         "-2147483648",
                                                         "9223372036854775807",
                                                         "nan",
                                                         "-inf",
                                                         "-9999999.99",
                                                         "-9999999999999999.99",
                                                         "9999999999999999999999999999.9999999999",
                                                         " a b",
                                                         "",
                                                         "0001-01-01",
                                                         "0001-01-01 00:00:00",
                                                         "9999-12-31 23:59:59.999999+00",
                                                         "null"};
  EXPECT_EQ(rows[1], edges);
  EXPECT_EQ(rows[2], std::vector<std::optional<std::string>>(kTypes.size()));
}

TEST_F(PartSelectTest, HasTheTypesOfTheTable) {
  const model::LocalPart part = Sample("types.parquet");
  const auto checked = CheckParts(connection_, {&part, 1}, kTypes, {});
  std::vector<std::string> expected;
  for (const Column& column : kTypes) expected.push_back(EngineType(column));
  EXPECT_EQ(TypesOf(PartSelect(checked, kTypes)), expected);
}

TEST_F(PartSelectTest, ReadsTheOtherPhysicalForms) {
  const auto rows = Read({Sample("variants.parquet")}, {Decimal("d9_2", 9, 2),
                                                        Decimal("d18_2", 18, 2),
                                                        {"v", {TypeKind::kVarchar}},
                                                        {"d", {TypeKind::kDate}},
                                                        {"ts", {TypeKind::kTimestamp}},
                                                        {"tz", {TypeKind::kTimestampTz}}});
  const std::vector<std::optional<std::string>> expected = {"-1.25",
                                                            "-1.25",
                                                            "text",
                                                            "1969-12-31",
                                                            "1969-12-31 23:59:59.999999",
                                                            "1969-12-31 23:59:59.999999+00"};
  EXPECT_EQ(rows.at(0), expected);
}

// INT96 read through nanoseconds in 64 bits would be wrong before 1677 and after 2262.
TEST_F(PartSelectTest, ReadsInt96ToTheMicrosecond) {
  for (const TypeKind kind : {TypeKind::kTimestamp, TypeKind::kTimestampTz}) {
    const auto rows =
        Read({Sample("int96_edges.parquet")}, {{"expected", {TypeKind::kVarchar}}, {"ts", {kind}}});
    ASSERT_EQ(rows.size(), 10u);
    const std::string zone = kind == TypeKind::kTimestamp ? "" : "+00";
    for (const auto& row : rows) EXPECT_EQ(row[1], *row[0] + zone);
  }
}

TEST_F(PartSelectTest, RefusesTimestampsBeyondTheEngine) {
  for (const TypeKind kind : {TypeKind::kTimestamp, TypeKind::kTimestampTz, TypeKind::kDate}) {
    const base::Error error = Failure(Sample("int96_beyond.parquet"), {{"ts", {kind}}});
    EXPECT_EQ(error.code(), ErrorCode::kUnsupported);
    EXPECT_EQ(error.info().reason, kTimeRange);
    EXPECT_EQ(error.info().message, "timestamp out of range");
    EXPECT_EQ(error.info().subject, "column ts of a part");
  }
}

// Of the parts that a lake copies: only their columns of times are read.
TEST_F(PartSelectTest, LooksForTimesOutOfRangeInTheColumnsNamed) {
  const std::vector<Column> edges = {{"expected", {TypeKind::kVarchar}},
                                     {"ts", {TypeKind::kTimestamp}}};
  const std::vector<std::size_t> second = {1};
  RequireTimesInRange(connection_, Sample("int96_edges.parquet"), edges, second, kSelectTask, {});
  const std::vector<Column> beyond = {{"ts", {TypeKind::kTimestamp}}};
  const std::vector<std::size_t> first = {0};
  EXPECT_THAT(
      [&] {
        RequireTimesInRange(connection_, Sample("int96_beyond.parquet"), beyond, first, kSelectTask,
                            {});
      },
      test::ThrowsErrorWith(ErrorCode::kUnsupported, &base::ErrorInfo::subject,
                            testing::Eq("column ts of a part")));
  RequireTimesInRange(connection_, Sample("int96_beyond.parquet"), beyond, {}, kSelectTask, {});
}

TEST_F(PartSelectTest, NamesTheColumnWhoseValueDoesNotFit) {
  const std::vector<Column> columns = {{"a", {TypeKind::kInt64}}, {"n", {TypeKind::kInt16}}};
  const base::Error error = Failure(Sample("smallint_too_big.parquet"), columns);
  EXPECT_EQ(error.code(), ErrorCode::kCorrupt);
  EXPECT_EQ(error.info().subject, "column n of part smallint_too_big.parquet");
  EXPECT_EQ(std::string(error.what()).find("70000"), std::string::npos);
}

TEST_F(PartSelectTest, NamesTheColumnWhoseTextIsDamaged) {
  const base::Error text = Failure(Sample("text_not_utf8.parquet"), {{"v", {TypeKind::kVarchar}}});
  EXPECT_EQ(text.code(), ErrorCode::kCorrupt);
  EXPECT_THAT(text.info().subject, HasSubstr("column v"));
  const base::Error json = Failure(Sample("super_not_json.parquet"), {{"s", {TypeKind::kSuper}}});
  EXPECT_EQ(json.code(), ErrorCode::kCorrupt);
  EXPECT_THAT(json.info().subject, HasSubstr("column s"));
}

TEST_F(PartSelectTest, ReadsPartsOfDifferentPhysicalFormsTogether) {
  const test::TempDir dir;
  std::vector<model::LocalPart> parts;
  for (const char* type : {"DATE", "TIMESTAMP"}) {
    const auto file = dir.path() / (std::string(type) + ".parquet");
    connection_.Run(
        fmt::format("COPY (SELECT CAST(TIMESTAMP '2020-02-29 00:00:00' AS {}) AS d) TO {} "
                    "(FORMAT parquet)",
                    type, QuoteText(file.string())),
        {}, kSelectTask);
    parts.push_back({{.key = type}, file});
  }
  const auto rows = Read(parts, {{"d", {TypeKind::kDate}}});
  ASSERT_EQ(rows.size(), 2u);
  EXPECT_EQ(rows[0][0], "2020-02-29");
  EXPECT_EQ(rows[1][0], "2020-02-29");
}

struct Mismatch {
  const char* name;
  const char* sample;
  std::vector<Column> columns;
  const char* column;
};

class Mismatches : public PartSelectTest, public testing::WithParamInterface<Mismatch> {};

TEST_P(Mismatches, AreRefusedNamingTheColumn) {
  const model::LocalPart part = Sample(GetParam().sample);
  EXPECT_THAT(
      [&] {
        CheckParts(connection_, {&part, 1}, GetParam().columns, {});
      },
      test::ThrowsErrorWith(ErrorCode::kCorrupt, &base::ErrorInfo::subject,
                            HasSubstr(fmt::format("column {} ", GetParam().column))));
}

INSTANTIATE_TEST_SUITE_P(
    Table, Mismatches,
    testing::Values(
        Mismatch{"Missing",
                 "smallint_too_big.parquet",
                 {{"a", {TypeKind::kInt64}}, {"n", {TypeKind::kInt16}}, {"z", {TypeKind::kInt16}}},
                 "z"},
        Mismatch{"Extra", "smallint_too_big.parquet", {{"a", {TypeKind::kInt64}}}, "n"},
        Mismatch{"Swapped",
                 "smallint_too_big.parquet",
                 {{"n", {TypeKind::kInt64}}, {"a", {TypeKind::kInt64}}},
                 "n"},
        Mismatch{"Type",
                 "smallint_too_big.parquet",
                 {{"a", {TypeKind::kVarchar}}, {"n", {TypeKind::kInt16}}},
                 "a"},
        Mismatch{"Precision", "variants.parquet", {Decimal("d9_2", 9, 3)}, "d9_2"},
        Mismatch{"Nested", "nested.parquet", {{"l", {TypeKind::kInt64}}}, "l"}),
    [](const auto& row) { return row.param.name; });

TEST_F(PartSelectTest, CaseAloneIsNoDifference) {
  EXPECT_EQ(Read({Sample("super_not_json.parquet")}, {{"S", {TypeKind::kVarchar}}}).size(), 1u);
}

TEST_F(PartSelectTest, RefusesWhatCannotBeUnloaded) {
  EXPECT_THAT(
      [] {
        EngineType({"h", {TypeKind::kHllSketch}});
      },
      test::ThrowsErrorWith(ErrorCode::kUnsupported, &base::ErrorInfo::subject,
                            HasSubstr("column h")));
}

// Cut at every length: never a crash, never rows.
TEST_F(PartSelectTest, RefusesAPartCutAnywhere) {
  std::ifstream in(kSamples / "super_not_json.parquet", std::ios::binary);
  const std::string whole((std::istreambuf_iterator<char>(in)), {});
  ASSERT_GT(whole.size(), 100u);
  const test::TempDir dir;
  const model::LocalPart cut{{.key = "cut"}, dir.path() / "cut.parquet"};
  for (std::size_t length = 0; length < whole.size(); ++length) {
    std::ofstream(cut.file, std::ios::binary) << whole.substr(0, length);
    EXPECT_THAT([&] { ReadFooter(connection_, cut, {}); }, test::ThrowsError(ErrorCode::kCorrupt))
        << "cut at " << length;
  }
}

TEST_F(PartSelectTest, AMissingPartIsNotFound) {
  const model::LocalPart part{{.key = "gone"}, kSamples / "gone.parquet"};
  EXPECT_THAT([&] { ReadFooter(connection_, part, {}); },
              test::ThrowsErrorWith(ErrorCode::kNotFound, &base::ErrorInfo::subject, "part gone"));
}

TEST_F(PartSelectTest, FooterCountsRowsAndNamesPhysicalTypes) {
  const Footer footer = ReadFooter(connection_, Sample("types.parquet"), {});
  EXPECT_EQ(footer.rows, 3u);
  EXPECT_GT(footer.plain_bytes, 100u);
  ASSERT_EQ(footer.columns.size(), kTypes.size());
  EXPECT_EQ(footer.columns[12], (FileColumn{"ts", "INT96", "TIMESTAMP"}));
  EXPECT_EQ(footer.columns[7], (FileColumn{"d18_2", "FIXED_LEN_BYTE_ARRAY", "DECIMAL(18,2)"}));
}

}  // namespace
}  // namespace sluice::columnar
