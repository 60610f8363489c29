// A warp decodes or encodes a sub-stream. All is asynchronous, allocates nothing, and can be captured in a graph;
// faults stay in the streams, on the device, until they are asked for.
#include <cstdint>

#include "cuda/interface.hpp"
#include "cuda/warp.cuh"
#include "nvczoo/blocks.hpp"
#include "nvczoo/decode_rows.hpp"
#include "nvczoo/encode_rows.hpp"
#include "nvczoo/encode_stream.hpp"

namespace nvczoo::cuda {
namespace {

constexpr unsigned kWarpsPerBlock = 4;

struct Share {
  std::uint64_t first, count;
};

__device__ Share share_of(std::uint64_t count, std::uint64_t block, std::uint64_t blocks) {
  const std::uint64_t each = count / blocks, longer = count % blocks;
  return {block * each + (block < longer ? block : longer), each + (block < longer ? 1 : 0)};
}

// Whether all indexes have a row: else they must not be looked up.
template <class Index>
__device__ bool in_range(const Index* indexes, std::uint64_t count, std::uint32_t rows) {
  bool fits = true;
  for (std::uint64_t i = Warp::lane(); i < count; i += kWarp) fits = fits && indexes[i] < rows;
  return __all_sync(kAll, fits);
}

template <class Index>
__global__ void decode_kernel(StreamState* streams, unsigned count, TableView tables, const Index* indexes,
                              std::int32_t* symbols, std::uint64_t length) {
  __shared__ std::uint32_t shared[kWarpsPerBlock][kMaxLanes];
  const unsigned number = blockIdx.x * kWarpsPerBlock + threadIdx.x / kWarp;
  if (number >= count) return;
  std::uint32_t* states = shared[threadIdx.x / kWarp];
  StreamPosition stream = streams[number];  // each thread's own, and the same in all
  for (unsigned lane = Warp::lane(); lane < kMaxLanes; lane += kWarp) states[lane] = streams[number].states[lane];
  Warp::sync();
  const Share share = share_of(length, number, count);
  const Index* own = indexes + share.first;
  if (!in_range(own, share.count, tables.rows)) stream.words.fail(Fault::kIndex);
  if (stream.words.fault == Fault::kNone)
    decode_part<Warp>(stream, states, tables, own, symbols + share.first, share.count, [&](std::size_t in_rows) {
      std::int32_t* out = symbols + share.first;
      if (stream.lanes == 2 * kWarp)
        decode_rows<Warp, 2, true, 0, false>(states, stream.lanes, tables, own, out, in_rows, stream.words);
      else if (stream.lanes == kWarp)
        decode_rows<Warp, 1, true, 0, false>(states, stream.lanes, tables, own, out, in_rows, stream.words);
      else  // narrow streams are not for GPUs, but shall be read
        decode_narrow<Warp>(states, stream.lanes, tables, own, out, in_rows, stream.words);
    });
  Warp::sync();
  if (Warp::lane() == 0) static_cast<StreamPosition&>(streams[number]) = stream;
  for (unsigned lane = Warp::lane(); lane < kMaxLanes; lane += kWarp) streams[number].states[lane] = states[lane];
}

__global__ void finish_kernel(const StreamState* streams, unsigned count, std::uint32_t* fault) {
  const unsigned number = blockIdx.x * blockDim.x + threadIdx.x;
  if (number >= count) return;
  StreamPosition stream = streams[number];
  const Fault found = finish_stream(stream, streams[number].states);
  if (found != Fault::kNone) atomicCAS(fault, 0u, static_cast<std::uint32_t>(found));
}

template <class Index>
__device__ void encode_some(std::uint32_t* states, std::size_t lanes, const DevicePart& part, const Index* indexes,
                            std::uint64_t first, std::size_t count, FixedWriter& words) {
  const Index* own = indexes + first;
  const std::int32_t* symbols = part.symbols + first;
  if (!in_range(own, count, part.tables.rows)) return words.fail(Fault::kIndex);
  if (lanes == 2 * kWarp)
    encode_rows<Warp, 2, true, 0, false>(states, lanes, part.tables, own, symbols, count, words);
  else if (lanes == kWarp)
    encode_rows<Warp, 1, true, 0, false>(states, lanes, part.tables, own, symbols, count, words);
  else
    encode_singles<Warp>(states, count, part.tables, own, symbols, words);  // the tail, one symbol at a time
}

__global__ void encode_kernel(EncodedStream* streams, unsigned count, const DevicePart* parts, unsigned part_count,
                              unsigned lanes, std::uint16_t* scratch, std::uint64_t words_each) {
  __shared__ std::uint32_t shared[kWarpsPerBlock][kMaxLanes];
  const unsigned number = blockIdx.x * kWarpsPerBlock + threadIdx.x / kWarp;
  if (number >= count) return;
  std::uint32_t* states = shared[threadIdx.x / kWarp];
  std::uint16_t* floor = scratch + number * words_each;
  FixedWriter words{floor + words_each, floor, floor + words_each};
  const StreamCounts counts = encode_stream<Warp>(
      states, lanes, part_count, words,
      [&](std::size_t part) { return share_of(parts[part].count, number, count).count; },
      [&](std::size_t rows_of, std::size_t number_of_part, std::size_t first, std::size_t length) {
        const DevicePart& part = parts[number_of_part];
        const std::uint64_t from = share_of(part.count, number, count).first + first;
        if (part.wide)
          encode_some(states, rows_of, part, static_cast<const std::uint16_t*>(part.indexes), from, length, words);
        else
          encode_some(states, rows_of, part, static_cast<const std::uint8_t*>(part.indexes), from, length, words);
      });
  Warp::sync();
  EncodedStream& out = streams[number];
  for (unsigned lane = Warp::lane(); lane < kMaxLanes; lane += kWarp) out.states[lane] = lane < lanes ? states[lane] : 0;
  if (Warp::lane() != 0) return;
  out.counts = counts;
  out.first_word = static_cast<std::uint64_t>(words.first - scratch);
  out.words = words.size() - counts.seeds;
  out.fault = words.fault();
}

unsigned blocks_for(unsigned streams) { return (streams + kWarpsPerBlock - 1) / kWarpsPerBlock; }

}  // namespace

cudaError_t decode(StreamState* streams, unsigned count, const TableView& tables, const void* indexes, bool wide,
                   std::int32_t* symbols, std::uint64_t length, cudaStream_t queue) {
  if (count == 0) return cudaSuccess;
  const unsigned threads = kWarpsPerBlock * kWarp;
  if (wide)
    decode_kernel<<<blocks_for(count), threads, 0, queue>>>(
        streams, count, tables, static_cast<const std::uint16_t*>(indexes), symbols, length);
  else
    decode_kernel<<<blocks_for(count), threads, 0, queue>>>(
        streams, count, tables, static_cast<const std::uint8_t*>(indexes), symbols, length);
  return cudaGetLastError();
}

cudaError_t finish(const StreamState* streams, unsigned count, std::uint32_t* fault, cudaStream_t queue) {
  if (count == 0) return cudaSuccess;
  constexpr unsigned kThreads = 128;
  finish_kernel<<<(count + kThreads - 1) / kThreads, kThreads, 0, queue>>>(streams, count, fault);
  return cudaGetLastError();
}

cudaError_t encode(EncodedStream* streams, unsigned count, const DevicePart* parts, unsigned part_count,
                   unsigned lanes, std::uint16_t* scratch, std::uint64_t words_each, cudaStream_t queue) {
  encode_kernel<<<blocks_for(count), kWarpsPerBlock * kWarp, 0, queue>>>(streams, count, parts, part_count, lanes,
                                                                         scratch, words_each);
  return cudaGetLastError();
}

}  // namespace nvczoo::cuda
