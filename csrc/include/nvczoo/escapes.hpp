// Integers outside a table row: the bit length of their distance to it, then the bits below the leading one.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <limits>

#include "nvczoo/errors.hpp"
#include "nvczoo/format.hpp"
#include "nvczoo/tables.hpp"

namespace nvczoo {

inline constexpr unsigned kEscapePrecision = 14;
inline constexpr unsigned kChunkBits = 14;       // raw bits of one step
inline constexpr unsigned kMaxEscapeLength = 33;  // bits of the distance from one end of int32 to beyond the other
inline constexpr unsigned kMaxEscapeWords = 4;   // the length and three chunks, one word each

// Flat up to distances of a hundred, which wide rows need as often as narrow ones need small distances.
inline constexpr std::array<std::uint16_t, kMaxEscapeLength + 1> kLengthFrequencies = {
    1536, 1536, 1536, 1536, 1536, 1536, 1536, 1536, 2048, 1024, 512, 256, 128, 64, 16, 8, 4,
    4,    2,    2,    2,    2,    2,    2,    2,    2,    2,    2,    2,    2,   2,   2,  2, 2};

constexpr auto make_length_starts() {
  std::array<std::uint16_t, kMaxEscapeLength + 2> starts{};
  for (std::size_t i = 0; i <= kMaxEscapeLength; ++i)
    starts[i + 1] = static_cast<std::uint16_t>(starts[i] + kLengthFrequencies[i]);
  return starts;
}
inline constexpr auto kLengthStarts = make_length_starts();
static_assert(kLengthStarts.back() == 1u << kEscapePrecision);

// Distance to the row, zig-zag: 0 is the first integer above the row, 1 the first below, 2 the second above ...
inline std::uint64_t escape_distance(const Row& row, std::int32_t symbol) {
  const std::int64_t above = static_cast<std::int64_t>(symbol) - (static_cast<std::int64_t>(row.offset) + row.escape);
  return above >= 0 ? static_cast<std::uint64_t>(above) << 1
                    : (static_cast<std::uint64_t>(row.offset - static_cast<std::int64_t>(symbol) - 1) << 1) + 1;
}

inline std::int32_t escape_symbol(const Row& row, std::uint64_t distance) {
  const auto steps = static_cast<std::int64_t>(distance >> 1);
  const std::int64_t symbol = (distance & 1) == 0 ? static_cast<std::int64_t>(row.offset) + row.escape + steps
                                                  : static_cast<std::int64_t>(row.offset) - 1 - steps;
  if (symbol < std::numeric_limits<std::int32_t>::min() || symbol > std::numeric_limits<std::int32_t>::max())
    throw CorruptStream("an escaped symbol does not fit 32 bits");
  return static_cast<std::int32_t>(symbol);
}

// `take()` returns the next word.
template <class Take>
std::uint64_t decode_distance(std::uint32_t& state, Take&& take) {
  const auto refill = [&] {
    if (state < kStateLow) state = state << kWordBits | take();
  };
  const std::uint32_t position = state & ((1u << kEscapePrecision) - 1);
  const auto after = std::upper_bound(kLengthStarts.begin(), kLengthStarts.end(), position);
  const auto length = static_cast<unsigned>(after - kLengthStarts.begin()) - 1;
  state = kLengthFrequencies[length] * (state >> kEscapePrecision) + position - kLengthStarts[length];
  refill();
  if (length == 0) return 0;
  std::uint64_t distance = 1ull << (length - 1);
  for (unsigned got = 0; got < length - 1;) {
    const unsigned width = std::min(kChunkBits, length - 1 - got);
    distance |= static_cast<std::uint64_t>(state & ((1u << width) - 1)) << got;
    state >>= width;
    refill();
    got += width;
  }
  return distance;
}

// The mirror of `decode_distance`; `shed(word)` puts a word before those already there.
template <class Shed>
void encode_distance(std::uint32_t& state, std::uint64_t distance, Shed&& shed) {
  const auto make_room = [&](unsigned frequency, unsigned precision) {
    if (state >> (32 - precision) < frequency) return;
    shed(static_cast<std::uint16_t>(state));
    state >>= kWordBits;
  };
  const auto length = static_cast<unsigned>(std::bit_width(distance));
  const unsigned raw = length > 0 ? length - 1 : 0;
  for (unsigned chunk = (raw + kChunkBits - 1) / kChunkBits; chunk > 0; --chunk) {
    const unsigned from = (chunk - 1) * kChunkBits;
    const unsigned width = std::min(kChunkBits, raw - from);
    make_room(1, width);
    state = state << width | (static_cast<std::uint32_t>(distance >> from) & ((1u << width) - 1));
  }
  const std::uint32_t frequency = kLengthFrequencies[length];
  make_room(frequency, kEscapePrecision);
  state = (state / frequency << kEscapePrecision) + state % frequency + kLengthStarts[length];
}

}  // namespace nvczoo
