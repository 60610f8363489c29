// What one warp does, written once for the warps of a GPU and for the emulator that tests it: `B` is one or the other.
#pragma once

#include <cstddef>
#include <cstdint>

#include "cuda/interface.hpp"
#include "nvczoo/blocks.hpp"
#include "nvczoo/decode_rows.hpp"
#include "nvczoo/encode_rows.hpp"
#include "nvczoo/encode_stream.hpp"

namespace nvczoo::cuda {

// Whether all indexes have a row: else they must not be looked up.
template <class B, class Index>
NVCZOO_INLINE bool in_range(const Index* indexes, std::uint64_t count, std::uint32_t rows) {
  bool fits = true;
  for (std::uint64_t i = B::thread(); i < count; i += B::threads) fits = fits && indexes[i] < rows;
  return B::agreed(fits);
}

// Streams narrower than a warp are not for GPUs, but shall be read and written.
template <class B, class Index>
NVCZOO_INLINE void decode_lanes(StreamPosition& stream, std::uint32_t* states, std::uint8_t* spare,
                                const TableView& tables, const Index* indexes, std::int32_t* symbols,
                                std::size_t count) {
  decode_part<B>(stream, states, spare, count, [&](std::size_t first, std::size_t in_rows) {
    const Index* from = indexes + first;
    std::int32_t* to = symbols + first;
    if (stream.lanes == 2 * B::width)
      decode_rows<B, 2, true, 0, false>(states, stream.lanes, tables, from, to, in_rows, stream.words);
    else if (stream.lanes == B::width)
      decode_rows<B, 1, true, 0, false>(states, stream.lanes, tables, from, to, in_rows, stream.words);
    else
      decode_narrow<B>(states, stream.lanes, tables, from, to, in_rows, stream.words);
  });
}

template <class B, class Index, class Writer>
NVCZOO_INLINE void encode_lanes(std::uint32_t* states, std::size_t lanes, const TableView& tables,
                                const Index* indexes, const std::int32_t* symbols, std::size_t count, Writer& words) {
  if (lanes == 2 * B::width)
    encode_rows<B, 2, true, 0, false>(states, lanes, tables, indexes, symbols, count, words);
  else if (lanes == B::width)
    encode_rows<B, 1, true, 0, false>(states, lanes, tables, indexes, symbols, count, words);
  else
    encode_narrow<B>(states, lanes, tables, indexes, symbols, count, words);
}

// The share of stream `number` in a part of `length` symbols.
template <class B, class Index>
NVCZOO_INLINE void decode_share(StreamPosition& stream, std::uint32_t* states, std::uint8_t* spare, unsigned number,
                                unsigned count, const TableView& tables, const Index* indexes, std::int32_t* symbols,
                                std::uint64_t length) {
  if (stream.words.fault != Fault::kNone) return;
  const Block own = block_of(length, number, count);
  if (!in_range<B>(indexes + own.first, own.count, tables.rows)) return stream.words.fail(Fault::kIndex);
  decode_lanes<B>(stream, states, spare, tables, indexes + own.first, symbols + own.first, own.count);
}

template <class B, class Index>
NVCZOO_INLINE void encode_some(std::uint32_t* states, std::size_t lanes, const DevicePart& part, std::uint64_t first,
                               std::size_t count, FixedWriter& words) {
  const Index* indexes = static_cast<const Index*>(part.indexes) + first;
  if (!in_range<B>(indexes, count, part.tables.rows)) return words.fail(Fault::kIndex);
  encode_lanes<B>(states, lanes, part.tables, indexes, part.symbols + first, count, words);
}

// All of stream `number`. `states` is memory of all threads.
template <class B>
NVCZOO_INLINE void encode_all(EncodedStream& out, std::uint32_t* states, unsigned number, unsigned count,
                              const DevicePart* parts, unsigned part_count, unsigned lanes, std::uint16_t* scratch,
                              std::uint64_t words_each) {
  std::uint16_t* floor = scratch + number * words_each;
  FixedWriter words{floor + words_each, floor, floor + words_each};
  const StreamCounts counts = encode_stream<B>(
      states, lanes, part_count, words,
      [&](std::size_t part) { return block_of(parts[part].count, number, count).count; },
      [&](std::size_t rows_of, std::size_t part, std::size_t first, std::size_t length) {
        const std::uint64_t from = block_of(parts[part].count, number, count).first + first;
        if (parts[part].wide)
          encode_some<B, std::uint16_t>(states, rows_of, parts[part], from, length, words);
        else
          encode_some<B, std::uint8_t>(states, rows_of, parts[part], from, length, words);
      });
  B::sync();
  for (unsigned lane = B::thread(); lane < kMaxLanes; lane += B::threads)
    out.states[lane] = lane < lanes ? states[lane] : 0;
  if (B::thread() != 0) return;
  out.counts = counts;
  out.first_word = static_cast<std::uint64_t>(words.first - scratch);
  out.words = words.size();
  out.fault = words.fault();
}

template <class B>
NVCZOO_INLINE void gather_words(const EncodedStream* streams, unsigned number, const std::uint16_t* scratch,
                                std::uint16_t* words) {
  std::uint64_t before = 0;
  for (unsigned other = 0; other < number; ++other) before += streams[other].words;
  const std::uint16_t* from = scratch + streams[number].first_word;
  for (std::uint64_t i = B::thread(); i < streams[number].words; i += B::threads) words[before + i] = from[i];
}

}  // namespace nvczoo::cuda
