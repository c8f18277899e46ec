// How a stream's columns and rows change on their way, all of it in the statement that the source
// runs: what the configuration asks for, and what a plan made of that. Plain values; any thread.
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/secret.h"
#include "model/types.h"

namespace sluice::model {

// What stands in the place of a column's values.
struct Mask {
  enum class Kind {
    kLast4,  // the last four characters; "***" for a value that has no more than four
    kNull,   // NULL; the column is not even read
    kText,   // `text`, in every row; the column is not even read
  };
  Kind kind = Kind::kNull;
  std::string text;
  friend bool operator==(const Mask&, const Mask&) = default;
};

// One wish about one column of the source.
struct ShapeRule {
  enum class Kind { kExclude, kRename, kCast, kHash, kMask };
  Kind kind = Kind::kExclude;
  std::string column;  // the source's name for it
  std::string name;    // kRename: its name at the destination
  Type type;           // kCast
  Mask mask;           // kMask
  // It stands in `defaults`: a stream without such a column is none of its business. A stream's own
  // rule must find its column, or a typing error would let a hidden value through.
  bool by_default = false;
  friend bool operator==(const ShapeRule&, const ShapeRule&) = default;
};

// One column as it is read.
struct ShapedColumn {
  Column column;         // under the source's name; of the type that it becomes
  std::string lands_as;  // its name at the destination
  std::string value;     // SQL over the source's columns; empty: the column itself
  bool hashed = false;   // `value` is a text that is hashed together with the salt
};

struct Shape {
  // At most one of kCast, kHash and kMask for a column.
  std::vector<ShapeRule> rules;
  bool snake_case = false;  // names without a rule of their own: OrderID -> order_id
  // One boolean expression over the source's columns, as redshift::ReadCondition returns it.
  std::optional<std::string> where;
  base::Secret salt;  // REQUIRES: not empty if anything is hashed
  bool add_synced_at = false;
  bool add_source = false;

  // What redshift::ApplyShape made of all this for the columns that the source has, in their order;
  // empty: not applied.
  std::vector<ShapedColumn> made;
  std::vector<std::string> source_names;  // of the source's columns, all that it was asked for

  bool Changes() const {
    return !rules.empty() || snake_case || where || add_synced_at || add_source;
  }
};

// The columns that are added, and their names.
inline constexpr char kSyncedAt[] = "_synced_at";
inline constexpr char kSource[] = "_source";

// "OrderID", "orderId", "Order ID" -> "order_id"; "HTTPServer2" -> "http_server2". Letters beyond
// ASCII stay as they are; a name of which nothing would be left stays, too.
std::string SnakeCase(std::string_view name);

}  // namespace sluice::model
