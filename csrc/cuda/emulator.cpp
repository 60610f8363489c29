#include "cuda/emulator.hpp"

#include "nvczoo/dispatch.hpp"
#include "nvczoo/kernels.hpp"
#include "scalar/kernels.hpp"

namespace nvczoo {

using Emulated = Vectors<emulator::Warp, scalar::Rows>;

const Kernels kEmulatorKernels = {"emulator", Emulated::decode<std::uint8_t>, Emulated::decode<std::uint16_t>,
                                  Emulated::encode<std::uint8_t>, Emulated::encode<std::uint16_t>};

}  // namespace nvczoo
