// The loops of GridKernels, plain ones that a compiler makes vectors of: once for every backend, whose file says
// for which instructions. All is static, so that no other backend can be given this one's copy.
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>

#include "nvczoo/grid_kernels.hpp"
#include "nvczoo/platform.hpp"

namespace nvczoo {
namespace {

constexpr double kWhole = 0x1.8p52;   // doubles from here to 2**53 are whole: adding it rounds |x| < 2**51

NVCZOO_INLINE double nearest(double x) { return std::copysign((std::fabs(x) + kWhole) - kWhole, x); }

// NaN stays NaN, as it does in torch.
NVCZOO_INLINE double clamped(double x, double least, double most) {
  x = x < least ? least : x;
  return x > most ? most : x;
}

// Clamping first gives the same, the limits being integers, and keeps the number within reach of `nearest`.
NVCZOO_INLINE double settled(double x, const Rounding& to) {
  const double sloped = x * to.slope;
  x = sloped > x ? sloped : x;
  return nearest(clamped(x * to.scale, to.least, to.most)) * to.step;
}

template <class T>
void load(const GridPass& pass, const T* from, std::size_t size, double* numbers) {
  for (std::size_t i = 0; i < size; ++i) numbers[i] = from[i] * pass.scales[0];
  for (std::size_t part = 1; part < pass.parts; ++part) {
    const T* more = from + part * pass.count;
    const double scale = pass.scales[part];
    for (std::size_t i = 0; i < size; ++i) numbers[i] += more[i] * scale;
  }
  if (pass.gains == nullptr) return;
  for (std::size_t i = 0; i < size; ++i) numbers[i] = pass.offsets[i] + numbers[i] * pass.gains[i];
}

void settle(const Rounding& rounding, std::size_t size, double* numbers) {
  const Rounding to = rounding;  // a copy: nothing that is written could change it
  for (std::size_t i = 0; i < size; ++i) numbers[i] = settled(numbers[i], to);
}

void add(const float* more, const Rounding& rounding, std::size_t size, double* numbers) {
  const Rounding to = rounding;
  for (std::size_t i = 0; i < size; ++i) numbers[i] += settled(more[i], to);
}

void store(const GridPass& pass, std::size_t first, std::size_t size, double* numbers) {
  const double cut = pass.cut, uncut = 1 / cut;
  float* out = pass.out + first;
  for (std::size_t part = 1; part < pass.cuts; ++part, out += pass.count)
    for (std::size_t i = 0; i < size; ++i) {
      const double upper = nearest(numbers[i] * uncut);
      out[i] = static_cast<float>(numbers[i] - upper * cut);
      numbers[i] = upper;
    }
  for (std::size_t i = 0; i < size; ++i) out[i] = static_cast<float>(numbers[i]);
}

void run_pass(const GridPass& pass, std::size_t first, std::size_t last, double* numbers) {
  for (std::size_t start = first; start < last; start += pass.block) {
    const std::size_t size = last - start < pass.block ? last - start : pass.block;
    if (pass.floats != nullptr) load(pass, pass.floats + start, size, numbers);
    else load(pass, pass.doubles + start, size, numbers);
    for (std::size_t step = 0; step < pass.steps; ++step) {
      settle(pass.roundings[step], size, numbers);
      if (step == 0 && pass.added != nullptr) add(pass.added + start, pass.added_rounding, size, numbers);
    }
    store(pass, start, size, numbers);
  }
}

// A place on one axis: the pixel, and the sub-pixels beyond it.
struct Place {
  std::int32_t pixel, beyond;
};

// Two pixels outside of the picture all taps are at its border.
NVCZOO_INLINE Place place_of(const GridWarp& warp, float shift, std::size_t start, std::size_t size) {
  const double whole = static_cast<double>(std::int32_t{1} << warp.subpixel);
  double units = shift * whole;
  units = units > -warp.most_shift ? units : -warp.most_shift;  // NaN becomes the least, as torch has it on x86
  units = nearest(units < warp.most_shift ? units : warp.most_shift);
  const double place = clamped(static_cast<double>(start) * whole + units, -2 * whole,
                               (static_cast<double>(size) + 1) * whole);
  const auto at = static_cast<std::int32_t>(place);
  return {at >> warp.subpixel, at & ((std::int32_t{1} << warp.subpixel) - 1)};
}

NVCZOO_INLINE std::size_t inside(std::ptrdiff_t place, std::size_t size) {
  const auto last = static_cast<std::ptrdiff_t>(size) - 1;
  return static_cast<std::size_t>(place < 0 ? 0 : place > last ? last : place);
}

// One pixel of all channels; `from` and `weights` are of its taps.
template <std::size_t kTaps>
NVCZOO_INLINE void gather(const float* const* from, const double* weights, const Rounding& to, std::size_t channels,
                          float* out) {
  for (std::size_t channel = 0; channel < channels; ++channel) {
    double sum = 0;
    for (std::size_t tap = 0; tap < kTaps; ++tap) sum += from[tap][channel] * weights[tap];
    out[channel] = static_cast<float>(settled(sum, to));
  }
}

template <std::size_t kTaps>
void warp_row(const GridWarp& warp, std::size_t picture, std::size_t row) {
  const Rounding to = warp.rounding;
  const std::size_t channels = warp.channels, stride = std::size_t{1} << warp.subpixel;
  const float* pixels = warp.pixels + picture * warp.height * warp.width * channels;
  const std::size_t start = (picture * warp.height + row) * warp.width;
  for (std::size_t column = 0; column < warp.width; ++column) {
    const float* flow = warp.flow + 2 * (start + column);
    const Place x = place_of(warp, flow[0], column, warp.width), y = place_of(warp, flow[1], row, warp.height);
    const float* from[kTaps * kTaps];
    double weights[kTaps * kTaps];
    for (std::size_t down = 0; down < kTaps; ++down) {
      const std::size_t line = inside(y.pixel + warp.first_tap + static_cast<std::ptrdiff_t>(down), warp.height);
      const double weight = warp.weights[down * stride + static_cast<std::size_t>(y.beyond)];
      for (std::size_t across = 0; across < kTaps; ++across) {
        const std::size_t place = inside(x.pixel + warp.first_tap + static_cast<std::ptrdiff_t>(across), warp.width);
        from[down * kTaps + across] = pixels + (line * warp.width + place) * channels;
        weights[down * kTaps + across] = weight * warp.weights[across * stride + static_cast<std::size_t>(x.beyond)];
      }
    }
    gather<kTaps * kTaps>(from, weights, to, channels, warp.out + (start + column) * channels);
  }
}

void run_warp(const GridWarp& warp, std::size_t first, std::size_t last) {
  for (std::size_t row = first; row < last; ++row)
    if (warp.taps == 2) warp_row<2>(warp, row / warp.height, row % warp.height);
    else warp_row<4>(warp, row / warp.height, row % warp.height);
}

}  // namespace
}  // namespace nvczoo
