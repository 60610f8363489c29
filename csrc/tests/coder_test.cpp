// Round trips without Python, for the sanitizers: every path, lane count, several parts, sub-streams and threads.
#include <cstdint>
#include <cstdio>
#include <vector>

#include "nvczoo/decoder.hpp"
#include "nvczoo/encoder.hpp"
#include "nvczoo/exact.hpp"
#include "nvczoo/grids.hpp"

namespace {

constexpr std::size_t kSizes[] = {0, 1, 7, 64, 1000, 20000};
constexpr std::size_t kRows = 3;

std::uint32_t next(std::uint64_t& state) {
  state = state * 6364136223846793005u + 1442695040888963407u;
  return static_cast<std::uint32_t>(state >> 32);
}

bool round_trip(const nvczoo::Tables& tables, unsigned lanes, unsigned streams, std::uint64_t seed) {
  const nvczoo::EncoderOptions options{lanes, streams, true, true, false, 2};
  std::vector<std::vector<std::int32_t>> symbols;
  std::vector<std::vector<std::uint16_t>> indexes;
  std::vector<nvczoo::Part> parts;
  for (const std::size_t size : kSizes) {
    symbols.emplace_back(size);
    indexes.emplace_back(size);
    for (std::size_t i = 0; i < size; ++i) {
      indexes.back()[i] = static_cast<std::uint16_t>(next(seed) % kRows);
      const std::uint32_t any = next(seed);
      symbols.back()[i] = next(seed) % 50 == 0 ? static_cast<std::int32_t>(any) : static_cast<std::int32_t>(any % 5) - 2;
    }
    parts.push_back({{symbols.back().data(), size}, indexes.back().data(), true, &tables});
  }
  const auto expected = nvczoo::encode(parts, options, nvczoo::kScalarKernels);
  for (const nvczoo::Kernels* kernels : nvczoo::kernels_here()) {
    const auto coded = nvczoo::encode(parts, options, *kernels);
    if (coded != expected) return false;
    nvczoo::Decoder decoder(coded, *kernels, 2);
    for (std::size_t part = 0; part < parts.size(); ++part) {
      std::vector<std::int32_t> out(symbols[part].size());
      decoder.decode(tables, std::span<const std::uint16_t>(indexes[part]), std::span<std::int32_t>(out));
      if (out != symbols[part]) return false;
    }
    decoder.finish();
  }
  return true;
}

// Odd sizes, two parts in and three out, what is added, and a warp that leaves the picture: alike on every path.
bool grids_agree(std::size_t pixels, std::size_t channels, unsigned threads) {
  const std::size_t count = pixels * channels;
  std::uint64_t seed = count;
  std::vector<float> parts(2 * count), added(count), flow(2 * pixels);
  for (auto* const floats : {&parts, &added, &flow})
    for (float& one : *floats) one = static_cast<float>(static_cast<std::int32_t>(next(seed))) / (1 << 16);
  const std::vector<double> scales = {1, 256}, gains(channels, 0.125), offsets(channels, -3), weights(4 * 8, 0.25);
  const std::vector<nvczoo::Rounding> roundings = {{1, 1, -32768, 32767, 1}, {0.01, 4, -32768, 32767, 1}};
  std::vector<float> expected, moved;
  for (const nvczoo::Kernels* kernels : nvczoo::kernels_here()) {
    std::vector<float> out(3 * count), fetched(count);
    nvczoo::run({.floats = parts, .doubles = {}, .scales = scales, .gains = gains, .offsets = offsets,
                 .roundings = roundings, .added = added, .added_rounding = roundings[1], .cuts = 3, .bits = 6, .out = out},
                *kernels, threads);
    const nvczoo::GridWarp warp{.pictures = 1, .height = 1, .width = pixels, .channels = channels, .pixels = nullptr,
                                .flow = nullptr, .out = nullptr, .weights = nullptr, .taps = 4, .first_tap = -1,
                                .subpixel = 3, .most_shift = 1 << 20, .rounding = roundings[0]};
    nvczoo::run(warp, {added, flow, weights, fetched}, *kernels, threads);
    if (expected.empty()) expected = out, moved = fetched;
    if (out != expected || fetched != moved) return false;
  }
  return true;
}

}  // namespace

int main() {
  const std::uint32_t cdfs[] = {0, 4000, 16000, 16384, 0, 1, 2, 3, 16384, 0, 5000, 10000, 16000, 16384};
  const std::int32_t sizes[kRows] = {3, 4, 4}, offsets[kRows] = {0, -2, -1};
  const nvczoo::Tables tables(cdfs, sizes, offsets, 14);
  for (unsigned lanes = 0; lanes <= nvczoo::kMaxLanes; lanes = lanes == 0 ? 1 : 2 * lanes)
    for (const unsigned streams : {0u, 1u, 3u})
      if (!round_trip(tables, lanes, streams, lanes + streams)) {
        std::printf("%u lanes, %u sub-streams: the symbols did not come back\n", lanes, streams);
        return 1;
      }
  if (nvczoo::exact_exp(1.0) != 0x1.5bf0a8b14576ap+1 || nvczoo::exact_log(10.0) != 0x1.26bb1bbb55516p+1) {
    std::printf("exp or log is not what it is elsewhere\n");
    return 1;
  }
  for (const std::size_t channels : {1, 7, 48, 1500})
    for (const std::size_t pixels : {0, 1, 13, 1031})
      for (const unsigned threads : {1, 2})
        if (!grids_agree(pixels, channels, threads)) {
          std::printf("%zu pixels of %zu channels are not the same on every path\n", pixels, channels);
          return 1;
        }
  std::printf("all came back\n");
  return 0;
}
