// Goal: what a preview shows is what an UNLOAD of the stream would read, and no more of it.
#include "connection/preview.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "redshift/select.h"
#include "redshift/testing/fake_session.h"

namespace sluice::connection {
namespace {
using redshift::testing::Contains;
using redshift::testing::FakeWorkgroup;
using testing::ElementsAre;

TEST(Preview, ReadsTheSelectOfTheStreamWithALimit) {
  const auto workgroup = std::make_shared<FakeWorkgroup>();
  workgroup->When(Contains("svv_all_columns"))
      .Rows(std::vector<std::string>(9, "x"),
            {{"s", "t", {}, "0", {}, "TABLE", {}, {}, {}},
             {"s", "t", "id", "1", "NO", "integer", {}, "32", "0"},
             {"s", "t", "secret", "2", "YES", "integer", {}, "32", "0"}});
  workgroup->When(Contains("LIMIT 3")).Rows({"id"}, {{"1"}, {std::nullopt}});
  const auto session = workgroup->Login();
  const model::Stream stream{.name = "s.t", .table = model::TableName{"s", "t"}, .columns = {"id"}};
  const auto preview = ReadPreview(*session, "dev", stream, 3, {});
  ASSERT_EQ(preview.columns.size(), 1U);
  EXPECT_THAT(preview.rows, ElementsAre(ElementsAre("1"), ElementsAre(std::nullopt)));
  EXPECT_EQ(workgroup->statements().back(),
            redshift::BuildSelect(stream, preview.columns) + " LIMIT 3");
}

TEST(Preview, ShowsNothingThatTheStreamHides) {
  const auto workgroup = std::make_shared<FakeWorkgroup>();
  workgroup->When(Contains("svv_all_columns"))
      .Rows(std::vector<std::string>(9, "x"),
            {{"s", "t", {}, "0", {}, "TABLE", {}, {}, {}},
             {"s", "t", "id", "1", "NO", "integer", {}, "32", "0"},
             {"s", "t", "phone", "2", "YES", "integer", {}, "32", "0"}});
  workgroup->When(Contains("LIMIT 3")).Rows({"id", "tel"}, {});
  const auto session = workgroup->Login();
  model::Stream stream{.name = "s.t", .table = model::TableName{"s", "t"}};
  using Kind = model::ShapeRule::Kind;
  stream.shape.rules = {{.kind = Kind::kMask, .column = "phone"},
                        {.kind = Kind::kRename, .column = "phone", .name = "tel"}};
  stream.shape.where = "id > 5";
  const auto preview = ReadPreview(*session, "dev", stream, 3, {});
  EXPECT_EQ(preview.columns.at(1).name, "tel");
  EXPECT_EQ(workgroup->statements().back(),
            R"(SELECT "id" AS "id", "phone" AS "tel" FROM (SELECT "id" AS "id", CAST(NULL AS )"
            R"(INTEGER) AS "phone" FROM "s"."t" WHERE (id > 5)) AS "sluice_shape" LIMIT 3)");
}

}  // namespace
}  // namespace sluice::connection
