// The threads of a warp as lanes. cuda/emulator.hpp acts out the same on the CPU, where it is tested.
#pragma once

#include <cstdint>

#include "nvczoo/format.hpp"
#include "nvczoo/platform.hpp"
#include "nvczoo/tables.hpp"
#include "nvczoo/words.hpp"

namespace nvczoo::cuda {

inline constexpr unsigned kWarp = 32;
inline constexpr unsigned kAll = 0xffffffffu;

struct Warp {
  static constexpr unsigned width = kWarp;
  static constexpr bool kClamps = true;
  using U32 = std::uint32_t;
  using Mask = bool;  // of this thread's lane

  static __device__ __forceinline__ unsigned lane() { return threadIdx.x % kWarp; }
  static __device__ __forceinline__ unsigned ballot(bool mine) { return __ballot_sync(kAll, mine); }
  static __device__ __forceinline__ unsigned rank(unsigned lanes) {  // of this thread among those
    return static_cast<unsigned>(__popc(lanes & ((1u << lane()) - 1)));
  }

  template <bool kFew>
  struct Column {
    const std::uint32_t* items;
    __device__ explicit Column(const std::uint32_t* column) : items(column) {}
    template <class Index>
    __device__ __forceinline__ U32 operator()(const Index* indexes) const {
      return __ldg(items + indexes[lane()]);
    }
  };

  struct Divisor {
    U32 frequency, frequency_minus_1, bias, complement;
    __device__ __forceinline__ U32 divide(U32 state) const { return state / frequency; }
  };
  struct DivisorConstants {
    std::uint32_t total;
    __device__ __forceinline__ explicit DivisorConstants(unsigned precision) : total(1u << precision) {}
  };
  static __device__ __forceinline__ Divisor divisor(const TableView& tables, U32 entry, DivisorConstants constants) {
    const U32 interval = __ldg(tables.intervals + entry);
    const U32 start = interval & 0xffffu, frequency = (interval >> 16) - start + 1;
    return {frequency, frequency - 1, start, constants.total - frequency};
  }

  template <class Index>
  static __device__ __forceinline__ std::uint32_t index(const Index* indexes) {
    return indexes[lane()];
  }
  static __device__ __forceinline__ U32 constant(std::uint32_t value) { return value; }
  template <class T>
  static __device__ __forceinline__ U32 load(const T* at) {
    return static_cast<U32>(at[lane()]);
  }
  template <class T>
  static __device__ __forceinline__ void store(T* at, U32 value) {
    at[lane()] = static_cast<T>(value);
  }
  static __device__ __forceinline__ U32 shift_right(U32 value, U32 by) { return value >> by; }
  static __device__ __forceinline__ U32 minimum(U32 a, U32 b) { return min(a, b); }
  static __device__ __forceinline__ Mask exceeds(U32 a, U32 b) { return a > b; }
  static __device__ __forceinline__ Mask exceeds_not(U32 a, U32 b) { return a <= b; }
  static __device__ __forceinline__ Mask equal(U32 a, U32 b) { return a == b; }
  static __device__ __forceinline__ bool any(Mask mine) { return mine; }  // each thread walks for itself
  static __device__ __forceinline__ std::uint64_t bits(Mask mine) { return ballot(mine); }
  static __device__ __forceinline__ U32 increment(Mask mine, U32 value) { return value + (mine ? 1 : 0); }
  static __device__ __forceinline__ U32 select(Mask mine, U32 yes, U32 no) { return mine ? yes : no; }

  static __device__ __forceinline__ void gather(const Bucket* buckets, U32 index, U32& interval, U32& beyond) {
    const Bucket bucket = buckets[index];
    interval = bucket.interval();
    beyond = bucket.beyond();
  }

  static __device__ __forceinline__ U32 take(Mask mine, WordReader& words) {
    const unsigned lanes = ballot(mine), before = rank(lanes);
    const std::size_t left = words.at < words.end ? words.left() : 0;
    const U32 word = mine && before < left ? load_word(words.at + kWordBytes * before) : 0;
    words.at += kWordBytes * static_cast<unsigned>(__popc(lanes));
    return word;
  }

  static __device__ __forceinline__ void shed(Mask mine, U32 state, std::uint16_t*& at) {
    const unsigned lanes = ballot(mine);
    at -= __popc(lanes);
    if (mine) at[rank(lanes)] = static_cast<std::uint16_t>(state);
  }

  // Between two barriers: nobody reads what is not yet there, or no longer.
  template <class T>
  static __device__ __forceinline__ void put(T* at, T value) {
    __syncwarp();
    if (lane() == 0) *at = value;
    __syncwarp();
  }
  static __device__ __forceinline__ void sync() { __syncwarp(); }

  static constexpr unsigned threads = kWarp;
  static __device__ __forceinline__ unsigned thread() { return lane(); }
  static __device__ __forceinline__ bool agreed(bool mine) { return __all_sync(kAll, mine) != 0; }
};

}  // namespace nvczoo::cuda
