// What a device does, and what lies on it between calls. kernels.cu does it by warps, emulator.cpp by the emulator of
// one. All is asynchronous and allocates nothing; pointers are of the device. Returns a cudaError_t, 0 if all is well.
#pragma once

#include <cstdint>

#include "nvczoo/encode_stream.hpp"
#include "nvczoo/faults.hpp"
#include "nvczoo/stream_state.hpp"
#include "nvczoo/tables.hpp"

namespace nvczoo::cuda {

using Queue = void*;  // a cudaStream_t

struct DevicePart {
  const std::int32_t* symbols;
  const void* indexes;  // uint8 or (if wide) uint16
  std::uint64_t count;
  std::uint32_t wide;
  TableView tables;
};

struct EncodedStream {
  StreamCounts counts;
  std::uint64_t first_word, words;  // where in the scratch, and how many
  std::uint32_t states[kMaxLanes];
  Fault fault;
};

int count_devices(int& count);
const char* describe(int error);

// The next `length` symbols, shared by all streams.
int decode(StreamState* streams, unsigned count, const TableView& tables, const void* indexes, bool wide,
           std::int32_t* symbols, std::uint64_t length, Queue queue);
// Sets `fault`, which must be 0, to one of the streams' if any has one.
int finish(StreamState* streams, unsigned count, std::uint32_t* fault, Queue queue);
// Each stream writes its words at the end of `words_each` of the scratch.
int encode(EncodedStream* streams, unsigned count, const DevicePart* parts, unsigned part_count, unsigned lanes,
           std::uint16_t* scratch, std::uint64_t words_each, Queue queue);
// Brings the words of all streams together, without gaps.
int gather(const EncodedStream* streams, unsigned count, const std::uint16_t* scratch, std::uint16_t* words,
           Queue queue);

}  // namespace nvczoo::cuda
