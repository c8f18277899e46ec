#include "redshift/shape.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <utility>

#include "base/error.h"
#include "base/text.h"
#include "redshift/quoting.h"
#include "redshift/relations.h"
#include "redshift/stream_column.h"
#include "redshift/types.h"

namespace sluice::redshift {
namespace {

using model::Column;
using model::Mask;
using model::ShapedColumn;
using model::ShapeRule;
using model::Type;
using model::TypeKind;
using RuleKind = model::ShapeRule::Kind;

constexpr int kVarcharMax = 65535;
constexpr int kHashBytes = 64;
constexpr int kLast4Bytes = 16;

[[noreturn]] void RefuseShape(const model::Stream& stream, const std::string& what,
                              std::string message, std::string remedy,
                              base::ErrorCode code = base::ErrorCode::kInvalidConfig) {
  throw base::Error({.code = code,
                     .operation = "plan",
                     .subject = fmt::format("stream {}, {}", stream.name, what),
                     .message = std::move(message),
                     .remedy = std::move(remedy),
                     .reason = "shape"});
}

std::string_view FieldOf(RuleKind kind) {
  switch (kind) {
    case RuleKind::kExclude: return "exclude";
    case RuleKind::kRename: return "rename";
    case RuleKind::kCast: return "cast";
    case RuleKind::kHash: return "hash";
    case RuleKind::kMask: return "mask";
  }
  return "shape";
}

// What the stream's modes need a column for; empty: nothing.
std::string UseOf(const model::Stream& stream, const std::string& column) {
  if (stream.cursor == column) return "cursor";
  if (stream.deletes.column == column) return "deletes.column";
  if (stream.split && stream.split->column == column) return "split.column";
  const auto& key = stream.primary_key;
  if (std::find(key.begin(), key.end(), column) != key.end()) return "primary_key";
  return {};
}

int DigitsOf(TypeKind kind) {
  switch (kind) {
    case TypeKind::kInt16: return 5;
    case TypeKind::kInt32: return 10;
    case TypeKind::kInt64: return 19;
    default: return 0;
  }
}

// Two values that differ still do after the cast, so that no two keys become one.
bool KeepsApart(const Type& from, const Type& to) {
  if (from == to) return true;
  const bool text = from.kind == TypeKind::kVarchar || from.kind == TypeKind::kChar;
  if (to.kind == TypeKind::kVarchar) {
    if (to.bytes_max == kVarcharMax) return from.kind != TypeKind::kSuper;
    return text && from.bytes_max > 0 && from.bytes_max <= to.bytes_max;
  }
  if (DigitsOf(to.kind) > 0)
    return DigitsOf(from.kind) > 0 && DigitsOf(from.kind) <= DigitsOf(to.kind);
  if (to.kind == TypeKind::kDecimal) {
    if (from.kind == TypeKind::kDecimal) {
      return from.precision > 0 && to.scale >= from.scale &&
             to.precision - to.scale >= from.precision - from.scale;
    }
    return DigitsOf(from.kind) > 0 && to.precision - to.scale >= DigitsOf(from.kind);
  }
  return to.kind == TypeKind::kTimestamp && from.kind == TypeKind::kDate;
}

class Shaper {
 public:
  Shaper(model::Stream stream, const std::vector<Column>& columns)
      : stream_(std::move(stream)), columns_(columns) {}

  model::Stream Apply(std::string_view source) {
    CheckRules();
    for (const Column& column : columns_) stream_.shape.made.push_back(Shaped(column));
    for (const Column& column : columns_) stream_.shape.source_names.push_back(column.name);
    AddOwn(source);
    RefuseOneName();
    return std::move(stream_);
  }

 private:
  const model::Shape& shape() const { return stream_.shape; }

  // The exact name, else the one that the server would fold it to.
  const Column* Find(const std::string& name) const {
    const Column* found = nullptr;
    for (const Column& column : columns_) {
      if (column.name == name) return &column;
      if (base::EqualFolded(column.name, name)) found = &column;
    }
    return found;
  }

  void CheckRules() const {
    for (const ShapeRule& rule : shape().rules) {
      if (rule.kind == RuleKind::kExclude || rule.by_default || Find(rule.column) != nullptr) {
        continue;
      }
      StreamColumn(stream_, columns_, rule.column, FieldOf(rule.kind));
    }
  }

