// What the same code needs to be called on a CPU and within a CUDA kernel.
#pragma once

#include <bit>
#include <cstdint>
#include <type_traits>

// Kernels are compiled with flags of their own. A function they share with the rest must be inlined: as a symbol
// of its own, the linker might take the copy with instructions that this processor lacks.
#if defined(__CUDACC__)
#define NVCZOO_INLINE __host__ __device__ __forceinline__
#elif defined(_MSC_VER)
#define NVCZOO_INLINE __forceinline
#else
#define NVCZOO_INLINE inline __attribute__((always_inline))
#endif

#if defined(__GNUC__)
#define NVCZOO_INLINE_LAMBDA __attribute__((always_inline))
#else
#define NVCZOO_INLINE_LAMBDA
#endif

namespace nvczoo {

// Calls `call(0)` to `call(kCount - 1)`, the number known when compiling: so that arrays become registers.
template <unsigned kFrom = 0, unsigned kCount, class Call>
NVCZOO_INLINE void unrolled(std::integral_constant<unsigned, kCount> count, Call&& call) {
  if constexpr (kFrom < kCount) {
    call(std::integral_constant<unsigned, kFrom>{});
    unrolled<kFrom + 1>(count, call);
  }
}

template <unsigned kCount>
inline constexpr std::integral_constant<unsigned, kCount> kTimes{};

NVCZOO_INLINE unsigned lowest_bit(std::uint64_t bits) {
#if defined(__CUDA_ARCH__)
  return static_cast<unsigned>(__ffsll(static_cast<long long>(bits))) - 1;
#else
  return static_cast<unsigned>(std::countr_zero(bits));
#endif
}

NVCZOO_INLINE unsigned highest_bit(std::uint64_t bits) {
#if defined(__CUDA_ARCH__)
  return 63 - static_cast<unsigned>(__clzll(static_cast<long long>(bits)));
#else
  return 63 - static_cast<unsigned>(std::countl_zero(bits));
#endif
}

}  // namespace nvczoo
