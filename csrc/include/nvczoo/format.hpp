// The constants of the stream format, and its header. docs/coder.md describes every byte.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "nvczoo/platform.hpp"

namespace nvczoo {

using Bytes = std::span<const std::uint8_t>;

inline constexpr unsigned kVersion = 2;         // 4 bits; 0 is never written
inline constexpr unsigned kLog2MaxLanes = 6;    // 7 is reserved
inline constexpr unsigned kMaxLanes = 1u << kLog2MaxLanes;
inline constexpr std::uint64_t kMaxStreams = 1024;
inline constexpr unsigned kMinPrecision = 12;   // bits of a probability
inline constexpr unsigned kMaxPrecision = 16;   // a step then takes at most one word
inline constexpr unsigned kUsualPrecision = 14;  // has a fast path of its own
inline constexpr std::uint32_t kStateLow = 1u << 16;  // states stay in [kStateLow, 2^32)
inline constexpr unsigned kWordBits = 16;
inline constexpr unsigned kWordBytes = 2;
inline constexpr unsigned kCrcBytes = 4;
inline constexpr unsigned kVarintBytes = 7;     // 49 bits, more than any count in memory
inline constexpr unsigned kExponentBits = 4;    // of a compact state

// A stream is decoded in stages, each by fewer lanes: all, then (of many) four, then one. What a lane held when its
// last stage ended is bits for the lanes that go on.
inline constexpr unsigned kMaxStages = 3;

NVCZOO_INLINE constexpr std::uint32_t lanes_after(std::uint32_t lanes) { return lanes > 16 ? 4 : 1; }
NVCZOO_INLINE constexpr unsigned stages_of(std::uint32_t lanes) { return lanes == 1 ? 1 : lanes > 16 ? 3 : 2; }

struct Header {
  unsigned log2_lanes = 0;
  bool checked = false;      // the last four bytes are a CRC-32C of all before
  std::optional<std::uint8_t> fingerprint;  // of the first part's tables
  std::vector<std::uint64_t> lengths;       // bytes of each sub-stream; empty means a single one

  std::vector<std::uint8_t> to_bytes() const;
};

// Reads the header at `position` and moves past it. Throws a stream error.
Header read_header(Bytes data, std::size_t& position);

void write_varint(std::vector<std::uint8_t>& out, std::uint64_t value);
std::uint64_t read_varint(Bytes data, std::size_t& position);

// Compact states: for each lane a 4-bit exponent and the bits below the leading one, low bits first.
void write_states(std::vector<std::uint8_t>& out, std::span<const std::uint32_t> states);
void read_states(Bytes data, std::size_t& position, std::span<std::uint32_t> states);

NVCZOO_INLINE std::uint32_t load_word(const std::uint8_t* at) {
  return static_cast<std::uint32_t>(at[0]) | static_cast<std::uint32_t>(at[1]) << 8;
}

NVCZOO_INLINE void store_word(std::uint8_t* at, std::uint32_t value) {
  at[0] = static_cast<std::uint8_t>(value);
  at[1] = static_cast<std::uint8_t>(value >> 8);
}

}  // namespace nvczoo