  const ShapeRule* RuleOf(const Column& column, std::initializer_list<RuleKind> kinds) const {
    for (const ShapeRule& rule : shape().rules) {
      if (std::find(kinds.begin(), kinds.end(), rule.kind) == kinds.end()) continue;
      if (Find(rule.column) == &column) return &rule;
    }
    return nullptr;
  }

  ShapedColumn Shaped(const Column& column) const {
    ShapedColumn shaped{.column = column, .lands_as = column.name, .value = ""};
    if (const auto* rename = RuleOf(column, {RuleKind::kRename})) {
      shaped.lands_as = rename->name;
    } else if (shape().snake_case) {
      shaped.lands_as = model::SnakeCase(column.name);
    }
    const auto* rule = RuleOf(column, {RuleKind::kCast, RuleKind::kHash, RuleKind::kMask});
    if (rule == nullptr) return shaped;
    RefuseUsed(column, *rule);
    switch (rule->kind) {
      case RuleKind::kCast: Cast(shaped, rule->type); break;
      case RuleKind::kHash: Hash(shaped); break;
      default: Hide(shaped, rule->mask); break;
    }
    return shaped;
  }

  // A key may be hashed: of two keys that differ, the hashes do. Anything else that decides about
  // rows needs its own values.
  void RefuseUsed(const Column& column, const ShapeRule& rule) const {
    const std::string use = UseOf(stream_, column.name);
    if (use.empty()) return;
    const std::string what = fmt::format("{} {}", FieldOf(rule.kind), column.name);
    if (rule.kind == RuleKind::kMask) {
      RefuseShape(stream_, what,
                  fmt::format("the column is the stream's {}, which needs its values", use),
                  use == "primary_key"
                      ? "Hash it instead: two keys that differ have hashes that differ."
                      : "Take another column for " + use + ", or leave this one as it is.");
    }
    if (rule.kind == RuleKind::kHash && use != "primary_key") {
      RefuseShape(stream_, what,
                  fmt::format("the column is the stream's {}, which needs its values", use),
                  "Take another column for " + use + ", or leave this one as it is.");
    }
    if (rule.kind != RuleKind::kCast) return;
    if (use == "deletes.column") {
      RefuseShape(stream_, what, "the column tells which rows are deleted, and by its own type",
                  "Leave it as it is.");
    }
    if (use == "primary_key" && !KeepsApart(column.type, rule.type)) {
      RefuseShape(stream_, what,
                  fmt::format("two keys that differ could become one as {} instead of {}",
                              model::ToString(rule.type), model::ToString(column.type)),
                  "Leave the key as it is, or cast it to varchar.");
    }
  }

  std::string TextOrRefuse(const Column& column, std::string_view field) const {
    auto text = TextOf(column.type, Ident(column.name));
    if (!text) {
      RefuseShape(stream_, fmt::format("{} {}", field, column.name),
                  "a column of type " + model::ToString(column.type) + " has no text",
                  "Leave the column out.", base::ErrorCode::kUnsupported);
    }
    return *std::move(text);
  }

  void Cast(ShapedColumn& shaped, const Type& type) const {
    const bool to_text = type.kind == TypeKind::kVarchar || type.kind == TypeKind::kChar;
    const std::string value =
        to_text ? TextOrRefuse(shaped.column, "cast") : Ident(shaped.column.name);
    shaped.value = fmt::format("CAST({} AS {})", value, TypeSql(type));
    shaped.column.type = type;
  }

  void Hash(ShapedColumn& shaped) const {
    if (shape().salt.empty()) {
      RefuseShape(
          stream_, "hash", "there is no salt, so that values could be found by trying them",
          "Give it one: hash: { columns: [" + YamlName(shaped.column.name) + "], salt: ${SALT} }");
    }
    shaped.value = TextOrRefuse(shaped.column, "hash");
    shaped.hashed = true;
    shaped.column.type = {.kind = TypeKind::kVarchar, .bytes_max = kHashBytes};
  }

