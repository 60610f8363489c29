// Compiled for AVX2.
#include "nvczoo/grid_loops.hpp"

namespace nvczoo {

const GridKernels kAvx2GridKernels = {run_pass, run_warp};

}  // namespace nvczoo
