// Sixteen lanes by AVX-512 (F, BW, DQ, VL): Intel since Skylake-SP, AMD since Zen 4.
#pragma once

#include <immintrin.h>

#include <bit>
#include <cstdint>

#include "nvczoo/format.hpp"
#include "nvczoo/platform.hpp"
#include "nvczoo/tables.hpp"
#include "nvczoo/words.hpp"

namespace nvczoo::avx512 {

struct U32 {
  __m512i lanes;
};

NVCZOO_INLINE U32 operator+(U32 a, U32 b) { return {_mm512_add_epi32(a.lanes, b.lanes)}; }
NVCZOO_INLINE U32 operator-(U32 a, U32 b) { return {_mm512_sub_epi32(a.lanes, b.lanes)}; }
NVCZOO_INLINE U32 operator*(U32 a, U32 b) { return {_mm512_mullo_epi32(a.lanes, b.lanes)}; }
NVCZOO_INLINE U32 operator|(U32 a, U32 b) { return {_mm512_or_si512(a.lanes, b.lanes)}; }
NVCZOO_INLINE U32 operator&(U32 a, U32 b) { return {_mm512_and_si512(a.lanes, b.lanes)}; }
NVCZOO_INLINE U32 operator<<(U32 a, unsigned by) { return {_mm512_slli_epi32(a.lanes, by)}; }
NVCZOO_INLINE U32 operator>>(U32 a, unsigned by) { return {_mm512_srli_epi32(a.lanes, by)}; }

NVCZOO_INLINE U32 load_indexes(const std::uint8_t* at) {
  return {_mm512_cvtepu8_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(at)))};
}
NVCZOO_INLINE U32 load_indexes(const std::uint16_t* at) {
  return {_mm512_cvtepu16_epi32(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(at)))};
}

// Returns a value that the compiler cannot make anew: it must keep it.
NVCZOO_INLINE U32 constant(std::uint32_t value) {
  __m512i lanes = _mm512_set1_epi32(static_cast<int>(value));
  __asm__("" : "+v"(lanes));
  return {lanes};
}

// Lanes as single integers, in memory: the compiler would rather take the vector apart, by four times the steps.
struct Singles {
  alignas(64) std::uint32_t lanes[16];

  NVCZOO_INLINE explicit Singles(U32 value) {
    _mm512_store_si512(lanes, value.lanes);
    __asm__("" : "+m"(lanes));
  }
  NVCZOO_INLINE std::uint32_t operator[](unsigned lane) const { return lanes[lane]; }
};

// Returns a U32 of what `item(lane)` gives. Single loads: gather instructions are slow on Zen 4, and on Intel since
// the microcode against Downfall.
template <class Item>
NVCZOO_INLINE U32 collect(Item&& item) {
  const auto four = [&](unsigned lane) NVCZOO_INLINE_LAMBDA {
    return _mm_setr_epi32(static_cast<int>(item(lane)), static_cast<int>(item(lane + 1)),
                          static_cast<int>(item(lane + 2)), static_cast<int>(item(lane + 3)));
  };
  const __m256i low = _mm256_inserti128_si256(_mm256_castsi128_si256(four(0)), four(4), 1);
  const __m256i high = _mm256_inserti128_si256(_mm256_castsi128_si256(four(8)), four(12), 1);
  return {_mm512_inserti64x4(_mm512_castsi256_si512(low), high, 1)};
}

struct Lanes {
  static constexpr unsigned width = 16;
  static constexpr bool kClamps = false;
  using U32 = avx512::U32;
  using Mask = __mmask16;

  template <bool kFew>
  struct Column {
    const std::uint32_t* items;
    explicit Column(const std::uint32_t* column) : items(column) {}
    template <class Index>
    NVCZOO_INLINE U32 operator()(const Index* indexes) const {
      return collect([&](unsigned lane) NVCZOO_INLINE_LAMBDA { return items[indexes[lane]]; });
    }
  };

  struct Divisor {
    __m512 frequency;
    U32 whole_frequency, frequency_minus_1, bias, complement;

    // In float, rounded down: less than one below the true quotient (of at most 20 bits), so one correction does.
    NVCZOO_INLINE U32 divide(U32 state) const {
      constexpr int kDown = _MM_FROUND_TO_ZERO | _MM_FROUND_NO_EXC;
      const __m512 ratio = _mm512_div_round_ps(_mm512_cvt_roundepu32_ps(state.lanes, kDown), frequency, kDown);
      const U32 quotient{_mm512_cvttps_epu32(ratio)};
      const U32 rest = state - quotient * whole_frequency;
      const __mmask16 more = _mm512_cmpgt_epu32_mask(rest.lanes, frequency_minus_1.lanes);
      return {_mm512_mask_sub_epi32(quotient.lanes, more, quotient.lanes, _mm512_set1_epi32(-1))};
    }
  };

  struct DivisorConstants {
    U32 low_half, one, total;
    NVCZOO_INLINE explicit DivisorConstants(unsigned precision)
        : low_half(avx512::constant(0xffff)), one(avx512::constant(1)), total(avx512::constant(1u << precision)) {}
  };

  static NVCZOO_INLINE Divisor divisor(const TableView& tables, U32 entry, const DivisorConstants& constants) {
    const Singles at(entry);
    const U32 interval = collect([&](unsigned lane) NVCZOO_INLINE_LAMBDA { return tables.intervals[at[lane]]; });
    const U32 start = interval & constants.low_half, minus_1 = (interval >> 16) - start;
    const U32 frequency = minus_1 + constants.one;
    return {_mm512_cvtepi32_ps(frequency.lanes), frequency, minus_1, start, constants.total - frequency};
  }

