// Statements, names and values that come from configuration, catalog and server: any text is read
// or refused, and what is quoted stays one word.
#include <cstdint>
#include <cstdlib>
#include <string>

#include "base/error.h"
#include "redshift/cursor.h"
#include "redshift/identity.h"
#include "redshift/quoting.h"
#include "redshift/relations.h"
#include "redshift/split.h"
#include "redshift/types.h"

namespace {

using sluice::model::TypeKind;

// As a server would take it apart: an identifier ends at the first lone double quote.
bool IsOneWord(const std::string& quoted) {
  if (quoted.size() < 2 || quoted.front() != '"' || quoted.back() != '"') return false;
  for (std::size_t i = 1; i + 1 < quoted.size(); ++i) {
    if (quoted[i] != '"') continue;
    if (++i + 1 >= quoted.size() || quoted[i] != '"') return false;
  }
  return true;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace sluice;
  if (size == 0) return 0;
  const std::string text(reinterpret_cast<const char*>(data) + 1, size - 1);
  redshift::RelationsIn(text);
  redshift::NearestName(text, {"orders", "order_items"});
  redshift::TypeFromCatalog({.data_type = text});
  redshift::StripDbUser(text);
  redshift::AccountOf(text);
  redshift::PredictDbUser(text, std::nullopt);
  try {
    if (!IsOneWord(redshift::Ident(text))) abort();
    redshift::Literal(text);
    redshift::Inner(text);
  } catch (const base::Error&) {  // NUL, or no UTF-8
  }
  constexpr TypeKind kKinds[] = {TypeKind::kInt64, TypeKind::kDate, TypeKind::kTimestamp,
                                 TypeKind::kDecimal, TypeKind::kVarchar};
  const model::Column column{.name = "c", .type = {.kind = kKinds[data[0] % 5]}};
  const std::string half = text.substr(0, text.size() / 2);
  const std::string rest = text.substr(text.size() / 2);
  try {
    const redshift::CursorRange range{.low = half, .high = rest};
    redshift::CanHoldRows(range);
    redshift::RangeCondition(column, range);
  } catch (const base::Error&) {
  }
  try {
    if (redshift::RangePieces(column, half, rest, 1 + data[0] % 8).size() > 8) abort();
  } catch (const base::Error&) {
  }
  return 0;
}
