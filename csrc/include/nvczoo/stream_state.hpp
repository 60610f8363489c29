// One sub-stream being decoded: its lanes, and how far it has come. Plain data, so that it can live on any device.
#pragma once

#include <cstdint>
#include <limits>

#include "nvczoo/format.hpp"
#include "nvczoo/words.hpp"

namespace nvczoo {

inline constexpr std::uint64_t kUncounted = std::numeric_limits<std::uint64_t>::max();

struct StreamPosition {
  std::uint32_t lanes = 1;
  std::uint32_t seed = 1;                // the lane whose seed is taken next, once the words are used up
  bool in_tail = false;
  WordReader words;
  std::uint64_t done = 0;                // symbols
  std::uint64_t count = kUncounted;      // symbols in all, if the stream tells
  std::uint64_t rows_end = kUncounted;   // where the tail begins
};

struct StreamState : StreamPosition {
  std::uint32_t states[kMaxLanes] = {};
};

}  // namespace nvczoo
