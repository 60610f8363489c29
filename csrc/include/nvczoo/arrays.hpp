// Symbols and indexes as the caller has them, and as kernels want them: these are made piece by piece.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

namespace nvczoo {

inline constexpr std::size_t kPiece = 4096;  // symbols made at a time: they stay in the L1 cache. Whole rows of any width.

// Integers of one, two or four bytes.
struct Symbols {
  const void* at = nullptr;
  std::size_t count = 0;
  unsigned bytes = 4;

  std::size_t size() const { return count; }
  bool empty() const { return count == 0; }
  Symbols from(std::size_t first, std::size_t number) const {
    return {static_cast<const std::uint8_t*>(at) + first * bytes, number, bytes};
  }
  std::int32_t operator[](std::size_t i) const {
    if (bytes == 1) return static_cast<const std::int8_t*>(at)[i];
    if (bytes == 2) return static_cast<const std::int16_t*>(at)[i];
    return static_cast<const std::int32_t*>(at)[i];
  }
  // The symbols from `first` on as int32: in place, or put into `piece`.
  const std::int32_t* as_int32(std::size_t first, std::size_t number, std::int32_t* piece) const {
    if (bytes == 4) return static_cast<const std::int32_t*>(at) + first;
    if (bytes == 2) std::copy_n(static_cast<const std::int16_t*>(at) + first, number, piece);
    if (bytes == 1) std::copy_n(static_cast<const std::int8_t*>(at) + first, number, piece);
    return piece;
  }
};

// The table row of each symbol, uint8 or uint16: one each, or (if `inner` is not 0) one for `inner` symbols in turn.
template <class Index>
struct Indexes {
  const Index* at = nullptr;
  std::size_t inner = 0;
  std::size_t skipped = 0;  // symbols before the first, if `inner`

  Indexes from(std::size_t first) const {
    return inner == 0 ? Indexes{at + first, 0, 0} : Indexes{at, inner, skipped + first};
  }
  std::uint32_t operator[](std::size_t i) const { return inner == 0 ? at[i] : at[(skipped + i) / inner]; }

  // Those from `first` on: in place, or put into `piece`.
  const Index* each(std::size_t first, std::size_t number, Index* piece) const {
    if (inner == 0) return at + first;
    std::size_t channel = (skipped + first) / inner, left = inner - (skipped + first) % inner;
    for (std::size_t done = 0; done < number; left = inner) {
      const std::size_t run = std::min(left, number - done);
      std::fill_n(piece + done, run, at[channel++]);
      done += run;
    }
    return piece;
  }
};

}  // namespace nvczoo
