// Checks what a pass over numbers on grids is given, and shares it among threads.
#pragma once

#include <span>
#include <vector>

#include "nvczoo/grid_kernels.hpp"
#include "nvczoo/kernels.hpp"

namespace nvczoo {

// As GridPass, but with lengths. `gains` and `offsets` are of the channels, which come last; empty: none.
struct GridPassRequest {
  std::span<const float> floats;  // this or the next is empty
  std::span<const double> doubles;
  std::span<const double> scales, gains, offsets;
  std::span<const Rounding> roundings;
  std::span<const float> added;
  Rounding added_rounding;
  unsigned cuts, bits;
  std::span<float> out;
};

// Throws ShapeError for lengths that do not fit each other, SettingError for numbers beyond what is exact.
void run(const GridPassRequest& request, const Kernels& kernels, unsigned threads);

// The same for a warp; its arrays and their lengths.
struct GridWarpRequest {
  std::span<const float> pixels, flow;
  std::span<const double> weights;
  std::span<float> out;
};

void run(GridWarp warp, const GridWarpRequest& request, const Kernels& kernels, unsigned threads);

}  // namespace nvczoo
