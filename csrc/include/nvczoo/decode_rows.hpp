// Decoding, written once for every backend. scalar/lane.hpp says what a backend `B` offers.
#pragma once

#include <cstddef>
#include <cstdint>
#include <type_traits>

#include "nvczoo/escapes.hpp"
#include "nvczoo/format.hpp"
#include "nvczoo/platform.hpp"
#include "nvczoo/stream_state.hpp"
#include "nvczoo/tables.hpp"
#include "nvczoo/words.hpp"
#include "scalar/lane.hpp"

namespace nvczoo {

// Moves on from a symbol to the one that `position` lies in. Ends: a row's last reaches to its end.
NVCZOO_INLINE void walk(const TableView& tables, std::uint32_t row, std::uint32_t position, std::uint32_t& interval,
                        std::uint32_t& symbol) {
  const std::uint32_t base = tables.firsts[row] - tables.offsets[row];
  while (position > interval >> 16) interval = tables.intervals[base + ++symbol];
}

template <class B, class Index>
NVCZOO_INLINE void walk_lanes(const TableView& tables, const Index* indexes, typename B::Mask walking,
                              typename B::U32 position, typename B::U32& interval, typename B::U32& symbol) {
  if constexpr (std::is_same_v<typename B::U32, std::uint32_t>) {  // each lane has a thread of control
    walk(tables, B::index(indexes), position, interval, symbol);
  } else {
    alignas(64) std::uint32_t positions[B::width], intervals[B::width], symbols[B::width];
    B::store(positions, position);
    B::store(intervals, interval);
    B::store(symbols, symbol);
    for (std::uint64_t left = B::bits(walking); left != 0; left &= left - 1) {
      const unsigned lane = lowest_bit(left);
      walk(tables, indexes[lane], positions[lane], intervals[lane], symbols[lane]);
    }
    interval = B::load(intervals);
    symbol = B::load(symbols);
  }
}

template <class B, bool kFew>
struct DecoderColumns {
  NVCZOO_INLINE explicit DecoderColumns(const TableView& tables) : lookups(tables.lookups), offsets(tables.offsets) {}

  // A symbol from its low half.
  template <class Index>
  NVCZOO_INLINE typename B::U32 symbol(typename B::U32 low_half, const Index* indexes) const {
    const typename B::U32 offset = offsets(indexes);
    return offset + ((low_half - offset) & B::constant(0xffff));
  }

  typename B::template Column<kFew> lookups, offsets;
};
template <class B>
struct DecoderColumns<B, true> {  // of few rows the symbols are short, too
  NVCZOO_INLINE explicit DecoderColumns(const TableView& tables) : lookups(tables.lookups) {}
  typename B::template Column<true> lookups;
};

// Kept in registers by those backends that would otherwise make them anew in each group.
template <class B>
struct DecoderConstants {
  using U32 = typename B::U32;

  NVCZOO_INLINE explicit DecoderConstants(unsigned precision)
      : last_of_all(B::constant((1u << precision) - 1)),
        escape_limit(B::constant(((1u << precision) - 1) << 16)),
        shift_mask(B::constant((1u << kShiftBits) - 1)),
        low_half(B::constant(0xffff)),
        one(B::constant(1)) {}

