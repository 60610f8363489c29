// One sub-stream being decoded: its lanes, and how far it has come. Plain data, so that it can live on any device.
#pragma once

#include <cstdint>
#include <limits>

#include "nvczoo/format.hpp"
#include "nvczoo/words.hpp"

namespace nvczoo {

inline constexpr std::uint64_t kUncounted = std::numeric_limits<std::uint64_t>::max();

struct StreamPosition {
  std::uint32_t lanes = 1;               // of the present stage
  std::uint32_t stage = 0;
  bool exact = true;                     // no words may be left at the end, not even zeros
  WordReader words;
  std::uint64_t done = 0;                // symbols
  std::uint64_t ends[kMaxStages] = {kUncounted, kUncounted, kUncounted};  // of the stages, in symbols

  NVCZOO_INLINE std::uint64_t count() const { return ends[kMaxStages - 1]; }
};

// Words that may be left when the first stage ends: what the next was coded with beyond what its lanes hold; and
// words that lanes hold, of at most 35 bits each.
inline constexpr unsigned kMaxWordsLeft = 512;
inline constexpr unsigned kMaxWordsHeld = (kMaxLanes * 35 + 15) / kWordBits;
inline constexpr unsigned kSpareBytes = (kMaxWordsLeft + kMaxWordsHeld) * kWordBytes;

struct StreamState : StreamPosition {
  std::uint32_t states[kMaxLanes] = {};
  std::uint8_t spare[kSpareBytes];  // the words of all stages but the first, at its end
};

}  // namespace nvczoo
