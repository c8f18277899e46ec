#include "redshift/text/type_text.h"

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <utility>

#include "base/text.h"

namespace sluice::redshift {
namespace {

using model::Type;
using model::TypeKind;

constexpr int kCharMax = 4096;
constexpr int kVarcharMax = 65535;
constexpr int kDigitsMax = 38;

// Type names without a size, in every spelling of the catalog, of SHOW COLUMNS and of DDL.
struct Spelling {
  std::string_view text;
  TypeKind kind;
};
constexpr std::array kSpellings = {
    Spelling{"boolean", TypeKind::kBool},
    Spelling{"bool", TypeKind::kBool},
    Spelling{"smallint", TypeKind::kInt16},
    Spelling{"int2", TypeKind::kInt16},
    Spelling{"integer", TypeKind::kInt32},
    Spelling{"int", TypeKind::kInt32},
    Spelling{"int4", TypeKind::kInt32},
    Spelling{"bigint", TypeKind::kInt64},
    Spelling{"int8", TypeKind::kInt64},
    Spelling{"real", TypeKind::kFloat32},
    Spelling{"float4", TypeKind::kFloat32},
    Spelling{"double precision", TypeKind::kFloat64},
    Spelling{"float", TypeKind::kFloat64},
    Spelling{"float8", TypeKind::kFloat64},
    Spelling{"double", TypeKind::kFloat64},
    Spelling{"numeric", TypeKind::kDecimal},
    Spelling{"decimal", TypeKind::kDecimal},
    Spelling{"character", TypeKind::kChar},
    Spelling{"char", TypeKind::kChar},
    Spelling{"nchar", TypeKind::kChar},
    Spelling{"bpchar", TypeKind::kChar},
    Spelling{"character varying", TypeKind::kVarchar},
    Spelling{"varchar", TypeKind::kVarchar},
    Spelling{"nvarchar", TypeKind::kVarchar},
    Spelling{"text", TypeKind::kVarchar},
    Spelling{"string", TypeKind::kVarchar},
    Spelling{"name", TypeKind::kVarchar},
    Spelling{"date", TypeKind::kDate},
    Spelling{"timestamp without time zone", TypeKind::kTimestamp},
    Spelling{"timestamp", TypeKind::kTimestamp},
    Spelling{"timestamp with time zone", TypeKind::kTimestampTz},
    Spelling{"timestamptz", TypeKind::kTimestampTz},
    Spelling{"time without time zone", TypeKind::kTime},
    Spelling{"time", TypeKind::kTime},
    Spelling{"time with time zone", TypeKind::kTimeTz},
    Spelling{"timetz", TypeKind::kTimeTz},
    Spelling{"interval year to month", TypeKind::kIntervalYearToMonth},
    Spelling{"intervaly2m", TypeKind::kIntervalYearToMonth},
    Spelling{"interval day to second", TypeKind::kIntervalDayToSecond},
    Spelling{"intervald2s", TypeKind::kIntervalDayToSecond},
    Spelling{"super", TypeKind::kSuper},
    Spelling{"binary varying", TypeKind::kVarbyte},
    Spelling{"varbyte", TypeKind::kVarbyte},
    Spelling{"varbinary", TypeKind::kVarbyte},
    Spelling{"geometry", TypeKind::kGeometry},
    Spelling{"geography", TypeKind::kGeography},
    Spelling{"hllsketch", TypeKind::kHllSketch},
};

struct Written {
  std::string name;          // lower case, one blank between words
  std::vector<int> numbers;  // of (18,2)
};

// "Timestamp(6) without time zone" -> {"timestamp without time zone", {6}}.
Written ReadSpelling(std::string_view text) {
  Written written;
  bool inside = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '(' || c == ')') {
      inside = c == '(';
    } else if (inside) {
      int number = 0;
      const auto end = std::from_chars(text.data() + i, text.data() + text.size(), number).ptr;
      if (end == text.data() + i) continue;
      written.numbers.push_back(number);
      i = static_cast<std::size_t>(end - text.data()) - 1;
    } else if (c != ' ') {
      written.name += base::Lower(c);
    } else if (!written.name.empty() && !written.name.ends_with(' ')) {
      written.name += ' ';
    }
  }
  while (written.name.ends_with(' ')) written.name.pop_back();
  return written;
}

CastProblem WantsSize(std::string_view what, std::string_view example) {
  return {fmt::format("does not tell {}", what),
          fmt::format("Write it with its size, for example {}", example)};
}

CastProblem NoSize(std::string_view range) {
  return {"has a size that Redshift does not have", fmt::format("Write {}", range)};
}

std::variant<Type, CastProblem> Sized(const TypeText& text) {
  const auto& numbers = text.numbers;
  if (text.kind == TypeKind::kDecimal) {
    if (numbers.empty()) {
      return WantsSize("how many digits there are, and would be (18,0): without decimal places",
                       "decimal(18,2)");
    }
    const int scale = numbers.size() > 1 ? numbers[1] : 0;
    if (numbers.size() > 2 || numbers[0] < 1 || numbers[0] > kDigitsMax || scale < 0 ||
        scale > numbers[0] || scale >= kDigitsMax) {
      return NoSize("decimal(p,s) with p from 1 to 38 and s from 0 to p");
    }
    return Type{.kind = text.kind, .precision = numbers[0], .scale = scale};
  }
  const bool fixed = text.kind == TypeKind::kChar;
  if (numbers.empty() && fixed) {
    return WantsSize("how long it is, and would be char(1)", "char(10), or varchar");
  }
  const int most = fixed ? kCharMax : kVarcharMax;
  const int bytes = numbers.empty() ? most : numbers[0];
  if (numbers.size() > 1 || bytes < 1 || bytes > most) {
    return NoSize(fixed ? "char(n) with n from 1 to 4096"
                        : "varchar, or varchar(n) with n from 1 to 65535");
  }
  return Type{.kind = text.kind, .bytes_max = bytes};
}

}  // namespace

std::optional<TypeText> ReadTypeText(std::string_view text) {
  Written written = ReadSpelling(text);
  for (const auto& spelling : kSpellings) {
    if (written.name == spelling.text) {
      return TypeText{.kind = spelling.kind, .numbers = std::move(written.numbers)};
    }
  }
  return std::nullopt;
}

std::variant<Type, CastProblem> ReadCastType(std::string_view text) {
  // YAML ends a value within { } at a comma: what is left would be another type.
  if (text.find('(') != std::string_view::npos && !text.ends_with(')')) {
    return CastProblem{"has a bracket that is not closed",
                       "A comma within { } ends the value: put the type in quotes, "
                       "\"decimal(18,2)\"."};
  }
  constexpr std::string_view kTypes =
      "Write one of: varchar, varchar(n), char(n), boolean, smallint, integer, bigint, real,\n"
      "double precision, decimal(p,s), date, timestamp, timestamptz";
  const auto read = ReadTypeText(text);
  if (!read) return CastProblem{"is not a type of Redshift", std::string(kTypes)};
  switch (read->kind) {
    case TypeKind::kDecimal:
    case TypeKind::kChar:
    case TypeKind::kVarchar: return Sized(*read);
    case TypeKind::kBool:
    case TypeKind::kInt16:
    case TypeKind::kInt32:
    case TypeKind::kInt64:
    case TypeKind::kFloat32:
    case TypeKind::kFloat64:
    case TypeKind::kDate:
    case TypeKind::kTimestamp:
    case TypeKind::kTimestampTz: return Type{.kind = read->kind};
    default: return CastProblem{"is a type that columns are not cast to", std::string(kTypes)};
  }
}

}  // namespace sluice::redshift
