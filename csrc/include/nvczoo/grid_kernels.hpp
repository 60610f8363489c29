// Passes over numbers on grids: what stands between the convolutions of a portable network (docs/portable.md).
//
// In double, all that is computed here is exact but the rounding to a grid, which IEEE 754 defines. So every
// backend returns the same bits, and they are those of the operations of torch that each pass stands for.
#pragma once

#include <cstddef>
#include <cstdint>

namespace nvczoo {

inline constexpr std::size_t kMaxParts = 3;      // of an input, nvczoo/portable/bounds.py
inline constexpr std::size_t kMaxRoundings = 3;  // of one pass
inline constexpr std::size_t kMaxTaps = 4;       // of a warp, in each direction

// Makes clamp(round(scale * max(x, slope * x)), least, most) * step of x; ties go to the even integer.
struct Rounding {
  double slope, scale, least, most, step;
};

// Parts in, parts out. The parts of a number add up to it: x = sum over i of part[i] * scale[i].
struct GridPass {
  std::size_t count;       // of numbers
  const float* floats;     // [parts, count]
  const double* doubles;   // the same, for what came in this type; the other is null
  std::size_t parts;
  double scales[kMaxParts];
  const double* gains;     // [block], null: 1 for all. What a number is multiplied by when it is read,
  const double* offsets;   // [block], and what is added then; the same in each block, which holds whole pixels
  std::size_t block;       // numbers that are worked on at a time
  Rounding roundings[kMaxRoundings];
  std::size_t steps;       // roundings, in this order
  const float* added;      // [count] or null; added behind the first rounding, itself rounded before that
  Rounding added_rounding;
  float* out;              // [cuts, count], the lowest bits first
  std::size_t cuts;
  double cut;              // 2**bits of all parts but the last
};

// out(p) = sum over taps of weights * pixels(p + flow(p) + tap), clamped to the picture; all channels last.
struct GridWarp {
  std::size_t pictures, height, width, channels;
  const float* pixels;    // [B, H, W, C], integers of few bits
  const float* flow;      // [B, H, W, 2]: pixels to the right, down
  float* out;             // [B, H, W, C]
  const double* weights;  // [taps, 2**subpixel]: for each place between two pixels
  std::size_t taps;
  std::ptrdiff_t first_tap;
  unsigned subpixel;
  double most_shift;      // in sub-pixels; flows beyond are clamped
  Rounding rounding;
};

struct GridKernels {
  // Runs numbers `first` to `last`; `first` is a multiple of the block. `room` has space for two blocks.
  void (*pass)(const GridPass&, std::size_t first, std::size_t last, double* room);
  // Fills rows `first` to `last` of pictures * height.
  void (*warp)(const GridWarp&, std::size_t first, std::size_t last);
};

extern const GridKernels kScalarGridKernels;
extern const GridKernels kAvx2GridKernels;  // only where the build has them: x86_64, and not MSVC
extern const GridKernels kAvx512GridKernels;

}  // namespace nvczoo
