#include "nvczoo/kernels.hpp"

#include <cstdlib>
#include <string>
#include <vector>

#include "nvczoo/errors.hpp"

namespace nvczoo {
namespace {

constexpr const char* kVariable = "NVCZOO_CODER";

std::vector<const Kernels*> find_all() {
  std::vector<const Kernels*> found;
#ifdef NVCZOO_X86
  __builtin_cpu_init();
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
      __builtin_cpu_supports("avx512vl"))
    found.push_back(&kAvx512Kernels);
  if (__builtin_cpu_supports("avx2")) found.push_back(&kAvx2Kernels);
#endif
  found.push_back(&kScalarKernels);
  found.push_back(&kEmulatorKernels);
  return found;
}

}  // namespace

std::span<const Kernels* const> kernels_here() {
  static const std::vector<const Kernels*> found = find_all();
  return found;
}

const Kernels& find_kernels(std::string_view name) {
  const char* wanted = std::getenv(kVariable);
  const bool from_environment = name.empty() && wanted != nullptr;
  if (from_environment) name = wanted;
  if (name.empty()) return *kernels_here().front();
  std::string known;
  for (const Kernels* kernels : kernels_here()) {
    if (kernels->name == name) return *kernels;
    known += (known.empty() ? "" : ", ") + std::string(kernels->name);
  }
  throw SettingError((from_environment ? std::string(kVariable) + " asks" : std::string("You ask")) +
                     " for the coder's path '" + std::string(name) + "'; this processor and build have: " + known);
}

}  // namespace nvczoo
