#include "x86/avx2.hpp"

#include "nvczoo/dispatch.hpp"
#include "nvczoo/kernels.hpp"
#include "scalar/kernels.hpp"

namespace nvczoo {

using Avx2 = Vectors<avx2::Lanes, scalar::Rows>;

const Kernels kAvx2Kernels = {"avx2", Avx2::decode<std::uint8_t>, Avx2::decode<std::uint16_t>,
                              Avx2::encode<std::uint8_t>, Avx2::encode<std::uint16_t>, &kAvx2GridKernels};

}  // namespace nvczoo
