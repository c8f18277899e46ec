// Goal: what `discover` calls a table is what `table:` of a stream takes, pasted into the file or
// written there by a YAML library; and a schema is described as far as anything tells of it.
#include "connection/discovery.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "config/config.h"
#include "redshift/testing/fake_session.h"

namespace sluice::connection {
namespace {
using redshift::testing::Contains;
using redshift::testing::FakeWorkgroup;
using testing::IsEmpty;
using testing::SizeIs;
using Row = std::vector<std::optional<std::string>>;

model::TableName TableOf(const std::string& stream) {
  const auto loaded = config::Parse("streams:\n  - " + stream + "\n", "sluice.yaml",
                                    [](auto) { return std::nullopt; });
  const auto& streams = loaded.config.streams;
  if (streams.size() != 1 || !streams[0].stream.table) return {"not", "read: " + stream};
  return *streams[0].stream.table;
}

// As a YAML library writes any text.
std::string Written(const std::string& text) {
  std::string quoted = "\"";
  for (const char c : text) quoted += (c == '"' || c == '\\' ? "\\" : "") + std::string(1, c);
  return quoted + "\"";
}

void ExpectReadBack(const model::TableName& name) {
  const std::string text = TableText(name);
  EXPECT_EQ(TableOf("table: " + text), name) << text;
  EXPECT_EQ(TableOf("{ table: " + text + " }"), name) << text;
  EXPECT_EQ(TableOf("table: " + Written(text)), name) << text;
}

TEST(TableText, IsPlainWhereItCanBe) {
  EXPECT_EQ(TableText({"sales", "orders"}), "sales.orders");
  EXPECT_EQ(TableText({"Sales", "select"}), "Sales.select");
  EXPECT_EQ(TableText({"s", "orders.v2"}), "s.\"orders.v2\"");
  EXPECT_EQ(TableText({"s", "price$"}), "s.price$");
  EXPECT_EQ(TableText({"my.schema", "t"}), "'\"my.schema\".t'");
}

TEST(TableText, IsReadBackWhateverTheNameIs) {
  for (const auto* name :
       {"t",       "Mixed",  "with space", "dot.ted", ".",    "\"",   "quo\"ted", "it's",
        "'",       "''",     "$",          "$$",      "a$b",  "${x}", "$${x}",    "select",
        "1",       "1digit", "1.5",        "null",    "true", "~",    "ünï",      "a: b",
        "a #b",    "-",      "- a",        "?",       "[a]",  "{a}",  "*a",       "&a",
        "!a",      "|",      ">",          "%a",      "@a",   "`a",   "a,b",      "back\\slash",
        " blank ", "日本",   ":",          "#"}) {
    ExpectReadBack({name, "t"});
    ExpectReadBack({"s", name});
    ExpectReadBack({name, name});
  }
}

TEST(TableText, IsReadBackWhateverSignsMeet) {
  constexpr std::string_view kSigns = "aZ1_.\"'$ {}#:-\\,[]";
  const auto seed = std::random_device{}();
  SCOPED_TRACE(seed);
  std::mt19937 random(seed);
  const auto name = [&] {
    std::string text;
    for (auto left = 1 + random() % 6; left > 0; --left) text += kSigns[random() % kSigns.size()];
    return text;
  };
  for (int i = 0; i < 2000; ++i) ExpectReadBack({name(), name()});
}

class DiscoverTest : public testing::Test {
 protected:
  static Row Column(std::string table, std::string column, std::string type) {
    return {"s", std::move(table), std::move(column), "1", "YES", std::move(type), {}, {}, {}};
  }
  static Row Kind(std::string table, std::string kind) {
    return {"s", std::move(table), {}, "0", {}, std::move(kind), {}, {}, {}};
  }
  // What is listed without a column, and then the columns.
  void Has(std::vector<Row> columns, const std::vector<Row>& tables) {
    for (const auto& table : tables) {
      const auto is_kind = [&](const Row& row) { return row[1] == table[1] && !row[2]; };
      if (std::none_of(columns.begin(), columns.end(), is_kind)) {
        columns.push_back(Kind(*table[1], table[2].value_or("")));
      }
    }
    std::stable_sort(columns.begin(), columns.end(),
                     [](const Row& a, const Row& b) { return a[1] < b[1]; });
    columns.push_back({"s", {}, {}, "0", {}, "local", {}, {}, {}});
    workgroup_->When(Contains("svv_all_columns"))
        .Rows(std::vector<std::string>(9, "x"), std::move(columns));
    workgroup_->When(Contains("pg_constraint"))
        .Rows(std::vector<std::string>(5, "x"), {{"s", "t", "n", "1", "1"}});
    workgroup_->When(Contains("svv_table_info"))
        .Rows(std::vector<std::string>(4, "x"), {{"s", "t", "70", "2"}});
  }
  std::vector<DiscoveredTable> Tables() {
    const auto session = workgroup_->Login();
    return Discover(*session, options_, {}).at(0).tables;
  }

