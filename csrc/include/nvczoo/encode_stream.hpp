// The order in which a sub-stream's parts are encoded, on whatever device.
#pragma once

#include <cstddef>
#include <cstdint>

#include "nvczoo/format.hpp"
#include "nvczoo/platform.hpp"
#include "nvczoo/words.hpp"

namespace nvczoo {

struct StreamCounts {
  std::uint64_t count = 0, tail = 0;  // symbols
  std::uint64_t seeds = 0;            // words at the end that became the low halves of lanes
};

// The last symbols are coded by lane 0 alone, until their words suffice as seeds of the other lanes; then come all
// rows, the last first. `length(part)` tells symbols, `encode(lanes, part, first, count)` puts those on the states.
template <class B, class Writer, class Length, class Encode>
NVCZOO_INLINE StreamCounts encode_stream(std::uint32_t* states, std::size_t lanes, std::size_t parts, Writer& words,
                                         Length&& length, Encode&& encode) {
  StreamCounts counts;
  for (std::size_t lane = 0; lane < lanes; ++lane) B::put(states + lane, kStateLow);
  for (std::size_t part = 0; part < parts; ++part) counts.count += length(part);
  const auto wanting = [&] {
    return words.size() < lanes - 1 && counts.tail < kTailCap && words.fault() == Fault::kNone;
  };
  for (std::size_t part = parts; part-- > 0 && wanting();)
    for (std::size_t i = length(part); i-- > 0 && wanting(); ++counts.tail) encode(std::size_t{1}, part, i, std::size_t{1});
  counts.seeds = words.size() < lanes - 1 ? words.size() : lanes - 1;
  const std::uint16_t* seeds = words.at() + (words.size() - counts.seeds);
  for (std::uint64_t i = 0; i < counts.seeds; ++i) B::put(states + i + 1, kStateLow + seeds[i]);
  std::uint64_t left_in_tail = counts.tail;
  for (std::size_t part = parts; part-- > 0 && words.fault() == Fault::kNone;) {
    const std::uint64_t all = length(part), in_tail = left_in_tail < all ? left_in_tail : all;
    left_in_tail -= in_tail;
    encode(lanes, part, std::size_t{0}, static_cast<std::size_t>(all - in_tail));
  }
  return counts;
}

}  // namespace nvczoo