  void Hide(ShapedColumn& shaped, const Mask& mask) const {
    Column& column = shaped.column;
    switch (mask.kind) {
      case Mask::Kind::kLast4: {
        const std::string text = TextOrRefuse(column, "mask");
        shaped.value = fmt::format(
            "CAST(CASE WHEN LEN({0}) > 4 THEN RIGHT({0}, 4) WHEN {0} IS NOT NULL THEN '***' END "
            "AS VARCHAR({1}))",
            text, kLast4Bytes);
        column.type = {.kind = TypeKind::kVarchar, .bytes_max = kLast4Bytes};
        break;
      }
      case Mask::Kind::kNull:
        // The parts of a column without a size tell none, either, as there are no values.
        if (column.type.kind == TypeKind::kDecimal && column.type.precision == 0) {
          column.type.precision = 38;
        }
        shaped.value = fmt::format("CAST(NULL AS {})", TypeSql(column.type));
        column.nullable = true;
        break;
      case Mask::Kind::kText:
        column.type = {.kind = TypeKind::kVarchar, .bytes_max = static_cast<int>(mask.text.size())};
        shaped.value = fmt::format("CAST({} AS {})", Literal(mask.text), TypeSql(column.type));
        break;
    }
  }

  void AddOwn(std::string_view source) {
    auto& made = stream_.shape.made;
    if (shape().add_synced_at) {
      // The beginning of the transaction that reads: the session is in UTC.
      made.push_back({.column = {.name = model::kSyncedAt,
                                 .type = {.kind = TypeKind::kTimestampTz},
                                 .nullable = false,
                                 .stamp = true},
                      .lands_as = model::kSyncedAt,
                      .value = "CAST(SYSDATE AS TIMESTAMPTZ)"});
    }
    if (shape().add_source) {
      const Type type{.kind = TypeKind::kVarchar, .bytes_max = static_cast<int>(source.size())};
      made.push_back({.column = {.name = model::kSource, .type = type, .nullable = false},
                      .lands_as = model::kSource,
                      .value = fmt::format("CAST({} AS {})", Literal(source), TypeSql(type))});
    }
  }

  // Without case, as destinations compare them.
  void RefuseOneName() const {
    const auto& made = shape().made;
    for (std::size_t i = 0; i < made.size(); ++i) {
      for (std::size_t j = 0; j < i; ++j) {
        const bool lands = base::EqualFolded(made[i].lands_as, made[j].lands_as);
        if (!lands && !base::EqualFolded(made[i].column.name, made[j].column.name)) continue;
        RefuseShape(stream_, "column " + made[i].column.name,
                    fmt::format("would be called {} at the destination, as column {} is",
                                made[i].lands_as, made[j].column.name),
                    fmt::format("Give one of them another name: rename: {{ {}: {} }}",
                                YamlName(made[j].column.name), YamlName(made[j].lands_as + "_2")));
      }
    }
  }

