#include "base/crc.h"

#include <array>
#include <bit>
#include <cstring>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace sluice::base {
namespace {

static_assert(std::endian::native == std::endian::little);

struct Model {
  std::uint64_t polynomial;  // reflected: bit i is the coefficient of x^(width-1-i)
  int width;

  std::uint64_t ones() const { return width == 64 ? ~0ULL : (1ULL << width) - 1; }
};

constexpr Model kModels[] = {{0xEDB88320, 32}, {0x82F63B78, 32}, {0x9A6C9329AC4BC9B5, 64}};

const Model& ModelOf(CrcKind kind) { return kModels[static_cast<std::size_t>(kind)]; }

// Eight tables: eight bytes are folded in with eight look-ups that do not wait for each other.
using Tables = std::array<std::array<std::uint64_t, 256>, 8>;

Tables MakeTables(const Model& model) {
  Tables tables{};
  for (std::uint64_t byte = 0; byte < 256; ++byte) {
    std::uint64_t value = byte;
    for (int bit = 0; bit < 8; ++bit) {
      value = value >> 1 ^ ((value & 1) != 0 ? model.polynomial : 0);
    }
    tables[0][byte] = value;
  }
  for (std::size_t row = 1; row < 8; ++row) {
    for (std::size_t byte = 0; byte < 256; ++byte) {
      const std::uint64_t before = tables[row - 1][byte];
      tables[row][byte] = before >> 8 ^ tables[0][before & 0xFF];
    }
  }
  return tables;
}

const Tables& TablesOf(CrcKind kind) {
  static const std::array<Tables, 3> all{MakeTables(kModels[0]), MakeTables(kModels[1]),
                                         MakeTables(kModels[2])};
  return all[static_cast<std::size_t>(kind)];
}

std::uint64_t Load64(const std::byte* at) {
  std::uint64_t value = 0;
  std::memcpy(&value, at, sizeof value);
  return value;
}

// `state` is not inverted, here and below.
std::uint64_t ByTables(CrcKind kind, std::uint64_t state, std::span<const std::byte> bytes) {
  const Tables& t = TablesOf(kind);
  const std::byte* at = bytes.data();
  std::size_t left = bytes.size();
  for (; left >= 8; left -= 8, at += 8) {
    const std::uint64_t x = state ^ Load64(at);
    state = t[7][x & 0xFF] ^ t[6][x >> 8 & 0xFF] ^ t[5][x >> 16 & 0xFF] ^ t[4][x >> 24 & 0xFF] ^
            t[3][x >> 32 & 0xFF] ^ t[2][x >> 40 & 0xFF] ^ t[1][x >> 48 & 0xFF] ^ t[0][x >> 56];
  }
  for (; left > 0; --left, ++at) {
    state = state >> 8 ^ t[0][(state ^ std::to_integer<std::uint64_t>(*at)) & 0xFF];
  }
  return state;
}

// x^n modulo the polynomial; bit i is the coefficient of x^(63-i), whatever the width.
std::uint64_t PowerOfX(const Model& model, int n) {
  const std::uint64_t polynomial = model.polynomial << (64 - model.width);
  const std::uint64_t last = 1ULL << (64 - model.width);  // of the greatest power below the width
  std::uint64_t value = 1ULL << 63;
  for (; n > 0; --n) value = (value & ~last) >> 1 ^ ((value & last) != 0 ? polynomial : 0);
  return value;
}

#if defined(__x86_64__)

constexpr std::size_t kFoldBytes = 64;

// Moving a block of 128 bits on by `bits` is multiplying it: its first half by x^(bits+64), its
// second by x^bits. One power less of each, as the product of two reflected numbers is one bit
// short. V. Gopal et al., "Fast CRC Computation for Generic Polynomials Using PCLMULQDQ", Intel
// 2009.
struct Step {
  std::uint64_t first;
  std::uint64_t second;
};

Step StepOf(const Model& model, int bits) {
  return {PowerOfX(model, bits + 63), PowerOfX(model, bits - 1)};
}

struct Steps {
  Step four;  // four blocks further
  Step one;
};

const Steps& StepsOf(CrcKind kind) {
  static const auto make = [](const Model& model) {
    return Steps{StepOf(model, 512), StepOf(model, 128)};
  };
  static const std::array<Steps, 3> all{make(kModels[0]), make(kModels[1]), make(kModels[2])};
  return all[static_cast<std::size_t>(kind)];
}

__attribute__((target("pclmul,sse4.1"))) __m128i Vector(const Step& step) {
  return _mm_set_epi64x(static_cast<long long>(step.second), static_cast<long long>(step.first));
}

__attribute__((target("pclmul,sse4.1"))) __m128i Moved(__m128i block, __m128i step) {
  return _mm_xor_si128(_mm_clmulepi64_si128(block, step, 0x00),
                       _mm_clmulepi64_si128(block, step, 0x11));
}

__attribute__((target("pclmul,sse4.1"))) __m128i LoadBlock(const std::byte* at) {
  return _mm_loadu_si128(reinterpret_cast<const __m128i*>(at));
}

// REQUIRES: at least kFoldBytes.
__attribute__((target("pclmul,sse4.1"))) std::uint64_t ByFolding(CrcKind kind, std::uint64_t state,
                                                                 std::span<const std::byte> bytes) {
  const std::byte* at = bytes.data();
  std::size_t left = bytes.size() - kFoldBytes;
  __m128i a = _mm_xor_si128(LoadBlock(at), _mm_set_epi64x(0, static_cast<long long>(state)));
  __m128i b = LoadBlock(at + 16);
  __m128i c = LoadBlock(at + 32);
  __m128i d = LoadBlock(at + 48);
  at += kFoldBytes;
  const __m128i four = Vector(StepsOf(kind).four);
  for (; left >= kFoldBytes; left -= kFoldBytes, at += kFoldBytes) {
    a = _mm_xor_si128(Moved(a, four), LoadBlock(at));
    b = _mm_xor_si128(Moved(b, four), LoadBlock(at + 16));
    c = _mm_xor_si128(Moved(c, four), LoadBlock(at + 32));
    d = _mm_xor_si128(Moved(d, four), LoadBlock(at + 48));
  }
  const __m128i one = Vector(StepsOf(kind).one);
  a = _mm_xor_si128(Moved(a, one), b);
  a = _mm_xor_si128(Moved(a, one), c);
  a = _mm_xor_si128(Moved(a, one), d);
  for (; left >= 16; left -= 16, at += 16) a = _mm_xor_si128(Moved(a, one), LoadBlock(at));
  // What is left is a text of 16 bytes with the same remainder.
  std::array<std::byte, 16> rest{};
  _mm_storeu_si128(reinterpret_cast<__m128i*>(rest.data()), a);
  return ByTables(kind, ByTables(kind, 0, rest), {at, left});
}

bool CanFold() {
  static const bool can =
      __builtin_cpu_supports("pclmul") != 0 && __builtin_cpu_supports("sse4.1") != 0;
  return can;
}

std::uint64_t ByTheFastest(CrcKind kind, std::uint64_t state, std::span<const std::byte> bytes) {
  if (bytes.size() >= kFoldBytes && CanFold()) return ByFolding(kind, state, bytes);
  return ByTables(kind, state, bytes);
}

#else

std::uint64_t ByTheFastest(CrcKind kind, std::uint64_t state, std::span<const std::byte> bytes) {
  return ByTables(kind, state, bytes);
}

#endif

// Of two numbers as PowerOfX makes them.
std::uint64_t Multiply(const Model& model, std::uint64_t a, std::uint64_t b) {
  const std::uint64_t polynomial = model.polynomial << (64 - model.width);
  const std::uint64_t last = 1ULL << (64 - model.width);
  std::uint64_t product = 0;
  for (std::uint64_t bit = 1ULL << 63; bit >= last; bit >>= 1) {
    if ((a & bit) != 0) product ^= b;
    b = (b & ~last) >> 1 ^ ((b & last) != 0 ? polynomial : 0);
    if (bit == 1) break;
  }
  return product;
}

}  // namespace

