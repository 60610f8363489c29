// What kernels.cu offers to library.cpp, and what lies on the device between calls.
#pragma once

#include <cuda_runtime_api.h>

#include <cstdint>

#include "nvczoo/encode_stream.hpp"
#include "nvczoo/faults.hpp"
#include "nvczoo/stream_state.hpp"
#include "nvczoo/tables.hpp"

namespace nvczoo::cuda {

// A part whose arrays lie on the device.
struct DevicePart {
  const std::int32_t* symbols;
  const void* indexes;  // uint8 or (if wide) uint16
  std::uint64_t count;
  std::uint32_t wide;
  TableView tables;     // of pointers on the device
};

struct EncodedStream {
  StreamCounts counts;
  std::uint64_t first_word, words;  // where in the scratch, and how many
  std::uint32_t states[kMaxLanes];
  Fault fault;
};

cudaError_t decode(StreamState* streams, unsigned count, const TableView& tables, const void* indexes, bool wide,
                   std::int32_t* symbols, std::uint64_t length, cudaStream_t queue);
cudaError_t finish(const StreamState* streams, unsigned count, std::uint32_t* fault, cudaStream_t queue);
cudaError_t encode(EncodedStream* streams, unsigned count, const DevicePart* parts, unsigned part_count,
                   unsigned lanes, std::uint16_t* scratch, std::uint64_t words_each, cudaStream_t queue);

}  // namespace nvczoo::cuda
