#include "python/grids.hpp"

#include <pybind11/stl.h>

#include <array>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "nvczoo/grids.hpp"
#include "python/buffers.hpp"

namespace nvczoo::python {
namespace {

using Factors = std::array<double, 5>;  // slope, scale, least, most, step

Rounding rounding_of(const Factors& factors) {
  return {factors[0], factors[1], factors[2], factors[3], factors[4]};
}

// A buffer that may be left out, and what it holds.
template <class T>
class Lent {
 public:
  Lent(const std::optional<py::buffer>& buffer, const char* kinds, const char* name) {
    if (!buffer) return;
    info_ = buffer->request();
    values_ = view<T>(info_, kinds, name);
  }
  std::span<const T> values() const { return values_; }

 private:
  py::buffer_info info_;
  std::span<const T> values_;
};

void grid_pass(const py::buffer& source, const py::buffer& out, const std::vector<Factors>& roundings,
               const std::vector<double>& scales, const std::optional<py::buffer>& gains,
               const std::optional<py::buffer>& offsets, const std::optional<py::buffer>& added,
               const Factors& added_rounding, unsigned cuts, unsigned bits, unsigned threads,
               const std::string& path) {
  const Kernels& kernels = find_kernels(path);
  const py::buffer_info from = source.request(), to = out.request(true);
  const Lent<double> gain(gains, kDouble, "gains"), offset(offsets, kDouble, "offsets");
  const Lent<float> more(added, kFloat, "added");
  std::vector<Rounding> steps;
  for (const Factors& one : roundings) steps.push_back(rounding_of(one));
  const bool wide = from.itemsize == sizeof(double);
  const GridPassRequest request{
      .floats = wide ? std::span<const float>() : view<float>(from, kFloat, "source"),
      .doubles = wide ? view<double>(from, kDouble, "source") : std::span<const double>(),
      .scales = scales,
      .gains = gain.values(),
      .offsets = offset.values(),
      .roundings = steps,
      .added = more.values(),
      .added_rounding = rounding_of(added_rounding),
      .cuts = cuts,
      .bits = bits,
      .out = writable_view<float>(to, kFloat, "out")};
  const py::gil_scoped_release unlocked;
  run(request, kernels, threads);
}

void grid_warp(const py::buffer& pixels, const py::buffer& flow, const py::buffer& weights, const py::buffer& out,
               std::ptrdiff_t first_tap, double most_shift, const Factors& rounding, unsigned threads,
               const std::string& path) {
  const Kernels& kernels = find_kernels(path);
  const py::buffer_info from = pixels.request(), by = flow.request(), table = weights.request(),
                        to = out.request(true);
  if (from.ndim != 4 || table.ndim != 2) throw ShapeError("pixels are [B, H, W, C], weights [taps, sub-pixels]");
  const auto side = [](py::ssize_t size) { return static_cast<std::size_t>(size); };
  unsigned subpixel = 0;
  while (subpixel < 31 && (py::ssize_t{1} << subpixel) < table.shape[1]) ++subpixel;
  const GridWarp warp{.pictures = side(from.shape[0]),
                      .height = side(from.shape[1]),
                      .width = side(from.shape[2]),
                      .channels = side(from.shape[3]),
                      .pixels = nullptr,
                      .flow = nullptr,
                      .out = nullptr,
                      .weights = nullptr,
                      .taps = side(table.shape[0]),
                      .first_tap = first_tap,
                      .subpixel = subpixel,
                      .most_shift = most_shift,
                      .rounding = rounding_of(rounding)};
  const GridWarpRequest request{view<float>(from, kFloat, "pixels"), view<float>(by, kFloat, "flow"),
                                view<double>(table, kDouble, "weights"), writable_view<float>(to, kFloat, "out")};
  const py::gil_scoped_release unlocked;
  run(warp, request, kernels, threads);
}

}  // namespace

void define_grids(py::module_& module) {
  using namespace py::literals;
  module.def("grid_pass", &grid_pass, "source"_a, "out"_a, "roundings"_a, "scales"_a = std::vector<double>{1.0},
             "gains"_a = std::nullopt, "offsets"_a = std::nullopt, "added"_a = std::nullopt,
             "added_rounding"_a = Factors{1, 1, 0, 0, 1}, "cuts"_a = 1, "bits"_a = 1, "threads"_a = 1, "path"_a = "");
  module.def("grid_warp", &grid_warp, "pixels"_a, "flow"_a, "weights"_a, "out"_a, "first_tap"_a, "most_shift"_a,
             "rounding"_a, "threads"_a = 1, "path"_a = "");
}

}  // namespace nvczoo::python