  model::Stream stream_;
  const std::vector<Column>& columns_;
};

std::string ValueOf(const model::Shape& shape, const ShapedColumn& made, Salt salt) {
  if (made.value.empty()) return Ident(made.column.name);
  if (!made.hashed) return made.value;
  const std::string shown = salt == Salt::kRevealed ? shape.salt.Reveal() : "[salt]";
  return fmt::format(
      "CAST(CASE WHEN {0} IS NOT NULL THEN SHA2({1} || {0}, 256) END AS VARCHAR({2}))", made.value,
      Literal(shown), kHashBytes);
}

}  // namespace

model::Stream ApplyShape(model::Stream stream, const std::vector<Column>& columns,
                         std::string_view source) {
  stream.shape.made.clear();
  stream.shape.source_names.clear();
  if (!stream.shape.Changes()) return stream;
  return Shaper(std::move(stream), columns).Apply(source);
}

std::vector<Column> ColumnsRead(const model::Stream& stream, const std::vector<Column>& columns) {
  if (stream.shape.made.empty()) return columns;
  std::vector<Column> read;
  for (const auto& made : stream.shape.made) read.push_back(made.column);
  return read;
}

std::vector<Column> ColumnsLanding(const model::Stream& stream,
                                   const std::vector<Column>& columns) {
  if (stream.shape.made.empty()) return columns;
  std::vector<Column> landing;
  for (const auto& made : stream.shape.made) {
    landing.push_back(made.column);
    landing.back().name = made.lands_as;
  }
  return landing;
}

std::string LandingName(const model::Stream& stream, const std::string& name) {
  for (const auto& made : stream.shape.made) {
    if (made.column.name == name) return made.lands_as;
  }
  return name;
}

bool IsDerived(const model::Shape& shape) {
  return shape.where || std::any_of(shape.made.begin(), shape.made.end(),
                                    [](const auto& made) { return !made.value.empty(); });
}

std::string DerivedTable(const model::Shape& shape, std::string_view from,
                         const std::vector<Column>& columns, Salt salt) {
  std::string items;
  for (const auto& made : shape.made) {
    const bool asked = std::any_of(columns.begin(), columns.end(), [&](const Column& column) {
      return column.name == made.column.name;
    });
    if (!asked) continue;
    items += fmt::format("{}{} AS {}", items.empty() ? "" : ", ", ValueOf(shape, made, salt),
                         Ident(made.column.name));
  }
  std::string table = fmt::format("(SELECT {} FROM {}", items, from);
  if (shape.where) table += " WHERE (" + *shape.where + ")";
  return table + ") AS \"sluice_shape\"";
}

base::Secret ShapeText(const model::Stream& stream) {
  const model::Shape& shape = stream.shape;
  std::set<std::string> hidden;
  bool salted = false;
  const auto applies = [&](const ShapeRule& rule) {
    return std::any_of(
        shape.source_names.begin(), shape.source_names.end(),
        [&](const std::string& name) { return base::EqualFolded(name, rule.column); });
  };
  for (const ShapeRule& rule : shape.rules) {
    if (!applies(rule)) continue;  // of `defaults`, for other tables
    const bool cursor = rule.kind == RuleKind::kCast && rule.column == stream.cursor;
    if (rule.kind == RuleKind::kHash) {
      hidden.insert("hash " + rule.column);
      salted = true;
    } else if (rule.kind == RuleKind::kMask) {
      hidden.insert(fmt::format("mask {} {} {}", rule.column, static_cast<int>(rule.mask.kind),
                                rule.mask.text));
    } else if (cursor) {
      hidden.insert("cast " + rule.column + " " + model::ToString(rule.type));
    }
  }
  // A key under another name finds no row of before.
  for (const auto& key : stream.primary_key) {
    const std::string lands_as = LandingName(stream, key);
    if (model::MeetsByKey(stream.write_mode) && lands_as != key) {
      hidden.insert("key " + key + " as " + lands_as);
    }
  }
  std::string text;
  if (shape.where) text += "where " + *shape.where + "\n";
  for (const auto& line : hidden) text += line + "\n";
  if (salted) text += "salt " + shape.salt.Reveal() + "\n";
  return base::Secret(std::move(text));
}

std::string TypeSql(const Type& type) {
  switch (type.kind) {
    case TypeKind::kVarchar:
      return fmt::format("VARCHAR({})", type.bytes_max > 0 ? type.bytes_max : kVarcharMax);
    case TypeKind::kChar:
      return fmt::format("CHAR({})", type.bytes_max > 0 ? type.bytes_max : 4096);
    default: break;
  }
  std::string text = model::ToString(type);
  std::transform(text.begin(), text.end(), text.begin(),
                 [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c; });
  return text;
}

std::optional<std::string> TextOf(const Type& type, std::string_view identifier) {
  const std::string name(identifier);
  switch (type.kind) {
    case TypeKind::kVarchar: return name;
    case TypeKind::kChar: return "RTRIM(" + name + ")";
    // Redshift casts no boolean to a text.
    // https://docs.aws.amazon.com/redshift/latest/dg/c_Supported_data_types.html
    case TypeKind::kBool:
      return fmt::format("CASE WHEN {0} THEN 'true' WHEN NOT {0} THEN 'false' END", name);
    case TypeKind::kSuper: return "JSON_SERIALIZE(" + name + ")";
    case TypeKind::kTime:
    case TypeKind::kTimeTz:
    case TypeKind::kIntervalYearToMonth:
    case TypeKind::kIntervalDayToSecond:
    case TypeKind::kVarbyte:
    case TypeKind::kGeometry:
    case TypeKind::kGeography:
    case TypeKind::kHllSketch: return Projection(type, identifier);
    default: return "CAST(" + name + " AS VARCHAR)";
  }
}

}  // namespace sluice::redshift
