#include "redshift/quoting.h"

#include <cstdint>
#include <optional>

#include "base/error.h"

namespace sluice::redshift {
namespace {

// Bytes that follow a lead byte, and the least code point that may be written so; 0xff for a byte
// that cannot lead. Overlong forms and surrogates are no UTF-8, and servers differ on them.
struct Sequence {
  std::size_t following;
  std::uint32_t least;
  std::uint32_t bits;
};

std::optional<Sequence> SequenceOf(unsigned char lead) {
  if (lead < 0x80) return Sequence{0, 0, lead};
  if (lead >= 0xc2 && lead < 0xe0) return Sequence{1, 0x80, lead & 0x1fU};
  if (lead >= 0xe0 && lead < 0xf0) return Sequence{2, 0x800, lead & 0x0fU};
  if (lead >= 0xf0 && lead < 0xf5) return Sequence{3, 0x10000, lead & 0x07U};
  return std::nullopt;
}

void CheckText(std::string_view text, const char* what) {
  if (IsUtf8WithoutNul(text)) return;
  throw base::Error({.code = base::ErrorCode::kInvalidConfig,
                     .operation = "write SQL",
                     .subject = what,
                     .message = "holds a NUL or bytes that are no UTF-8",
                     .remedy = "Save the configuration as UTF-8 and remove control characters."});
}

std::string Doubled(std::string_view text, std::string_view specials) {
  std::string doubled;
  doubled.reserve(text.size() + text.size() / 16);
  for (const char c : text) {
    if (specials.find(c) != std::string_view::npos) doubled += c;
    doubled += c;
  }
  return doubled;
}

}  // namespace

bool IsUtf8WithoutNul(std::string_view text) {
  for (std::size_t i = 0; i < text.size();) {
    const auto sequence = SequenceOf(static_cast<unsigned char>(text[i]));
    if (!sequence || text[i] == '\0') return false;
    std::uint32_t point = sequence->bits;
    for (std::size_t n = 1; n <= sequence->following; ++n) {
      if (i + n >= text.size()) return false;
      const auto byte = static_cast<unsigned char>(text[i + n]);
      if ((byte & 0xc0U) != 0x80U) return false;
      point = (point << 6U) | (byte & 0x3fU);
    }
    if (point < sequence->least || point > 0x10ffff || (point >= 0xd800 && point <= 0xdfff)) {
      return false;
    }
    i += 1 + sequence->following;
  }
  return true;
}

std::string Ident(std::string_view name) {
  CheckText(name, "identifier");
  if (name.empty()) {
    throw base::Error({.code = base::ErrorCode::kInvalidConfig,
                       .operation = "write SQL",
                       .subject = "identifier",
                       .message = "is empty",
                       .remedy = "Give the schema, table or column a name."});
  }
  return "\"" + Doubled(name, "\"") + "\"";
}

std::string Ident(const model::TableName& name) {
  return Ident(name.schema) + "." + Ident(name.table);
}

std::string Literal(std::string_view value) {
  CheckText(value, "value");
  return "'" + Doubled(value, "'\\") + "'";
}

std::string Inner(std::string_view select) {
  CheckText(select, "query");
  return Doubled(select, "'\\");
}

}  // namespace sluice::redshift
