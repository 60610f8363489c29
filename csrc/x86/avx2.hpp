// Eight lanes by AVX2: Intel since Haswell, AMD since Excavator.
#pragma once

#include <immintrin.h>

#include <array>
#include <bit>
#include <cstdint>

#include "nvczoo/format.hpp"
#include "nvczoo/platform.hpp"
#include "nvczoo/tables.hpp"
#include "nvczoo/words.hpp"

namespace nvczoo::avx2 {

inline constexpr unsigned kWidth = 8;

struct U32 {
  __m256i lanes;
};

NVCZOO_INLINE U32 operator+(U32 a, U32 b) { return {_mm256_add_epi32(a.lanes, b.lanes)}; }
NVCZOO_INLINE U32 operator-(U32 a, U32 b) { return {_mm256_sub_epi32(a.lanes, b.lanes)}; }
NVCZOO_INLINE U32 operator*(U32 a, U32 b) { return {_mm256_mullo_epi32(a.lanes, b.lanes)}; }
NVCZOO_INLINE U32 operator|(U32 a, U32 b) { return {_mm256_or_si256(a.lanes, b.lanes)}; }
NVCZOO_INLINE U32 operator&(U32 a, U32 b) { return {_mm256_and_si256(a.lanes, b.lanes)}; }
NVCZOO_INLINE U32 operator<<(U32 a, unsigned by) { return {_mm256_slli_epi32(a.lanes, static_cast<int>(by))}; }
NVCZOO_INLINE U32 operator>>(U32 a, unsigned by) { return {_mm256_srli_epi32(a.lanes, static_cast<int>(by))}; }

// For each mask of eight lanes, which lane goes where: `expand` spreads the first words over the lanes of the mask,
// `compress` brings the words of those lanes to the upper end.
struct Permutations {
  std::array<std::array<std::uint8_t, kWidth>, 1 << kWidth> expand{}, compress{};
};

constexpr Permutations make_permutations() {
  Permutations made;
  for (unsigned mask = 0; mask < 1 << kWidth; ++mask) {
    const auto unused = kWidth - static_cast<unsigned>(std::popcount(mask));
    unsigned taken = 0;
    for (unsigned lane = 0; lane < kWidth; ++lane) {
      if ((mask >> lane & 1) == 0) continue;
      made.expand[mask][lane] = static_cast<std::uint8_t>(taken);
      made.compress[mask][unused + taken] = static_cast<std::uint8_t>(lane);
      ++taken;
    }
  }
  return made;
}

inline constexpr Permutations kPermutations = make_permutations();

NVCZOO_INLINE __m256i permute(__m256i lanes, const std::array<std::uint8_t, kWidth>& order) {
  const __m128i bytes = _mm_loadl_epi64(reinterpret_cast<const __m128i*>(order.data()));
  return _mm256_permutevar8x32_epi32(lanes, _mm256_cvtepu8_epi32(bytes));
}

// Only sixteen registers: the compiler shall know constants as such, and may take them from memory.
NVCZOO_INLINE U32 constant(std::uint32_t value) { return {_mm256_set1_epi32(static_cast<int>(value))}; }

// Lanes as single integers: see avx512.hpp.
struct Singles {
  alignas(32) std::uint32_t lanes[kWidth];

  NVCZOO_INLINE explicit Singles(U32 value) {
    _mm256_store_si256(reinterpret_cast<__m256i*>(lanes), value.lanes);
    __asm__("" : "+m"(lanes));
  }
  NVCZOO_INLINE std::uint32_t operator[](unsigned lane) const { return lanes[lane]; }
};

// Returns a U32 of what `item(lane)` gives. Single loads: see avx512.hpp.
template <class Item>
NVCZOO_INLINE U32 collect(Item&& item) {
  const auto at = [&](unsigned lane) NVCZOO_INLINE_LAMBDA { return static_cast<int>(item(lane)); };
  return {_mm256_setr_epi32(at(0), at(1), at(2), at(3), at(4), at(5), at(6), at(7))};
}

struct Lanes {
  static constexpr unsigned width = kWidth;
  static constexpr bool kClamps = false;
  using U32 = avx2::U32;
  using Mask = __m256i;  // all ones or zero in each lane

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
    __m256 frequency;
    U32 whole_frequency, frequency_minus_1, bias, complement;

    // In float. The factor makes up for three roundings to nearest, so that the quotient (of at most 20 bits) is
    // never too large, and less than one too small: one correction does.
    NVCZOO_INLINE U32 divide(U32 state) const {
      const __m256 high = _mm256_cvtepi32_ps((state >> 16).lanes), low = _mm256_cvtepi32_ps((state & avx2::constant(0xffff)).lanes);
      const __m256 whole = _mm256_add_ps(_mm256_mul_ps(high, _mm256_set1_ps(65536.0f)), low);
      const __m256 ratio = _mm256_div_ps(_mm256_mul_ps(whole, _mm256_set1_ps(1.0f - 0x1p-22f)), frequency);
      const U32 quotient{_mm256_cvttps_epi32(ratio)};
      const U32 rest = state - quotient * whole_frequency;
      return quotient - U32{_mm256_cmpgt_epi32(rest.lanes, frequency_minus_1.lanes)};
    }
  };

