// Goal: a table that no destination can land is refused by each of them in the same words.
#include "destinations/target_check.h"

#include <gmock/gmock.h>

#include "tests/support/matchers.h"

namespace sluice::destinations {
namespace {

using base::ErrorCode;
using ::testing::HasSubstr;

model::StreamTarget Target() {
  return {.stream = "sales.orders",
          .table = {"sales", "orders"},
          .columns = {{"n", {.kind = model::TypeKind::kInt64}}}};
}

void ExpectRefused(const model::StreamTarget& target, const char* message) {
  EXPECT_THAT([&] { RequireTable(target); },
              test::ThrowsErrorWith(ErrorCode::kUnsupported, &base::ErrorInfo::message,
                                    HasSubstr(message)));
}

TEST(TargetCheck, ATableHasASchemaANameAndColumns) {
  EXPECT_NO_THROW(RequireTable(Target()));
  model::StreamTarget target = Target();
  target.table.schema = "";
  ExpectRefused(target, "schema or name is empty");
  target = Target();
  target.table.table = "";
  ExpectRefused(target, "schema or name is empty");
  target = Target();
  target.columns.clear();
  ExpectRefused(target, "no columns");
}

TEST(TargetCheck, SluicesOwnSchemaIsNobodysTarget) {
  for (const char* schema : {"_sluice", "_Sluice"}) {
    model::StreamTarget target = Target();
    target.table.schema = schema;
    ExpectRefused(target, "Sluice's own");
  }
}

}  // namespace
}  // namespace sluice::destinations
