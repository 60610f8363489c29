// What the build has everywhere.
#include "nvczoo/grid_loops.hpp"

namespace nvczoo {

const GridKernels kScalarGridKernels = {run_pass, run_warp};

}  // namespace nvczoo