  DiscoverOptions options_{.database = "dev"};
  std::shared_ptr<FakeWorkgroup> workgroup_ = std::make_shared<FakeWorkgroup>();
};

TEST_F(DiscoverTest, SetsApartWhatCannotBeRead) {
  Has({Kind("t", "TABLE"), Column("t", "id", "integer"), Column("t", "seen", "hllsketch")},
      {{"s", "t", "TABLE", {}}});
  const auto tables = Tables();
  EXPECT_THAT(tables.at(0).columns, SizeIs(1));
  EXPECT_EQ(tables.at(0).unknown.at(0).name, "seen");
  EXPECT_EQ(tables.at(0).unknown.at(0).data_type, "hllsketch");
}

TEST_F(DiscoverTest, AsksAViewForWhatTheCatalogLeavesOpenAndATableForNothing) {
  Has({Kind("t", "TABLE"), Column("t", "n", "integer"), Kind("v", "VIEW"),
       Column("v", "n", "numeric"), Kind("w", "VIEW"), Column("w", "n", "integer")},
      {{"s", "t", "TABLE", {}}, {"s", "v", "VIEW", {}}, {"s", "w", "VIEW", {}}});
  workgroup_->When(Contains("\"v\" LIMIT 0"))
      .Describes({{.name = "n", .type_oid = 1700, .type_modifier = ((7 << 16) | 2) + 4}});
  EXPECT_EQ(model::ToString(Tables().at(1).columns.at(0).type), "decimal(7,2)");
}

TEST_F(DiscoverTest, DescribesWhatTheCatalogHidesOrSaysThatItIsHidden) {
  Has({}, {{"s", "a", "TABLE", {}}, {"s", "b", "TABLE", {}}});
  workgroup_->When(Contains("\"a\" LIMIT 0")).Describes({{.name = "n", .type_oid = 23}});
  workgroup_->When(Contains("LIMIT 0"))
      .Fails({.code = base::ErrorCode::kPermission, .message = "may not read it"});
  const auto tables = Tables();
  EXPECT_THAT(tables.at(0).columns, SizeIs(1));
  EXPECT_THAT(tables.at(0).hidden, IsEmpty());
  EXPECT_EQ(tables.at(1).hidden, "may not read it");
}

TEST_F(DiscoverTest, ListsAConfiguredTableThatNoListShowsUnlessItDoesNotExist) {
  Has({}, {});
  for (const auto* table : {"hidden", "gone"}) {
    options_.streams.push_back({.name = table, .table = model::TableName{"s", table}});
  }
  workgroup_->When(Contains("\"hidden\" LIMIT 0")).Describes({{.name = "n", .type_oid = 23}});
  workgroup_->When(Contains("LIMIT 0")).Fails({.code = base::ErrorCode::kNotFound});
  const auto tables = Tables();
  ASSERT_THAT(tables, SizeIs(1));
  EXPECT_EQ(tables[0].name.table, "hidden");
  EXPECT_TRUE(tables[0].configured);
}

TEST_F(DiscoverTest, TellsKeysSizesAndWhatItWouldDo) {
  Has({Kind("t", "TABLE"), Column("t", "n", "integer"),
       Column("t", "updated_at", "timestamp without time zone"), Column("u", "n", "integer")},
      {});
  options_.chosen = [](const auto& table) { return table.name.table == "u"; };
  const auto tables = Tables();
  EXPECT_THAT(tables.at(0).primary_key, testing::ElementsAre("n"));
  EXPECT_EQ(tables.at(0).size->rows, 70U);
  EXPECT_EQ(tables.at(0).proposal.cursor, "updated_at");
  EXPECT_FALSE(tables.at(0).configured);
  EXPECT_EQ(tables.at(0).doubled_keys, std::nullopt);
  EXPECT_EQ(tables.at(1).size, std::nullopt);
  EXPECT_TRUE(tables.at(1).configured) << "a pattern takes it";
}

TEST_F(DiscoverTest, ProposesNoKeyThatStandsTwice) {
  Has({Kind("t", "TABLE"), Column("t", "n", "integer"),
       Column("t", "updated_at", "timestamp without time zone"), Column("u", "n", "integer")},
      {});
  workgroup_->When(Contains("GROUP BY \"n\" HAVING COUNT(*) > 1")).Rows({"n"}, {{"3"}});
  options_.verify_keys = true;
  const auto tables = Tables();
  EXPECT_EQ(tables.at(0).doubled_keys, 3U);
  EXPECT_EQ(tables.at(0).proposal.sync_mode, model::SyncMode::kFullRefresh);
  EXPECT_EQ(tables.at(1).doubled_keys, std::nullopt) << "it has no key";
}

TEST_F(DiscoverTest, AsksThreeTimesHoweverManyTablesThereAre) {
  std::vector<Row> columns;
  for (int table = 1000; table < 1400; ++table) {
    for (int column = 0; column < 3; ++column) {
      columns.push_back(
          Column("t" + std::to_string(table), "c" + std::to_string(column), "integer"));
    }
    columns.push_back(Kind("t" + std::to_string(table), "TABLE"));
  }
  Has(std::move(columns), {});
  EXPECT_THAT(Tables(), SizeIs(400));
  EXPECT_THAT(workgroup_->statements(), SizeIs(3));
}

}  // namespace
}  // namespace sluice::connection
