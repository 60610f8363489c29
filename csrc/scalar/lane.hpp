// The plainest backend: a group of one lane. Rows are made of such groups, in ascending lane order.
//
// A backend offers `width` lanes as `U32`, with the operators of an integer, `Mask`, and what is below. Whatever is
// called `symbols`, `indexes`, `states` points at the group's first lane.
#pragma once

#include <cstdint>

#include "nvczoo/format.hpp"
#include "nvczoo/platform.hpp"
#include "nvczoo/tables.hpp"
#include "nvczoo/words.hpp"

namespace nvczoo::scalar {

// Returns the high half of a 96-bit product: exactly state / f when `reciprocal` is 2^64 / f rounded up.
NVCZOO_INLINE std::uint32_t multiply_high(std::uint64_t reciprocal, std::uint32_t state) {
#ifdef __SIZEOF_INT128__
  __extension__ using Wide = unsigned __int128;
  return static_cast<std::uint32_t>(static_cast<Wide>(reciprocal) * state >> 64);
#else
  const std::uint64_t low = (reciprocal & 0xffffffff) * state >> 32;
  return static_cast<std::uint32_t>(((reciprocal >> 32) * state + low) >> 32);
#endif
}

struct Lane {
  static constexpr unsigned width = 1;
  static constexpr bool kClamps = false;  // whether `take` minds the end of the words
  using U32 = std::uint32_t;
  using Mask = std::uint32_t;  // all ones or zero: by arithmetic, for compilers make branches of choices

  // A property of each lane's row; kFew: of at most kFewRows rows.
  template <bool kFew>
  struct Column {
    const std::uint32_t* items;
    explicit Column(const std::uint32_t* column) : items(column) {}
    template <class Index>
    NVCZOO_INLINE U32 operator()(const Index* indexes) const {
      return items[*indexes];
    }
  };

  // What a symbol's entry says; `divide(state)` rounds down.
  struct Divisor {
    std::uint64_t reciprocal;
    U32 frequency_minus_1, bias, complement;
    NVCZOO_INLINE U32 divide(U32 state) const { return multiply_high(reciprocal, state); }
  };

  struct DivisorConstants {
    NVCZOO_INLINE explicit DivisorConstants(unsigned) {}
  };

  static NVCZOO_INLINE Divisor divisor(const TableView& tables, U32 entry, DivisorConstants) {
    const Entry& found = tables.entries[entry];
    return {found.reciprocal, found.frequency_minus_1, found.bias, found.complement};
  }

  template <class Index>
  static NVCZOO_INLINE std::uint32_t index(const Index* indexes) {
    return *indexes;
  }
  static NVCZOO_INLINE U32 constant(std::uint32_t value) { return value; }
  static NVCZOO_INLINE U32 load(const std::uint32_t* at) { return *at; }
  static NVCZOO_INLINE U32 load(const std::int32_t* at) { return static_cast<U32>(*at); }
  static NVCZOO_INLINE void store(std::uint32_t* at, U32 value) { *at = value; }
  static NVCZOO_INLINE void store(std::int32_t* at, U32 value) { *at = static_cast<std::int32_t>(value); }
  static NVCZOO_INLINE U32 shift_right(U32 value, U32 by) { return value >> by; }
  static NVCZOO_INLINE U32 signed_high_half(U32 value) {
    return static_cast<U32>(static_cast<std::int32_t>(value) >> 16);
  }
  static NVCZOO_INLINE U32 minimum(U32 a, U32 b) { return a < b ? a : b; }
  static NVCZOO_INLINE Mask exceeds(U32 a, U32 b) { return 0u - (a > b ? 1u : 0u); }
  static NVCZOO_INLINE Mask equal(U32 a, U32 b) { return 0u - (a == b ? 1u : 0u); }
  static NVCZOO_INLINE Mask exceeds_not(U32 a, U32 b) { return 0u - (a <= b ? 1u : 0u); }
  static NVCZOO_INLINE bool any(Mask mask) { return mask != 0; }
  static NVCZOO_INLINE std::uint64_t bits(Mask mask) { return mask & 1; }  // one for each lane, the first lowest
  static NVCZOO_INLINE U32 increment(Mask mask, U32 value) { return value - mask; }
  static NVCZOO_INLINE U32 select(Mask mask, U32 yes, U32 no) { return no ^ ((no ^ yes) & mask); }

  static NVCZOO_INLINE void gather(const Bucket* buckets, U32 index, U32& interval, U32& beyond) {
    const Bucket bucket = buckets[index];
    interval = bucket.interval();
    beyond = bucket.beyond();
  }

  // Gives the next words to the lanes of the mask, in ascending order; `width` words must be readable.
  static NVCZOO_INLINE U32 take(Mask mask, WordReader& words) {
    const U32 word = load_word(words.at);
    words.at += mask & kWordBytes;
    return word;
  }

  // Puts the low words of the masked lanes before `at`; `width` words before it must be writable.
  static NVCZOO_INLINE void shed(Mask mask, U32 state, std::uint16_t*& at) {
    at[-1] = static_cast<std::uint16_t>(state);
    at -= mask & 1;
  }

  // For code that runs once for all lanes: a plain store; threads of a warp must agree on who does it.
  template <class T>
  static NVCZOO_INLINE void put(T* at, T value) {
    *at = value;
  }
  static NVCZOO_INLINE void sync() {}
};

}  // namespace nvczoo::scalar