std::uint64_t ExtendCrc(CrcKind kind, std::uint64_t before, std::span<const std::byte> bytes) {
  const std::uint64_t ones = ModelOf(kind).ones();
  return ByTheFastest(kind, before ^ ones, bytes) ^ ones;
}

std::uint64_t ExtendCrcByTables(CrcKind kind, std::uint64_t before,
                                std::span<const std::byte> bytes) {
  const std::uint64_t ones = ModelOf(kind).ones();
  return ByTables(kind, before ^ ones, bytes) ^ ones;
}

std::uint64_t CombineCrc(CrcKind kind, std::uint64_t first, std::uint64_t second,
                         std::uint64_t second_bytes) {
  const Model& model = ModelOf(kind);
  std::uint64_t value = first << (64 - model.width);
  // `first` moves on by eight powers of x for each byte: squares of x^8 where the length has a bit.
  std::uint64_t square = PowerOfX(model, 8);
  for (std::uint64_t n = second_bytes; n > 0; n >>= 1) {
    if ((n & 1) != 0) value = Multiply(model, value, square);
    square = Multiply(model, square, square);
  }
  return value >> (64 - model.width) ^ second;
}

std::size_t CrcBytes(CrcKind kind) { return static_cast<std::size_t>(ModelOf(kind).width) / 8; }

}  // namespace sluice::base
