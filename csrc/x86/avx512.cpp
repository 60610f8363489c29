#include "x86/avx512.hpp"

#include "nvczoo/dispatch.hpp"
#include "nvczoo/kernels.hpp"
#include "scalar/kernels.hpp"

namespace nvczoo {

using Avx512 = Vectors<avx512::Lanes, scalar::Rows>;

const Kernels kAvx512Kernels = {"avx512", Avx512::decode<std::uint8_t>, Avx512::decode<std::uint16_t>,
                                Avx512::encode<std::uint8_t>, Avx512::encode<std::uint16_t>, &kAvx512GridKernels};

}  // namespace nvczoo