  struct DivisorConstants {
    U32 low_half, one, total;
    NVCZOO_INLINE explicit DivisorConstants(unsigned precision)
        : low_half(avx2::constant(0xffff)), one(avx2::constant(1)), total(avx2::constant(1u << precision)) {}
  };

  static NVCZOO_INLINE Divisor divisor(const TableView& tables, U32 entry, const DivisorConstants& constants) {
    const Singles at(entry);
    const U32 interval = collect([&](unsigned lane) NVCZOO_INLINE_LAMBDA { return tables.intervals[at[lane]]; });
    const U32 start = interval & constants.low_half, minus_1 = (interval >> 16) - start;
    const U32 frequency = minus_1 + constants.one;
    return {_mm256_cvtepi32_ps(frequency.lanes), frequency, minus_1, start, constants.total - frequency};
  }

  static NVCZOO_INLINE U32 constant(std::uint32_t value) { return avx2::constant(value); }
  static NVCZOO_INLINE U32 load(const void* at) { return {_mm256_loadu_si256(static_cast<const __m256i*>(at))}; }
  static NVCZOO_INLINE void store(void* at, U32 value) { _mm256_storeu_si256(static_cast<__m256i*>(at), value.lanes); }
  static NVCZOO_INLINE U32 shift_right(U32 value, U32 by) { return {_mm256_srlv_epi32(value.lanes, by.lanes)}; }
  static NVCZOO_INLINE U32 signed_high_half(U32 value) { return {_mm256_srai_epi32(value.lanes, 16)}; }
  static NVCZOO_INLINE U32 minimum(U32 a, U32 b) { return {_mm256_min_epu32(a.lanes, b.lanes)}; }
  static NVCZOO_INLINE Mask equal(U32 a, U32 b) { return _mm256_cmpeq_epi32(a.lanes, b.lanes); }
  // Signed comparison of what is flipped in its highest bit is unsigned comparison.
  static NVCZOO_INLINE Mask exceeds(U32 a, U32 b) {
    const __m256i flip = _mm256_set1_epi32(static_cast<int>(0x80000000u));
    return _mm256_cmpgt_epi32(_mm256_xor_si256(a.lanes, flip), _mm256_xor_si256(b.lanes, flip));
  }
  static NVCZOO_INLINE Mask exceeds_not(U32 a, U32 b) {
    return _mm256_cmpeq_epi32(_mm256_max_epu32(a.lanes, b.lanes), b.lanes);
  }
  static NVCZOO_INLINE bool any(Mask mask) { return _mm256_testz_si256(mask, mask) == 0; }
  static NVCZOO_INLINE std::uint64_t bits(Mask mask) {
    return static_cast<unsigned>(_mm256_movemask_ps(_mm256_castsi256_ps(mask)));
  }
  static NVCZOO_INLINE U32 increment(Mask mask, U32 value) {
    return {_mm256_sub_epi32(value.lanes, mask)};
  }
  static NVCZOO_INLINE U32 select(Mask mask, U32 yes, U32 no) {
    return {_mm256_blendv_epi8(no.lanes, yes.lanes, mask)};
  }

  static NVCZOO_INLINE void gather(const Bucket* buckets, U32 index, U32& interval, U32& beyond) {
    const Singles at(index);
    const auto pair = [&](unsigned lane) NVCZOO_INLINE_LAMBDA {
      const __m128i first = _mm_loadl_epi64(reinterpret_cast<const __m128i*>(buckets + at[lane]));
      return _mm_castps_si128(
          _mm_loadh_pi(_mm_castsi128_ps(first), reinterpret_cast<const __m64*>(buckets + at[lane + 1])));
    };
    const auto every_other_pair = [&](unsigned lane) NVCZOO_INLINE_LAMBDA {
      return _mm256_castsi256_ps(
          _mm256_inserti128_si256(_mm256_castsi128_si256(pair(lane)), pair(lane + 4), 1));
    };
    const __m256 even = every_other_pair(0), odd = every_other_pair(2);  // lanes 0 1 4 5 and 2 3 6 7
    interval = {_mm256_castps_si256(_mm256_shuffle_ps(even, odd, 0x88))};
    beyond = {_mm256_castps_si256(_mm256_shuffle_ps(even, odd, 0xdd))};
  }

  static NVCZOO_INLINE U32 take(Mask mask, WordReader& words) {
    const auto lanes = static_cast<unsigned>(bits(mask));
    const __m256i next = _mm256_cvtepu16_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(words.at)));
    words.at += kWordBytes * static_cast<unsigned>(std::popcount(lanes));
    return {permute(next, kPermutations.expand[lanes])};
  }

  // Packs the words to the upper end of a vector, and stores all of it: what lies below is overwritten later.
  static NVCZOO_INLINE void shed(Mask mask, U32 state, std::uint16_t*& at) {
    const auto lanes = static_cast<unsigned>(bits(mask));
    const __m256i packed = permute((state & avx2::constant(0xffff)).lanes, kPermutations.compress[lanes]);
    const __m256i halves = _mm256_permute4x64_epi64(_mm256_packus_epi32(packed, packed), 0b1000);
    _mm_storeu_si128(reinterpret_cast<__m128i*>(at - width), _mm256_castsi256_si128(halves));
    at -= std::popcount(lanes);
  }

  template <class T>
  static NVCZOO_INLINE void put(T* at, T value) {
    *at = value;
  }
  static NVCZOO_INLINE void sync() {}
};

}  // namespace nvczoo::avx2