  static NVCZOO_INLINE U32 constant(std::uint32_t value) { return avx512::constant(value); }
  static NVCZOO_INLINE U32 load(const void* at) { return {_mm512_loadu_si512(at)}; }
  static NVCZOO_INLINE void store(void* at, U32 value) { _mm512_storeu_si512(at, value.lanes); }
  static NVCZOO_INLINE U32 shift_right(U32 value, U32 by) { return {_mm512_srlv_epi32(value.lanes, by.lanes)}; }
  static NVCZOO_INLINE U32 signed_high_half(U32 value) { return {_mm512_srai_epi32(value.lanes, 16)}; }
  static NVCZOO_INLINE U32 minimum(U32 a, U32 b) { return {_mm512_min_epu32(a.lanes, b.lanes)}; }
  static NVCZOO_INLINE Mask exceeds(U32 a, U32 b) { return _mm512_cmpgt_epu32_mask(a.lanes, b.lanes); }
  static NVCZOO_INLINE Mask equal(U32 a, U32 b) { return _mm512_cmpeq_epi32_mask(a.lanes, b.lanes); }
  static NVCZOO_INLINE Mask exceeds_not(U32 a, U32 b) { return _mm512_cmple_epu32_mask(a.lanes, b.lanes); }
  static NVCZOO_INLINE bool any(Mask mask) { return mask != 0; }
  static NVCZOO_INLINE std::uint64_t bits(Mask mask) { return mask; }
  static NVCZOO_INLINE U32 increment(Mask mask, U32 value) {
    return {_mm512_mask_sub_epi32(value.lanes, mask, value.lanes, _mm512_set1_epi32(-1))};
  }
  static NVCZOO_INLINE U32 select(Mask mask, U32 yes, U32 no) {
    return {_mm512_mask_blend_epi32(mask, no.lanes, yes.lanes)};
  }

  static NVCZOO_INLINE void gather(const Bucket* buckets, U32 index, U32& interval, U32& beyond) {
    const Singles at(index);
    const auto pair = [&](unsigned lane) NVCZOO_INLINE_LAMBDA {
      const __m128i first = _mm_loadl_epi64(reinterpret_cast<const __m128i*>(buckets + at[lane]));
      return _mm_castps_si128(
          _mm_loadh_pi(_mm_castsi128_ps(first), reinterpret_cast<const __m64*>(buckets + at[lane + 1])));
    };
    const auto every_other_pair = [&](unsigned lane) NVCZOO_INLINE_LAMBDA {
      const __m256i low = _mm256_inserti128_si256(_mm256_castsi128_si256(pair(lane)), pair(lane + 4), 1);
      const __m256i high = _mm256_inserti128_si256(_mm256_castsi128_si256(pair(lane + 8)), pair(lane + 12), 1);
      return _mm512_castsi512_ps(_mm512_inserti64x4(_mm512_castsi256_si512(low), high, 1));
    };
    const __m512 even = every_other_pair(0), odd = every_other_pair(2);  // lanes 0 1 4 5 8 9 ..., 2 3 6 7 10 11 ...
    interval = {_mm512_castps_si512(_mm512_shuffle_ps(even, odd, 0x88))};
    beyond = {_mm512_castps_si512(_mm512_shuffle_ps(even, odd, 0xdd))};
  }

  static NVCZOO_INLINE U32 take(Mask mask, WordReader& words) {
    const __m256i next = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(words.at));
    words.at += kWordBytes * static_cast<unsigned>(std::popcount(static_cast<unsigned>(mask)));
    return {_mm512_maskz_expand_epi32(mask, _mm512_cvtepu16_epi32(next))};
  }

  // Packs the words to the upper end of a vector, and stores all of it: what lies below is overwritten later.
  static NVCZOO_INLINE void shed(Mask mask, U32 state, std::uint16_t*& at) {
    const auto count = static_cast<unsigned>(std::popcount(static_cast<unsigned>(mask)));
    const __m512i lane = _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
    const __m512i rotated = _mm512_add_epi32(lane, _mm512_set1_epi32(static_cast<int>(count)));
    const __m512i packed = _mm512_permutexvar_epi32(rotated, _mm512_maskz_compress_epi32(mask, state.lanes));
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(at - width), _mm512_cvtepi32_epi16(packed));
    at -= count;
  }

  template <class T>
  static NVCZOO_INLINE void put(T* at, T value) {
    *at = value;
  }
  static NVCZOO_INLINE void sync() {}
};

// Few rows fit four registers.
template <>
struct Lanes::Column<true> {
  __m512i items[4];

  explicit NVCZOO_INLINE Column(const std::uint32_t* column)
      : items{_mm512_loadu_si512(column), _mm512_loadu_si512(column + 16), _mm512_loadu_si512(column + 32),
              _mm512_loadu_si512(column + 48)} {}

  template <class Index>
  NVCZOO_INLINE U32 operator()(const Index* indexes) const {
    const __m512i index = load_indexes(indexes).lanes;
    const __m512i low = _mm512_permutex2var_epi32(items[0], index, items[1]);
    const __m512i high = _mm512_permutex2var_epi32(items[2], index, items[3]);
    return {_mm512_mask_blend_epi32(_mm512_test_epi32_mask(index, _mm512_set1_epi32(32)), low, high)};
  }
};

}  // namespace nvczoo::avx512
