#include "nvczoo/grids.hpp"

#include <algorithm>
#include <cmath>
#include <string>

#include "nvczoo/errors.hpp"
#include "nvczoo/threads.hpp"

namespace nvczoo {
namespace {

constexpr std::size_t kBlock = 1024;         // two of them, and what they come from, stay in the first cache
constexpr std::size_t kShare = 1 << 16;      // numbers that are worth waking a thread for
constexpr double kMostInteger = 1 << 30;     // grids end below it, and `nearest` rounds up to there and far beyond
constexpr unsigned kMostBits = 24;           // of a part
constexpr std::size_t kMostSide = 1 << 20;   // of a picture
constexpr unsigned kMostSubpixel = 10;       // so that places are below 2**31
constexpr double kMostShift = 1 << 30;

void check(const Rounding& one) {
  const bool finite = std::isfinite(one.slope) && std::isfinite(one.scale) && std::isfinite(one.step);
  const bool whole = one.least == std::trunc(one.least) && one.most == std::trunc(one.most);
  if (!finite || !whole || !(-kMostInteger <= one.least && one.least <= one.most && one.most <= kMostInteger))
    throw SettingError("a rounding needs finite factors, and integers within +-2**30 as its ends");
}

void fits(bool right, const char* what, std::size_t given, std::size_t expected) {
  if (!right)
    throw ShapeError(std::string(what) + ": " + std::to_string(given) + " items were given where " +
                     std::to_string(expected) + " belong");
}

// Returns how many numbers each part has.
std::size_t checked_count(const GridPassRequest& request) {
  const std::size_t parts = request.scales.size(), size = request.floats.size() + request.doubles.size();
  if (parts < 1 || parts > kMaxParts || request.cuts < 1 || request.cuts > kMaxParts)
    throw SettingError("from 1 to " + std::to_string(kMaxParts) + " parts come in, and as many leave");
  if (request.bits < 1 || request.bits > kMostBits)
    throw SettingError("a part has 1 to " + std::to_string(kMostBits) + " bits");
  if (request.roundings.size() > kMaxRoundings)
    throw SettingError("a pass has up to " + std::to_string(kMaxRoundings) + " roundings");
  if (!request.added.empty() && request.roundings.empty())
    throw SettingError("what is added comes behind the first rounding, and there is none");
  std::for_each(request.roundings.begin(), request.roundings.end(), check);
  check(request.added_rounding);
  const std::size_t count = size / parts, channels = request.gains.size();
  fits(size == count * parts, "what comes in", size, count * parts);
  fits(request.out.size() == count * request.cuts, "out", request.out.size(), count * request.cuts);
  fits(request.added.empty() || request.added.size() == count, "added", request.added.size(), count);
  fits(request.offsets.size() == channels, "offsets", request.offsets.size(), channels);
  fits(channels == 0 || count % channels == 0, "gains", channels, count);
  return count;
}

// Repeats channels until they fill a block.
std::vector<double> tiled(std::span<const double> channels, std::size_t block) {
  std::vector<double> all;
  if (channels.empty()) return all;
  all.reserve(block);
  while (all.size() < block) all.insert(all.end(), channels.begin(), channels.end());
  return all;
}

}  // namespace

void run(const GridPassRequest& request, const Kernels& kernels, unsigned threads) {
  const std::size_t count = checked_count(request), channels = std::max<std::size_t>(request.gains.size(), 1);
  if (count == 0) return;
  const std::size_t block = channels * std::max<std::size_t>(kBlock / channels, 1);
  const auto gains = tiled(request.gains, block), offsets = tiled(request.offsets, block);
  GridPass pass{.count = count,
                .floats = request.floats.empty() ? nullptr : request.floats.data(),
                .doubles = request.doubles.empty() ? nullptr : request.doubles.data(),
                .parts = request.scales.size(),
                .scales = {},
                .gains = gains.empty() ? nullptr : gains.data(),
                .offsets = offsets.empty() ? nullptr : offsets.data(),
                .block = block,
                .roundings = {},
                .steps = request.roundings.size(),
                .added = request.added.empty() ? nullptr : request.added.data(),
                .added_rounding = request.added_rounding,
                .out = request.out.data(),
                .cuts = request.cuts,
                .cut = std::ldexp(1.0, static_cast<int>(request.bits))};
  std::copy(request.scales.begin(), request.scales.end(), pass.scales);
  std::copy(request.roundings.begin(), request.roundings.end(), pass.roundings);
  const std::size_t share_size = block * std::max<std::size_t>(kShare / block, 1);
  share((count + share_size - 1) / share_size, threads, [&](std::size_t number) {
    std::vector<double> room(2 * block);
    const std::size_t first = number * share_size;
    kernels.grids->pass(pass, first, std::min(count, first + share_size), room.data());
  });
}

void run(GridWarp warp, const GridWarpRequest& request, const Kernels& kernels, unsigned threads) {
  if (warp.height > kMostSide || warp.width > kMostSide || warp.subpixel > kMostSubpixel ||
      !(warp.most_shift >= 0 && warp.most_shift <= kMostShift) || warp.most_shift != std::trunc(warp.most_shift))
    throw SettingError("a warp has sides up to 2**20, up to 10 bits of sub-pixels, and shifts up to 2**30 of them");
  if (warp.taps != 2 && warp.taps != kMaxTaps) throw SettingError("a warp has two or four taps");
  if (warp.first_tap > 0 || warp.first_tap <= -static_cast<std::ptrdiff_t>(warp.taps))
    throw SettingError("one of a warp's taps is the pixel itself");
  check(warp.rounding);
  const std::size_t places = warp.pictures * warp.height * warp.width;
  fits(request.pixels.size() == places * warp.channels, "pixels", request.pixels.size(), places * warp.channels);
  fits(request.out.size() == places * warp.channels, "out", request.out.size(), places * warp.channels);
  fits(request.flow.size() == 2 * places, "flow", request.flow.size(), 2 * places);
  fits(request.weights.size() == warp.taps << warp.subpixel, "weights", request.weights.size(),
       warp.taps << warp.subpixel);
  warp.pixels = request.pixels.data();
  warp.flow = request.flow.data();
  warp.weights = request.weights.data();
  warp.out = request.out.data();
  if (request.out.empty()) return;
  const std::size_t rows = warp.pictures * warp.height;
  const std::size_t share_size = std::max<std::size_t>(kShare / (warp.width * warp.channels), 1);
  share((rows + share_size - 1) / share_size, threads, [&](std::size_t number) {
    const std::size_t first = number * share_size;
    kernels.grids->warp(warp, first, std::min(rows, first + share_size));
  });
}

}  // namespace nvczoo
