// The order in which a sub-stream's parts are encoded, on whatever device.
#pragma once

#include <cstddef>
#include <cstdint>

#include "nvczoo/format.hpp"
#include "nvczoo/platform.hpp"
#include "nvczoo/words.hpp"

namespace nvczoo {

struct StreamCounts {
  std::uint64_t count = 0;                 // symbols in all
  std::uint64_t of_stage[kMaxStages] = {};  // and of each stage but the first
};

inline constexpr std::uint64_t kStageCap = 1u << 14;  // symbols of a later stage: they are coded slowly
inline constexpr unsigned kRowsAtOnce = 16;

// Words that fill so many lanes, 28 bits each more or less; without enough of them the last lanes begin empty.
NVCZOO_INLINE constexpr std::size_t words_to_fill(std::size_t lanes) { return lanes * 7 / 4 + 2; }

// Takes `width` bits off a state, and words if it must; beyond the last word there are zeros.
template <class Writer>
NVCZOO_INLINE std::uint32_t pop_bits(std::uint32_t& state, unsigned width, Writer& words) {
  const std::uint32_t bits = state & ((1u << width) - 1);
  state >>= width;
  if (state < kStateLow) state = state << kWordBits | words.pop();
  return bits;
}

// Begins lanes with what was coded so far, bits of lane 0, rather than with nothing: they then cost nothing.
template <class B, class Writer>
NVCZOO_INLINE void fill_lanes(std::uint32_t* states, std::size_t from, std::size_t to, Writer& words) {
  B::sync();
  std::uint32_t first = states[0];
  for (std::size_t lane = from; lane < to; ++lane) {
    const unsigned width = pop_bits(first, kExponentBits, words);
    const std::uint32_t low = pop_bits(first, kWordBits, words);
    const std::uint32_t high = (1u << width) + pop_bits(first, width, words);
    B::put(states + lane, high << kWordBits | low);
  }
  B::put(states, first);
}

// Stages are coded the last first, each from its last symbol on: one lane, until what it wrote fills the lanes of the
// stage before, and so on. `length(part)` tells symbols, `encode(lanes, part, first, count)` puts those on the states.
template <class B, class Writer, class Length, class Encode>
NVCZOO_INLINE StreamCounts encode_stream(std::uint32_t* states, std::size_t lanes, std::size_t parts, Writer& words,
                                         Length&& length, Encode&& encode) {
  StreamCounts counts;
  for (std::size_t lane = 0; lane < lanes; ++lane) B::put(states + lane, kStateLow);
  for (std::size_t part = 0; part < parts; ++part) counts.count += length(part);
  std::size_t part = parts, left = 0;  // not coded yet: the parts before, and so many symbols of this one
  std::size_t widths[kMaxStages] = {lanes, lanes_after(static_cast<std::uint32_t>(lanes)), 1};
  for (unsigned stage = stages_of(static_cast<std::uint32_t>(lanes)); --stage > 0;) {
    const std::size_t width = widths[stage], enough = words_to_fill(widths[stage - 1] - width);
    std::uint64_t& coded = counts.of_stage[stage];
    while (words.size() < enough && coded < kStageCap && words.fault() == Fault::kNone) {
      while (left == 0 && part > 0) left = length(--part);
      if (left == 0) break;
      const std::size_t some = left < kRowsAtOnce * width ? left : kRowsAtOnce * width, odd = some % width;
      encode(width, part, left - some + odd, some - odd);
      if (odd > 0) encode(width, part, left - some, odd);
      left -= some;
      coded += some;
    }
    fill_lanes<B>(states, width, widths[stage - 1], words);
  }
  if (left > 0) encode(lanes, part, std::size_t{0}, left);
  while (part > 0 && words.fault() == Fault::kNone) {
    --part;
    encode(lanes, part, std::size_t{0}, static_cast<std::size_t>(length(part)));
  }
  return counts;
}

}  // namespace nvczoo
