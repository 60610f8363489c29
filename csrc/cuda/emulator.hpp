// A warp of CUDA acted out on the CPU: 32 lanes, ballots, and reads clamped to the words there are. The backend of
// cuda/warp.cuh does the same by the threads of a warp; all else is shared, so tests of this one are tests of that.
#pragma once

#include <bit>
#include <cstdint>

#include "nvczoo/format.hpp"
#include "nvczoo/platform.hpp"
#include "nvczoo/tables.hpp"
#include "nvczoo/words.hpp"

namespace nvczoo::emulator {

inline constexpr unsigned kWarp = 32;

struct U32 {
  std::uint32_t lanes[kWarp];

  U32() = default;
  U32(std::uint32_t value) {  // NOLINT: as an integer would
    for (auto& lane : lanes) lane = value;
  }
};

template <class Operation>
U32 each(U32 a, U32 b, Operation&& operation) {
  U32 out;
  for (unsigned lane = 0; lane < kWarp; ++lane) out.lanes[lane] = operation(a.lanes[lane], b.lanes[lane]);
  return out;
}

inline U32 operator+(U32 a, U32 b) { return each(a, b, [](auto x, auto y) { return x + y; }); }
inline U32 operator-(U32 a, U32 b) { return each(a, b, [](auto x, auto y) { return x - y; }); }
inline U32 operator*(U32 a, U32 b) { return each(a, b, [](auto x, auto y) { return x * y; }); }
inline U32 operator|(U32 a, U32 b) { return each(a, b, [](auto x, auto y) { return x | y; }); }
inline U32 operator&(U32 a, U32 b) { return each(a, b, [](auto x, auto y) { return x & y; }); }
inline U32 operator<<(U32 a, U32 b) { return each(a, b, [](auto x, auto y) { return x << y; }); }
inline U32 operator>>(U32 a, U32 b) { return each(a, b, [](auto x, auto y) { return x >> y; }); }

struct Warp {
  static constexpr unsigned width = kWarp;
  static constexpr bool kClamps = true;
  using U32 = emulator::U32;
  using Mask = std::uint32_t;  // what a ballot returns

  template <class Predicate>
  static Mask ballot(Predicate&& predicate) {
    Mask mask = 0;
    for (unsigned lane = 0; lane < kWarp; ++lane) mask |= (predicate(lane) ? 1u : 0u) << lane;
    return mask;
  }
  static unsigned rank(Mask mask, unsigned lane) {  // of a lane among those of the mask
    return static_cast<unsigned>(std::popcount(mask & ((1u << lane) - 1)));
  }

  template <bool kFew>
  struct Column {
    const std::uint32_t* items;
    explicit Column(const std::uint32_t* column) : items(column) {}
    template <class Index>
    U32 operator()(const Index* indexes) const {
      U32 out;
      for (unsigned lane = 0; lane < kWarp; ++lane) out.lanes[lane] = items[indexes[lane]];
      return out;
    }
  };

  struct Divisor {
    U32 frequency, frequency_minus_1, bias, complement;
    U32 divide(U32 state) const {
      return each(state, frequency, [](auto x, auto y) { return x / y; });
    }
  };

  struct DivisorConstants {
    std::uint32_t total;
    explicit DivisorConstants(unsigned precision) : total(1u << precision) {}
  };

  static Divisor divisor(const TableView& tables, U32 entry, DivisorConstants constants) {
    U32 interval;
    for (unsigned lane = 0; lane < kWarp; ++lane) interval.lanes[lane] = tables.intervals[entry.lanes[lane]];
    const U32 start = interval & 0xffffu, frequency = (interval >> 16) - start + 1;
    return {frequency, frequency - 1, start, U32(constants.total) - frequency};
  }

  static U32 constant(std::uint32_t value) { return value; }
  template <class T>
  static U32 load(const T* at) {
    U32 out;
    for (unsigned lane = 0; lane < kWarp; ++lane) out.lanes[lane] = static_cast<std::uint32_t>(at[lane]);
    return out;
  }
  template <class T>
  static void store(T* at, U32 value) {
    for (unsigned lane = 0; lane < kWarp; ++lane) at[lane] = static_cast<T>(value.lanes[lane]);
  }
  static U32 shift_right(U32 value, U32 by) { return value >> by; }
  static U32 minimum(U32 a, U32 b) {
    return each(a, b, [](auto x, auto y) { return x < y ? x : y; });
  }
  static Mask exceeds(U32 a, U32 b) {
    return ballot([&](unsigned lane) { return a.lanes[lane] > b.lanes[lane]; });
  }
  static Mask equal(U32 a, U32 b) {
    return ballot([&](unsigned lane) { return a.lanes[lane] == b.lanes[lane]; });
  }
  static Mask exceeds_not(U32 a, U32 b) { return ~exceeds(a, b); }
  static bool any(Mask mask) { return mask != 0; }
  static std::uint64_t bits(Mask mask) { return mask; }
  static U32 increment(Mask mask, U32 value) {
    for (unsigned lane = 0; lane < kWarp; ++lane) value.lanes[lane] += mask >> lane & 1;
    return value;
  }
  static U32 select(Mask mask, U32 yes, U32 no) {
    U32 out;
    for (unsigned lane = 0; lane < kWarp; ++lane) out.lanes[lane] = (mask >> lane & 1 ? yes : no).lanes[lane];
    return out;
  }

  static void gather(const Bucket* buckets, U32 index, U32& interval, U32& beyond) {
    for (unsigned lane = 0; lane < kWarp; ++lane) {
      const Bucket bucket = buckets[index.lanes[lane]];
      interval.lanes[lane] = bucket.interval();
      beyond.lanes[lane] = bucket.beyond();
    }
  }

  static U32 take(Mask mask, WordReader& words) {
    U32 out(0);
    const std::size_t left = words.at < words.end ? words.left() : 0;
    for (unsigned lane = 0; lane < kWarp; ++lane)
      if ((mask >> lane & 1) != 0 && rank(mask, lane) < left)
        out.lanes[lane] = load_word(words.at + kWordBytes * rank(mask, lane));
    words.at += kWordBytes * static_cast<unsigned>(std::popcount(mask));
    return out;
  }

  static void shed(Mask mask, U32 state, std::uint16_t*& at) {
    at -= std::popcount(mask);
    for (unsigned lane = 0; lane < kWarp; ++lane)
      if ((mask >> lane & 1) != 0) at[rank(mask, lane)] = static_cast<std::uint16_t>(state.lanes[lane]);
  }

  template <class T>
  static void put(T* at, T value) {
    *at = value;
  }
  static void sync() {}

  // What a warp does by 32 threads where order does not matter, this does by one.
  static constexpr unsigned threads = 1;
  static unsigned thread() { return 0; }
  static bool agreed(bool mine) { return mine; }
};

}  // namespace nvczoo::emulator
