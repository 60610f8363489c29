// Compiled for AVX-512.
#include "nvczoo/grid_loops.hpp"

namespace nvczoo {

const GridKernels kAvx512GridKernels = {run_pass, run_warp};

}  // namespace nvczoo
