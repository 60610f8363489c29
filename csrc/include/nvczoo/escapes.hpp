// Integers outside a table row: the bit length of their distance to it in units of 2^k, then the bits below the
// leading one and the k bits. Wide rows have large units, as what leaves them goes far.
#pragma once

#include <cstdint>

#include "nvczoo/format.hpp"
#include "nvczoo/platform.hpp"
#include "nvczoo/tables.hpp"
#include "nvczoo/words.hpp"

namespace nvczoo {

inline constexpr unsigned kEscapePrecision = 14;
inline constexpr unsigned kChunkBits = 14;       // raw bits of one step
inline constexpr unsigned kMaxEscapeLength = 33;  // bits of the distance from one end of int32 to beyond the other
inline constexpr unsigned kMaxEscapeWords = 4;   // the length and three chunks, one word each

// The frequency of each length, out of 2^14: near to what tails of Laplace's distribution want, with a tail of its own.
NVCZOO_INLINE std::uint32_t length_frequency(unsigned length) {
  if (length < 2) return length == 0 ? 6144 : 4096;
  if (length < 9) return 3072u >> (length - 2);
  return length < 32 ? 2 : 1;
}

// The k of a row: its symbols are about 20 times as many as the scale of its distribution.
NVCZOO_INLINE unsigned unit_bits(const Row& row) {
  const unsigned size_bits = highest_bit(row.escape + 1) + 1;
  return size_bits < 4 ? 0 : size_bits - 4;
}

NVCZOO_INLINE std::uint32_t length_start(unsigned length) {
  std::uint32_t start = 0;
  for (unsigned before = 0; before < length; ++before) start += length_frequency(before);
  return start;
}

NVCZOO_INLINE unsigned raw_bits(unsigned length, unsigned unit) { return length == 0 ? unit : length - 1 + unit; }

// Distance to the row, zig-zag: 0 is the first integer above the row, 1 the first below, 2 the second above ...
NVCZOO_INLINE std::uint64_t escape_distance(const Row& row, std::int32_t symbol) {
  const std::int64_t above = static_cast<std::int64_t>(symbol) - (std::int64_t{row.offset} + row.escape);
  return above >= 0 ? static_cast<std::uint64_t>(above) << 1
                    : (static_cast<std::uint64_t>(row.offset - static_cast<std::int64_t>(symbol) - 1) << 1) + 1;
}

// Returns 0 and sets `fault` for a distance beyond int32.
NVCZOO_INLINE std::int32_t escape_symbol(const Row& row, std::uint64_t distance, WordReader& words) {
  const auto steps = static_cast<std::int64_t>(distance >> 1);
  const std::int64_t symbol =
      (distance & 1) == 0 ? std::int64_t{row.offset} + row.escape + steps : std::int64_t{row.offset} - 1 - steps;
  if (symbol == static_cast<std::int32_t>(symbol)) return static_cast<std::int32_t>(symbol);
  words.fail(Fault::kEscapeRange);
  return 0;
}

// `take()` returns the next word.
template <class Take>
NVCZOO_INLINE std::uint64_t decode_distance(std::uint32_t& state, unsigned unit, Take&& take) {
  const auto refill = [&] {
    if (state < kStateLow) state = state << kWordBits | take();
  };
  const std::uint32_t position = state & ((1u << kEscapePrecision) - 1);
  unsigned length = 0;
  std::uint32_t start = 0;
  while (position - start >= length_frequency(length)) start += length_frequency(length++);
  state = length_frequency(length) * (state >> kEscapePrecision) + position - start;
  refill();
  const unsigned raw = raw_bits(length, unit);
  std::uint64_t distance = length == 0 ? 0 : 1ull << raw;
  for (unsigned got = 0; got < raw;) {
    const unsigned width = raw - got < kChunkBits ? raw - got : kChunkBits;
    distance |= static_cast<std::uint64_t>(state & ((1u << width) - 1)) << got;
    state >>= width;
    refill();
    got += width;
  }
  return distance;
}

// The mirror of `decode_distance`; `shed(word)` puts a word before those already there.
template <class Shed>
NVCZOO_INLINE void encode_distance(std::uint32_t& state, std::uint64_t distance, unsigned unit, Shed&& shed) {
  const auto make_room = [&](std::uint32_t frequency, unsigned precision) {
    if (state >> (32 - precision) < frequency) return;
    shed(static_cast<std::uint16_t>(state));
    state >>= kWordBits;
  };
  const unsigned length = distance >> unit == 0 ? 0 : highest_bit(distance >> unit) + 1;
  const unsigned raw = raw_bits(length, unit);
  for (unsigned chunk = (raw + kChunkBits - 1) / kChunkBits; chunk > 0; --chunk) {
    const unsigned from = (chunk - 1) * kChunkBits;
    const unsigned width = raw - from < kChunkBits ? raw - from : kChunkBits;
    make_room(1, width);
    state = state << width | (static_cast<std::uint32_t>(distance >> from) & ((1u << width) - 1));
  }
  const std::uint32_t frequency = length_frequency(length);
  make_room(frequency, kEscapePrecision);
  state = (state / frequency << kEscapePrecision) + state % frequency + length_start(length);
}

}  // namespace nvczoo
