// A warp decodes or encodes a sub-stream. All is asynchronous, allocates nothing, and can be captured in a graph;
// faults stay in the streams, on the device, until they are asked for.
#include <cuda_runtime_api.h>

#include <cstdint>

#include "cuda/bodies.hpp"
#include "cuda/interface.hpp"
#include "cuda/warp.cuh"

namespace nvczoo::cuda {
namespace {

constexpr unsigned kWarpsPerBlock = 4;

__device__ unsigned warp_number() { return blockIdx.x * kWarpsPerBlock + threadIdx.x / kWarp; }

// Lanes' states in shared memory, for threads to exchange; a warp each.
__device__ std::uint32_t* shared_states() {
  __shared__ std::uint32_t states[kWarpsPerBlock][kMaxLanes];
  return states[threadIdx.x / kWarp];
}

template <class Index>
__global__ void decode_kernel(StreamState* streams, unsigned count, TableView tables, const Index* indexes,
                              std::int32_t* symbols, std::uint64_t length) {
  const unsigned number = warp_number();
  if (number >= count) return;
  std::uint32_t* states = shared_states();
  StreamPosition stream = streams[number];  // each thread's own, and the same in all
  for (unsigned lane = Warp::thread(); lane < kMaxLanes; lane += kWarp) states[lane] = streams[number].states[lane];
  Warp::sync();
  decode_share<Warp>(stream, states, streams[number].spare, number, count, tables, indexes, symbols, length);
  Warp::sync();
  if (Warp::thread() == 0) static_cast<StreamPosition&>(streams[number]) = stream;
  for (unsigned lane = Warp::thread(); lane < kMaxLanes; lane += kWarp) streams[number].states[lane] = states[lane];
}

__global__ void finish_kernel(StreamState* streams, unsigned count, std::uint32_t* fault) {
  const unsigned number = blockIdx.x * blockDim.x + threadIdx.x;
  if (number >= count) return;
  const Fault found = finish_stream(streams[number], streams[number].states, streams[number].spare);
  if (found != Fault::kNone) atomicCAS(fault, 0u, static_cast<std::uint32_t>(found));
}

__global__ void encode_kernel(EncodedStream* streams, unsigned count, const DevicePart* parts, unsigned part_count,
                              unsigned lanes, std::uint16_t* scratch, std::uint64_t words_each) {
  const unsigned number = warp_number();
  if (number >= count) return;
  encode_all<Warp>(streams[number], shared_states(), number, count, parts, part_count, lanes, scratch, words_each);
}

__global__ void gather_kernel(const EncodedStream* streams, unsigned count, const std::uint16_t* scratch,
                              std::uint16_t* words) {
  const unsigned number = warp_number();
  if (number < count) gather_words<Warp>(streams, number, scratch, words);
}

constexpr unsigned kThreads = kWarpsPerBlock * kWarp;

unsigned blocks_for(unsigned streams) { return (streams + kWarpsPerBlock - 1) / kWarpsPerBlock; }

cudaStream_t stream_of(Queue queue) { return static_cast<cudaStream_t>(queue); }

}  // namespace

int count_devices(int& count) { return cudaGetDeviceCount(&count); }

const char* describe(int error) { return cudaGetErrorString(static_cast<cudaError_t>(error)); }

int decode(StreamState* streams, unsigned count, const TableView& tables, const void* indexes, bool wide,
           std::int32_t* symbols, std::uint64_t length, Queue queue) {
  if (wide)
    decode_kernel<<<blocks_for(count), kThreads, 0, stream_of(queue)>>>(
        streams, count, tables, static_cast<const std::uint16_t*>(indexes), symbols, length);
  else
    decode_kernel<<<blocks_for(count), kThreads, 0, stream_of(queue)>>>(
        streams, count, tables, static_cast<const std::uint8_t*>(indexes), symbols, length);
  return cudaGetLastError();
}

int finish(StreamState* streams, unsigned count, std::uint32_t* fault, Queue queue) {
  finish_kernel<<<(count + kThreads - 1) / kThreads, kThreads, 0, stream_of(queue)>>>(streams, count, fault);
  return cudaGetLastError();
}

int encode(EncodedStream* streams, unsigned count, const DevicePart* parts, unsigned part_count, unsigned lanes,
           std::uint16_t* scratch, std::uint64_t words_each, Queue queue) {
  encode_kernel<<<blocks_for(count), kThreads, 0, stream_of(queue)>>>(streams, count, parts, part_count, lanes,
                                                                      scratch, words_each);
  return cudaGetLastError();
}

int gather(const EncodedStream* streams, unsigned count, const std::uint16_t* scratch, std::uint16_t* words,
           Queue queue) {
  gather_kernel<<<blocks_for(count), kThreads, 0, stream_of(queue)>>>(streams, count, scratch, words);
  return cudaGetLastError();
}

}  // namespace nvczoo::cuda
