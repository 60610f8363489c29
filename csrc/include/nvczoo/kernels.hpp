// The loops over symbols in the machine code that suits this processor.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "nvczoo/grid_kernels.hpp"
#include "nvczoo/stream_state.hpp"
#include "nvczoo/tables.hpp"
#include "nvczoo/words.hpp"

namespace nvczoo {

// All kernels write the same bytes, and read what any of them wrote.
struct Kernels {
  template <class Index>
  using Decode = void (*)(StreamState&, const TableView&, const Index* indexes, std::int32_t* symbols,
                          std::size_t count);
  template <class Index>
  using Encode = void (*)(std::uint32_t* states, std::size_t lanes, const TableView&, const Index* indexes,
                          const std::int32_t* symbols, std::size_t count, WordWriter&);

  const char* name;
  Decode<std::uint8_t> decode_narrow;
  Decode<std::uint16_t> decode_wide;
  Encode<std::uint8_t> encode_narrow;
  Encode<std::uint16_t> encode_wide;
  const GridKernels* grids;

  void decode(StreamState& stream, const TableView& tables, const std::uint8_t* indexes, std::int32_t* symbols,
              std::size_t count) const {
    decode_narrow(stream, tables, indexes, symbols, count);
  }
  void decode(StreamState& stream, const TableView& tables, const std::uint16_t* indexes, std::int32_t* symbols,
              std::size_t count) const {
    decode_wide(stream, tables, indexes, symbols, count);
  }
};

extern const Kernels kScalarKernels;
extern const Kernels kAvx2Kernels;    // only where the build has them: x86_64, and not MSVC
extern const Kernels kAvx512Kernels;
extern const Kernels kEmulatorKernels;  // CUDA's warps, acted out on the CPU to be tested

// Those that run here, the fastest first; then the emulator.
std::span<const Kernels* const> kernels_here();

// Returns those of that name; for an empty one, those that NVCZOO_CODER in the environment names, else the fastest.
const Kernels& find_kernels(std::string_view name = {});

}  // namespace nvczoo
