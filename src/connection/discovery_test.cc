// Goal: what `discover` calls a table is what `table:` of a stream takes, pasted into the file or
// written there by a YAML library; and a schema is described as far as anything tells of it.
#include "connection/discovery.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

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
  void Has(std::vector<Row> columns, std::vector<Row> tables) {
    workgroup_->When(Contains("svv_all_schemas")).Rows({"n", "t"}, {{"s", "local"}});
    workgroup_->When(Contains("svv_all_columns"))
        .Rows(std::vector<std::string>(9, "x"), std::move(columns));
    workgroup_->When(Contains("svv_all_tables")).Rows({"s", "t", "k", "r"}, std::move(tables));
    workgroup_->When(Contains("SHOW CONSTRAINTS")).Rows({"column_name"}, {});
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

}  // namespace
}  // namespace sluice::connection
