// One lane, one symbol: the arithmetic that every backend repeats.
#pragma once

#include <cstdint>

#include "nvczoo/format.hpp"
#include "nvczoo/tables.hpp"

namespace nvczoo {

// Finds whose part of the table `position` lies in. Ends, because a row's last symbol reaches to its end.
inline Slot find_slot(const Tables& tables, const Row& row, std::uint32_t position) {
  Slot slot = tables.buckets()[row.bucket + (position >> row.shift)];
  while (position - slot.start() > slot.frequency_minus_1()) [[unlikely]]
    slot = tables.slots()[row.entry + slot.symbol() + 1u];
  return slot;
}

// Undoes `encode_step`, before the word is taken; the result may be below kStateLow.
inline std::uint32_t decode_step(std::uint32_t state, Slot slot, unsigned precision) {
  const std::uint32_t position = state & ((1u << precision) - 1);
  return (slot.frequency_minus_1() + 1u) * (state >> precision) + position - slot.start();
}

// Whether the state must shed a word before the symbol is put on.
inline bool must_shed(std::uint32_t state, const Entry& entry, unsigned precision) {
  return state >> (32 - precision) > entry.frequency_minus_1;
}

// Returns the high half of a 96-bit product: exactly state / f when `reciprocal` is 2^64 / f rounded up.
inline std::uint32_t multiply_high(std::uint64_t reciprocal, std::uint32_t state) {
#ifdef __SIZEOF_INT128__
  __extension__ using Wide = unsigned __int128;
  return static_cast<std::uint32_t>(static_cast<Wide>(reciprocal) * state >> 64);
#else
  const std::uint64_t low = (reciprocal & 0xffffffff) * state >> 32;
  return static_cast<std::uint32_t>(((reciprocal >> 32) * state + low) >> 32);
#endif
}

// Returns (state / f << precision) + state % f + start.
inline std::uint32_t encode_step(std::uint32_t state, const Entry& entry) {
  return state + entry.bias + multiply_high(entry.reciprocal, state) * entry.complement;
}

}  // namespace nvczoo
