// The scalar kernels, for those that hand them rows too narrow for vectors.
#pragma once

#include <cstddef>
#include <cstdint>

#include "nvczoo/kernels.hpp"

namespace nvczoo::scalar {

struct Rows {
  // Rows of `stream.lanes`, all of one stage.
  static void decode(StreamState& stream, const TableView& tables, const std::uint8_t* indexes, std::int32_t* symbols,
                     std::size_t count);
  static void decode(StreamState& stream, const TableView& tables, const std::uint16_t* indexes,
                     std::int32_t* symbols, std::size_t count);

  static void encode(std::uint32_t* states, std::size_t lanes, const TableView& tables, const std::uint8_t* indexes,
                     const std::int32_t* symbols, std::size_t count, WordWriter& words) {
    kScalarKernels.encode_narrow(states, lanes, tables, indexes, symbols, count, words);
  }
  static void encode(std::uint32_t* states, std::size_t lanes, const TableView& tables, const std::uint16_t* indexes,
                     const std::int32_t* symbols, std::size_t count, WordWriter& words) {
    kScalarKernels.encode_wide(states, lanes, tables, indexes, symbols, count, words);
  }
};

}  // namespace nvczoo::scalar
