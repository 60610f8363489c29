// Compiled with -ffp-contract=off and without fast-math: each operation is rounded once, as IEEE 754 says.
#include "nvczoo/exact.hpp"

#include <bit>
#include <cfloat>
#include <cstdint>
#include <limits>

namespace nvczoo {
namespace {

static_assert(FLT_EVAL_METHOD == 0, "doubles must be computed as doubles");

constexpr double kLog2E = 0x1.71547652b82fep+0;
constexpr double kLn2High = 0x1.62e42feep-1;  // 32 bits: its product with an exponent is exact
constexpr double kLn2Low = 0x1.a39ef35793c76p-33;
constexpr double kExpMax = 709.782712893384;   // exp of more is infinite
constexpr double kExpMin = -745.1332191019412;  // exp of less is zero
constexpr int kExpTerms = 14;  // 0.3466^14 / 14! < 2^-57
constexpr int kLogTerms = 12;  // 0.1716^24 / 25 < 2^-65

double power_of_two(int exponent) {  // -1022 to 1023
  return std::bit_cast<double>(static_cast<std::uint64_t>(exponent + 1023) << 52);
}

}  // namespace

double exact_exp(double x) {
  if (x != x) return x;
  if (x > kExpMax) return std::numeric_limits<double>::infinity();
  if (x < kExpMin) return 0.0;
  const double scaled = x * kLog2E;
  const int k = static_cast<int>(scaled + (scaled < 0 ? -0.5 : 0.5));
  const double r = (x - k * kLn2High) - k * kLn2Low;
  double sum = 1.0;
  for (int n = kExpTerms; n > 0; --n) sum = 1.0 + sum * r / n;
  const int half = k / 2;  // two factors, so that neither overflows
  return sum * power_of_two(half) * power_of_two(k - half);
}

double exact_log(double x) {
  if (x != x || x < 0) return std::numeric_limits<double>::quiet_NaN();
  if (x == 0) return -std::numeric_limits<double>::infinity();
  if (x == std::numeric_limits<double>::infinity()) return x;
  int exponent = 0;
  if (x < power_of_two(-1022)) {  // subnormal
    x *= 0x1p54;
    exponent = -54;
  }
  const auto bits = std::bit_cast<std::uint64_t>(x);
  exponent += static_cast<int>(bits >> 52) - 1023;
  double mantissa = std::bit_cast<double>((bits & 0xfffffffffffffull) | 0x3ff0000000000000ull);
  if (mantissa > 0x1.6a09e667f3bcdp+0) {  // sqrt(2)
    mantissa *= 0.5;
    exponent += 1;
  }
  const double s = (mantissa - 1.0) / (mantissa + 1.0);
  const double square = s * s;
  double sum = 0.0;
  for (int n = kLogTerms; n > 0; --n) sum = (sum + 1.0 / (2 * n + 1)) * square;
  return exponent * kLn2High + (2.0 * s * (1.0 + sum) + exponent * kLn2Low);
}

}  // namespace nvczoo
