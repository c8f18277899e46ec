#include "redshift/types.h"

#include <algorithm>
#include <set>

#include "redshift/text/type_text.h"

namespace sluice::redshift {
namespace {

using model::Type;
using model::TypeKind;

// PostgreSQL adds the length of a varlena header to the modifier of sized types.
constexpr int kHeader = 4;
constexpr int kVarbyteMax = 16777216;

Type Sized(TypeKind kind, int type_modifier) {
  return {.kind = kind, .bytes_max = type_modifier > kHeader ? type_modifier - kHeader : 0};
}

Type Decimal(int type_modifier) {
  // A computed NUMERIC may come without a modifier, and is then not (18,0): sum() of DECIMAL(18,2)
  // is NUMERIC(38,2). Taking NUMERIC's default for it would cut digits off, so the parts must tell.
  if (type_modifier < kHeader) return {.kind = TypeKind::kDecimal};
  const auto packed = static_cast<unsigned>(type_modifier - kHeader);
  return {.kind = TypeKind::kDecimal,
          .precision = static_cast<int>((packed >> 16U) & 0xffffU),
          .scale = static_cast<int>(packed & 0xffffU)};
}

int Number(const TypeText& written, std::size_t index, const std::optional<int>& column) {
  if (index < written.numbers.size()) return written.numbers[index];
  return column.value_or(0);
}

std::string FoldedCase(std::string_view text) {
  std::string folded(text);
  for (char& c : folded) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
  }
  return folded;
}

}  // namespace

std::optional<Type> TypeFromOid(std::uint32_t oid, int type_modifier) {
  switch (oid) {
    case 16: return Type{.kind = TypeKind::kBool};
    case 21: return Type{.kind = TypeKind::kInt16};
    case 23: return Type{.kind = TypeKind::kInt32};
    case 20: return Type{.kind = TypeKind::kInt64};
    case 26: return Type{.kind = TypeKind::kInt64};  // oid: unsigned 32 bits
    case 700: return Type{.kind = TypeKind::kFloat32};
    case 701: return Type{.kind = TypeKind::kFloat64};
    case 1700: return Decimal(type_modifier);
    case 1042: return Sized(TypeKind::kChar, type_modifier);
    case 18: return Type{.kind = TypeKind::kChar, .bytes_max = 1};  // "char" of the catalog
    case 1043: return Sized(TypeKind::kVarchar, type_modifier);
    case 25: return Type{.kind = TypeKind::kVarchar};                    // text
    case 19: return Type{.kind = TypeKind::kVarchar, .bytes_max = 128};  // name
    case 705: return Type{.kind = TypeKind::kVarchar};                   // a literal without a type
    case 1082: return Type{.kind = TypeKind::kDate};
    case 1114: return Type{.kind = TypeKind::kTimestamp};
    case 1184: return Type{.kind = TypeKind::kTimestampTz};
    case 1083: return Type{.kind = TypeKind::kTime};
    case 1266: return Type{.kind = TypeKind::kTimeTz};
    case 1188: return Type{.kind = TypeKind::kIntervalYearToMonth};
    case 1190: return Type{.kind = TypeKind::kIntervalDayToSecond};
    case 4000: return Type{.kind = TypeKind::kSuper};
    case 6551: return Sized(TypeKind::kVarbyte, type_modifier);
    case 3000:
    case 3999: return Type{.kind = TypeKind::kGeometry};  // 3999: the same, sent as hex
    case 3001: return Type{.kind = TypeKind::kGeography};
    case 2935: return Type{.kind = TypeKind::kHllSketch};
    default: return std::nullopt;
  }
}

std::optional<Type> TypeFromCatalog(const CatalogType& type) {
  const auto written = ReadTypeText(type.data_type);
  if (!written) return std::nullopt;
  Type found{.kind = written->kind};
  switch (found.kind) {
    case TypeKind::kDecimal:
      found.precision = Number(*written, 0, type.numeric_precision);
      found.scale = Number(*written, 1, type.numeric_scale);
      break;
    case TypeKind::kChar:
    case TypeKind::kVarchar:
      found.bytes_max = Number(*written, 0, type.character_maximum_length);
      break;
    case TypeKind::kVarbyte: {
      const int bytes = Number(*written, 0, type.character_maximum_length);
      found.bytes_max = bytes > 0 && bytes <= kVarbyteMax ? bytes : 0;
      break;
    }
    default: break;
  }
  return found;
}

std::optional<std::string> Projection(const Type& type, std::string_view identifier) {
  const std::string name(identifier);
  switch (type.kind) {
    case TypeKind::kTime:
    case TypeKind::kTimeTz:
    case TypeKind::kIntervalYearToMonth:
    case TypeKind::kIntervalDayToSecond: return "CAST(" + name + " AS VARCHAR)";
    case TypeKind::kVarbyte: return "TO_HEX(" + name + ")";
    case TypeKind::kGeometry:
    case TypeKind::kGeography: return "ST_AsHexEWKB(" + name + ")";
    case TypeKind::kHllSketch: return std::nullopt;
    default: return name;
  }
}

namespace {

// `stem` with `_n` behind it, in the 127 bytes that Redshift keeps of a name: what it cut off would
// be the number. No letter is cut in two.
std::string Numbered(const std::string& stem, int n) {
  constexpr std::size_t kNameBytesMax = 127;
  const std::string number = "_" + std::to_string(n);
  std::size_t length = std::min(stem.size(), kNameBytesMax - number.size());
  const bool cut = length < stem.size();
  while (cut && length > 0 && (static_cast<unsigned char>(stem[length]) & 0xC0U) == 0x80U) {
    --length;
  }
  return stem.substr(0, length) + number;
}

}  // namespace

std::vector<std::string> UniqueAliases(const std::vector<std::string>& names) {
  // Names that stand in the list keep themselves, so a made one must avoid them all.
  std::set<std::string> taken;
  for (const auto& name : names) taken.insert(FoldedCase(name));
  std::set<std::string> used;
  std::vector<std::string> aliases;
  for (const auto& name : names) {
    std::string alias = name.empty() ? "column" : name;
    const std::string stem = alias;
    const bool first = !name.empty() && !used.contains(FoldedCase(name));
    for (int n = 2;
         !first && (taken.contains(FoldedCase(alias)) || used.contains(FoldedCase(alias))); ++n) {
      alias = Numbered(stem, n);
    }
    used.insert(FoldedCase(alias));
    aliases.push_back(alias);
  }
  return aliases;
}

}  // namespace sluice::redshift
