// What kernels.cu does by warps, acted out on the CPU one after the other; and as one of the coder's paths.
#include "cuda/emulator.hpp"

#include <cstdint>

#include "cuda/bodies.hpp"
#include "cuda/interface.hpp"
#include "nvczoo/kernels.hpp"

namespace nvczoo {

using emulator::Warp;

namespace {

template <class Index>
void decode(StreamState& stream, const TableView& tables, const Index* indexes, std::int32_t* symbols,
            std::size_t count) {
  cuda::decode_lanes<Warp>(stream, stream.states, stream.spare, tables, indexes, symbols, count);
}

template <class Index>
void encode(std::uint32_t* states, std::size_t lanes, const TableView& tables, const Index* indexes,
            const std::int32_t* symbols, std::size_t count, WordWriter& words) {
  cuda::encode_lanes<Warp>(states, lanes, tables, indexes, symbols, count, words);
}

}  // namespace

const Kernels kEmulatorKernels = {"emulator", decode<std::uint8_t>, decode<std::uint16_t>, encode<std::uint8_t>,
                                  encode<std::uint16_t>, &kScalarGridKernels};

namespace cuda {

int count_devices(int& count) {
  count = 1;
  return 0;
}

const char* describe(int) { return "the emulator does not fail"; }

int decode(StreamState* streams, unsigned count, const TableView& tables, const void* indexes, bool wide,
           std::int32_t* symbols, std::uint64_t length, Queue) {
  for (unsigned number = 0; number < count; ++number) {
    StreamState& stream = streams[number];
    if (wide)
      decode_share<Warp>(stream, stream.states, stream.spare, number, count, tables,
                         static_cast<const std::uint16_t*>(indexes), symbols, length);
    else
      decode_share<Warp>(stream, stream.states, stream.spare, number, count, tables,
                         static_cast<const std::uint8_t*>(indexes), symbols, length);
  }
  return 0;
}

int finish(StreamState* streams, unsigned count, std::uint32_t* fault, Queue) {
  for (unsigned number = 0; number < count; ++number) {
    const Fault found = finish_stream(streams[number], streams[number].states, streams[number].spare);
    if (found != Fault::kNone && *fault == 0) *fault = static_cast<std::uint32_t>(found);
  }
  return 0;
}

int encode(EncodedStream* streams, unsigned count, const DevicePart* parts, unsigned part_count, unsigned lanes,
           std::uint16_t* scratch, std::uint64_t words_each, Queue) {
  std::uint32_t states[kMaxLanes] = {};
  for (unsigned number = 0; number < count; ++number)
    encode_all<Warp>(streams[number], states, number, count, parts, part_count, lanes, scratch, words_each);
  return 0;
}

int gather(const EncodedStream* streams, unsigned count, const std::uint16_t* scratch, std::uint16_t* words, Queue) {
  for (unsigned number = 0; number < count; ++number) gather_words<Warp>(streams, number, scratch, words);
  return 0;
}

}  // namespace cuda
}  // namespace nvczoo
