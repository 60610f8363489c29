#include "nvczoo/crc32c.hpp"

#include <array>
#include <cstddef>

namespace nvczoo {
namespace {

constexpr std::uint32_t kPolynomial = 0x82f63b78;  // bit-reversed
constexpr std::size_t kSlices = 8;                 // bytes per step ("slicing by 8")

using Slices = std::array<std::array<std::uint32_t, 256>, kSlices>;

constexpr Slices make_slices() {
  Slices slices{};
  for (std::uint32_t byte = 0; byte < 256; ++byte) {
    std::uint32_t crc = byte;
    for (int bit = 0; bit < 8; ++bit) crc = crc >> 1 ^ ((crc & 1) != 0 ? kPolynomial : 0);
    slices[0][byte] = crc;
  }
  for (std::size_t slice = 1; slice < kSlices; ++slice)
    for (std::size_t byte = 0; byte < 256; ++byte) {
      const std::uint32_t before = slices[slice - 1][byte];
      slices[slice][byte] = before >> 8 ^ slices[0][before & 0xff];
    }
  return slices;
}

constexpr Slices kTable = make_slices();

// Both take and return the CRC as it stands between bytes, that is inverted.
std::uint32_t crc32c_by_tables(const std::uint8_t* at, std::size_t left, std::uint32_t crc) {
  for (; left >= kSlices; left -= kSlices, at += kSlices) {
    const std::uint32_t low =
        crc ^ (at[0] | static_cast<std::uint32_t>(at[1]) << 8 | static_cast<std::uint32_t>(at[2]) << 16 |
               static_cast<std::uint32_t>(at[3]) << 24);
    crc = kTable[7][low & 0xff] ^ kTable[6][low >> 8 & 0xff] ^ kTable[5][low >> 16 & 0xff] ^ kTable[4][low >> 24] ^
          kTable[3][at[4]] ^ kTable[2][at[5]] ^ kTable[1][at[6]] ^ kTable[0][at[7]];
  }
  for (; left > 0; --left) crc = crc >> 8 ^ kTable[0][(crc ^ *at++) & 0xff];
  return crc;
}

}  // namespace

#ifdef NVCZOO_X86
std::uint32_t crc32c_sse42(const std::uint8_t* at, std::size_t left, std::uint32_t crc);  // x86/crc32c.cpp
#endif

std::uint32_t crc32c(std::span<const std::uint8_t> data, std::uint32_t initial) {
#ifdef NVCZOO_X86
  static const auto update = __builtin_cpu_supports("sse4.2") ? crc32c_sse42 : crc32c_by_tables;
#else
  constexpr auto update = crc32c_by_tables;
#endif
  return ~update(data.data(), data.size(), ~initial);
}

}  // namespace nvczoo
