// Integers outside a table row: the bit length of their distance to it, then the bits below the leading one.
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

// The frequency of each length, out of 2^14: flat up to distances of a hundred, which wide rows need as often as
// narrow ones need small distances.
inline constexpr unsigned kFlatLengths = 8;
inline constexpr std::uint32_t kFlatFrequency = 1536;

NVCZOO_INLINE std::uint32_t length_frequency(unsigned length) {
  if (length < kFlatLengths) return kFlatFrequency;
  if (length < 14) return 2048u >> (length - kFlatLengths);
  return length < 16 ? 16u >> (length - 14) : length < 18 ? 4 : 2;
}

NVCZOO_INLINE std::uint32_t length_start(unsigned length) {
  std::uint32_t start = 0;
  for (unsigned before = 0; before < length; ++before) start += length_frequency(before);
  return start;
}

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
NVCZOO_INLINE std::uint64_t decode_distance(std::uint32_t& state, Take&& take) {
  const auto refill = [&] {
    if (state < kStateLow) state = state << kWordBits | take();
  };
  const std::uint32_t position = state & ((1u << kEscapePrecision) - 1);
  unsigned length = position / kFlatFrequency;
  if (length > kFlatLengths) length = kFlatLengths;
  std::uint32_t start = length * kFlatFrequency;
  while (position - start >= length_frequency(length)) start += length_frequency(length++);
  state = length_frequency(length) * (state >> kEscapePrecision) + position - start;
  refill();
  if (length == 0) return 0;
  std::uint64_t distance = 1ull << (length - 1);
  for (unsigned got = 0; got < length - 1;) {
    const unsigned width = length - 1 - got < kChunkBits ? length - 1 - got : kChunkBits;
    distance |= static_cast<std::uint64_t>(state & ((1u << width) - 1)) << got;
    state >>= width;
    refill();
    got += width;
  }
  return distance;
}

// The mirror of `decode_distance`; `shed(word)` puts a word before those already there.
template <class Shed>
NVCZOO_INLINE void encode_distance(std::uint32_t& state, std::uint64_t distance, Shed&& shed) {
  const auto make_room = [&](std::uint32_t frequency, unsigned precision) {
    if (state >> (32 - precision) < frequency) return;
    shed(static_cast<std::uint16_t>(state));
    state >>= kWordBits;
  };
  const unsigned length = distance == 0 ? 0 : highest_bit(distance) + 1;
  const unsigned raw = length > 0 ? length - 1 : 0;
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