  U32 last_of_all, escape_limit, shift_mask, low_half, one;
};

// One symbol of each lane of a group. Returns which may be escapes: an escape stands as one above its row, which
// no other symbol does.
template <class B, unsigned kPrecision, bool kFew, class Index>
NVCZOO_INLINE std::uint64_t decode_group(typename B::U32& state, const TableView& tables,
                                         const DecoderColumns<B, kFew>& columns,
                                         const DecoderConstants<B>& constants, const Index* indexes,
                                         std::int32_t* symbols, WordReader& words) {
  using U32 = typename B::U32;
  const unsigned precision = kPrecision != 0 ? kPrecision : tables.precision;
  const U32 position = state & constants.last_of_all, found = columns.lookups(indexes);
  U32 interval, beyond;
  B::gather(tables.buckets, (found >> kShiftBits) + B::shift_right(position, found & constants.shift_mask), interval,
            beyond);
  const auto next_one = B::exceeds(position, interval >> 16);
  interval = B::select(next_one, beyond << 16 | ((interval >> 16) + constants.one), interval);
  U32 symbol;
  if constexpr (kFew)
    symbol = B::signed_high_half(beyond);
  else
    symbol = columns.symbol(beyond >> 16, indexes);
  symbol = B::increment(next_one, symbol);
  const auto walking = B::exceeds(position, interval >> 16);
  if (B::any(walking)) [[unlikely]] walk_lanes<B>(tables, indexes, walking, position, interval, symbol);
  const U32 start = interval & constants.low_half, frequency = (interval >> 16) - start + constants.one;
  const U32 next = frequency * (state >> precision) + (position - start);
  const auto lacking = B::exceeds_not(next, constants.low_half);
  state = B::select(lacking, next << kWordBits | B::take(lacking, words), next);
  B::store(symbols, symbol);
  return B::bits(B::exceeds(interval, constants.escape_limit));
}

template <class B, class Index>
NVCZOO_INLINE void decode_escapes(std::uint64_t candidates, std::uint32_t* states, const TableView& tables,
                                  const Index* indexes, std::int32_t* symbols, WordReader& words) {
  for (; candidates != 0; candidates &= candidates - 1) {
    const unsigned lane = lowest_bit(candidates);
    const Row row = tables.row(indexes[lane]);
    if (!row.has_escape || symbols[lane] != row.offset + static_cast<std::int32_t>(row.escape)) continue;
    std::uint32_t state = states[lane];
    const std::uint64_t distance = decode_distance(state, unit_bits(row), [&] { return words.take(); });
    B::put(states + lane, state);
    B::put(symbols + lane, escape_symbol(row, distance, words));
  }
}

// One symbol of one lane; `take()` returns the next word. Returns whether it is an escape.
template <class B, class Take>
NVCZOO_INLINE bool decode_single(std::uint32_t* state, const TableView& tables, std::uint32_t index,
                                 std::int32_t* symbol, Take&& take) {
  const std::uint32_t last_of_all = (1u << tables.precision) - 1;
  const std::uint32_t before = *state, position = before & last_of_all, found = tables.lookups[index];
  const Bucket bucket = tables.buckets[(found >> kShiftBits) + (position >> (found & ((1u << kShiftBits) - 1)))];
  const std::uint32_t offset = tables.offsets[index];
  std::uint32_t interval = bucket.interval(), found_symbol = offset + (((bucket.beyond() >> 16) - offset) & 0xffff);
  walk(tables, index, position, interval, found_symbol);
  const std::uint32_t start = interval & 0xffff;
  std::uint32_t next = ((interval >> 16) - start + 1) * (before >> tables.precision) + position - start;
  if (next < kStateLow) next = next << kWordBits | take();
  B::put(state, next);
  B::put(symbol, static_cast<std::int32_t>(found_symbol));
  return interval > last_of_all << 16 && tables.row(index).has_escape;
}

// Rows of kGroups * B::width lanes, or (if not kResident) a multiple of that. Stops before a row for which the words
// might not suffice, unless `padded`: then so many may be read beyond the end. Returns the symbols decoded.
template <class B, unsigned kGroups, bool kResident, unsigned kPrecision, bool kFew, class Index>
NVCZOO_INLINE std::size_t decode_full_rows(std::uint32_t* states, std::size_t lanes, const TableView& tables,
                                           const Index* indexes, std::int32_t* symbols, std::size_t count,
                                           WordReader& shared_words, bool padded) {
  constexpr std::size_t kBlock = std::size_t{B::width} * kGroups;
  if constexpr (kResident) lanes = kBlock;
  const DecoderColumns<B, kFew> columns(tables);
  const DecoderConstants<B> constants(kPrecision != 0 ? kPrecision : tables.precision);
  typename B::U32 x[kGroups];
  const auto load = [&](const std::uint32_t* from) NVCZOO_INLINE_LAMBDA {
    B::sync();
    unrolled(kTimes<kGroups>,
             [&](auto group) NVCZOO_INLINE_LAMBDA { x[group] = B::load(from + group * B::width); });
  };
  const auto store = [&](std::uint32_t* to) NVCZOO_INLINE_LAMBDA {
    unrolled(kTimes<kGroups>,
             [&](auto group) NVCZOO_INLINE_LAMBDA { B::store(to + group * B::width, x[group]); });
    B::sync();
  };
  WordReader words = shared_words;  // in registers: nothing stored elsewhere can change it
  std::size_t done = 0;
  if constexpr (kResident) load(states);
  for (; count - done >= lanes && (padded || words.left() >= lanes) && words.fault == Fault::kNone; done += lanes) {
    std::uint64_t escapes = 0;
    for (std::size_t block = 0; block < lanes; block += kBlock) {
      if constexpr (!kResident) load(states + block);
      std::uint64_t in_block = 0;
      unrolled(kTimes<kGroups>, [&](auto group) NVCZOO_INLINE_LAMBDA {
        constexpr unsigned kLane = group * B::width;
        const std::size_t first = done + block + kLane;
        in_block |= decode_group<B, kPrecision, kFew>(x[group], tables, columns, constants, indexes + first,
                                                      symbols + first, words)
                    << kLane;
      });
      escapes |= in_block << block;
      if constexpr (!kResident) store(states + block);
    }
    if (padded && words.at > words.end) {
      words.at = words.end;
      words.fail(Fault::kTruncated);
    }
    if (escapes != 0) [[unlikely]] {
      if constexpr (kResident) store(states);
      WordReader escaped = words;  // a copy, that may be in memory
      decode_escapes<B>(escapes, states, tables, indexes + done, symbols + done, escaped);
      words = escaped;
      if constexpr (kResident) load(states);
    }
  }
  if constexpr (kResident) store(states);
  shared_words = words;
  return done;
}

// Rows one symbol after the other: short ones, and those narrower than a group.
template <class B, class Index>
NVCZOO_INLINE void decode_narrow(std::uint32_t* states, std::size_t lanes, const TableView& tables,
                                 const Index* indexes, std::int32_t* symbols, std::size_t count, WordReader& words) {
  for (std::size_t row = 0; row < count && words.fault == Fault::kNone; row += lanes) {
    const std::size_t active = count - row < lanes ? count - row : lanes;
    std::uint64_t escapes = 0;
    for (std::size_t lane = 0; lane < active; ++lane)
      if (decode_single<B>(states + lane, tables, indexes[row + lane], symbols + row + lane,
                           [&] { return words.take(); }))
        escapes |= std::uint64_t{1} << lane;
    decode_escapes<B>(escapes, states, tables, indexes + row, symbols + row, words);
  }
}

// The rows of one part. The last words are read from a copy with zeros behind it, so that groups need no checks.
template <class B, unsigned kGroups, bool kResident, unsigned kPrecision, bool kFew, class Index>
NVCZOO_INLINE void decode_rows(std::uint32_t* states, std::size_t lanes, const TableView& tables,
                               const Index* indexes, std::int32_t* symbols, std::size_t count, WordReader& words) {
  const auto full_rows = [&](std::size_t from, WordReader& source, bool padded) {
    return from + decode_full_rows<B, kGroups, kResident, kPrecision, kFew>(
                      states, lanes, tables, indexes + from, symbols + from, count - from, source, padded);
  };
  std::size_t done = full_rows(0, words, B::kClamps);
  if (!B::kClamps && count - done >= lanes && words.fault == Fault::kNone) {
    std::uint8_t copy[2 * kMaxLanes * kWordBytes] = {};
    const std::size_t bytes = words.left() * kWordBytes;  // fewer than `lanes` words
    for (std::size_t i = 0; i < bytes; ++i) copy[i] = words.at[i];
    WordReader rest{copy, copy + bytes};
    done = full_rows(done, rest, true);
    words.at = words.end - (rest.end - rest.at);
    words.fault = rest.fault;
  }
  decode_narrow<B>(states, lanes, tables, indexes + done, symbols + done, count - done, words);
}

// Puts `width` bits on a state, which may shed a word before `at`.
template <class B>
NVCZOO_INLINE void push_bits(std::uint32_t& state, std::uint32_t bits, unsigned width, std::uint8_t*& at) {
  if (width == 0) return;
  if (state >> (32 - width) != 0) {
    at -= kWordBytes;
    B::put(at, static_cast<std::uint8_t>(state));
    B::put(at + 1, static_cast<std::uint8_t>(state >> 8));
    state >>= kWordBits;
  }
  state = state << width | bits;
}

// Goes on with fewer lanes: what the others hold becomes bits of lane 0 and words before those left. The mirror of
// `fill_lanes` in encode_stream.hpp.
template <class B>
NVCZOO_INLINE void end_stage(StreamPosition& stream, std::uint32_t* states, std::uint8_t* spare) {
  const std::size_t left = static_cast<std::size_t>(stream.words.end - stream.words.at);
  std::uint8_t* at = spare + kSpareBytes - left;  // where they already are, unless this is the first stage
  if (stream.stage == 0) {
    if (left > kMaxWordsLeft * kWordBytes) return stream.words.fail(Fault::kLaneEnd);
    for (std::size_t i = 0; i < left; ++i) B::put(at + i, stream.words.at[i]);
    stream.exact = left > 0;
  }
  const std::uint32_t next = lanes_after(stream.lanes);
  std::uint32_t first = states[0];
  for (std::uint32_t lane = stream.lanes; lane-- > next;) {
    const std::uint32_t state = states[lane], high = state >> kWordBits;
    const unsigned width = highest_bit(high);
    push_bits<B>(first, high - (1u << width), width, at);
    push_bits<B>(first, state & 0xffff, kWordBits, at);
    push_bits<B>(first, width, kExponentBits, at);
  }
  B::put(states, first);
  stream.words.at = at;
  stream.words.end = spare + kSpareBytes;
  stream.lanes = next;
  ++stream.stage;
}

// The next `count` symbols of a stream; faults are left in `stream.words`. `rows(first, count)` decodes those in rows
// of `stream.lanes`.
template <class B, class Rows>
NVCZOO_INLINE void decode_part(StreamPosition& stream, std::uint32_t* states, std::uint8_t* spare, std::size_t count,
                               Rows&& rows) {
  if (count > stream.count() - stream.done) return stream.words.fail(Fault::kTooMany);
  for (std::size_t at = 0; at < count;) {
    while (stream.done == stream.ends[stream.stage] && stream.words.fault == Fault::kNone)
      end_stage<B>(stream, states, spare);
    if (stream.words.fault != Fault::kNone) return;
    const std::uint64_t in_stage = stream.ends[stream.stage] - stream.done;
    const std::size_t share = count - at < in_stage ? count - at : static_cast<std::size_t>(in_stage);
    const std::size_t odd = stream.stage == 0 ? 0 : share % stream.lanes;  // of later stages the first row is short
    if (odd > 0) rows(at, odd);
    if (share > odd) rows(at + odd, share - odd);
    at += share;
    stream.done += share;
  }
}

// Whether the stream was used up exactly.
NVCZOO_INLINE Fault finish_stream(StreamPosition& stream, std::uint32_t* states, std::uint8_t* spare) {
  if (stream.words.fault != Fault::kNone) return stream.words.fault;
  if (stream.count() != kUncounted && stream.done != stream.count()) return Fault::kTooFew;
  while (stream.lanes > 1 && stream.words.fault == Fault::kNone) end_stage<scalar::Lane>(stream, states, spare);
  if (stream.words.fault != Fault::kNone) return stream.words.fault;
  if (states[0] != kStateLow) return Fault::kLaneEnd;
  std::uint32_t left = 0;
  for (const std::uint8_t* at = stream.words.at; at != stream.words.end; ++at) left |= *at;
  return left != 0 || (stream.exact && stream.words.at != stream.words.end) ? Fault::kLeftOver : Fault::kNone;
}

}  // namespace nvczoo
