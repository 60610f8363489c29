// Encoding, written once for every backend: the mirror of decode_rows.hpp, walking backwards.
#pragma once

#include <cstddef>
#include <cstdint>

#include "nvczoo/escapes.hpp"
#include "nvczoo/format.hpp"
#include "nvczoo/platform.hpp"
#include "nvczoo/tables.hpp"

namespace nvczoo {

template <class B, bool kFew>
struct EncoderColumns {
  typename B::template Column<kFew> offsets, escapes, firsts;
};

// Finds the entry of each lane's symbol; returns which are outside their rows.
template <class B, class Columns, class Index>
NVCZOO_INLINE std::uint64_t find_group(typename B::U32& entry, const Columns& columns, const Index* indexes,
                                       const std::int32_t* symbols) {
  const typename B::U32 steps = B::load(symbols) - columns.offsets(indexes), escape = columns.escapes(indexes);
  const typename B::U32 inside = B::minimum(steps, escape);
  entry = columns.firsts(indexes) + inside;
  return B::bits(B::equal(inside, escape));
}

// Puts one symbol on each lane of a group; there must be room for B::width words before `at`.
template <class B, unsigned kPrecision, class Words>
NVCZOO_INLINE void encode_group(typename B::U32& state, const TableView& tables,
                                const typename B::DivisorConstants& constants, typename B::U32 entry, Words*& at) {
  const unsigned precision = kPrecision != 0 ? kPrecision : tables.precision;
  const auto divisor = B::divisor(tables, entry, constants);
  const auto shedding = B::exceeds(state >> (32 - precision), divisor.frequency_minus_1);
  B::shed(shedding, state, at);
  state = B::select(shedding, state >> kWordBits, state);
  state = state + divisor.bias + divisor.divide(state) * divisor.complement;
}

// The distances of those symbols that are outside their rows. `states` is memory.
template <class B, class Index, class Writer>
NVCZOO_INLINE void encode_escapes(std::uint64_t outside, std::uint32_t* states, const TableView& tables,
                                  const Index* indexes, const std::int32_t* symbols, Writer& words) {
  // Room for the words of the ordinary steps that follow, too.
  if (!words.reserve(kMaxLanes * (kMaxEscapeWords + 1))) return;
  while (outside != 0) {
    const unsigned lane = highest_bit(outside);
    outside ^= std::uint64_t{1} << lane;
    const Row row = tables.row(indexes[lane]);
    if (!row.has_escape) return words.fail(Fault::kNoEscape);
    std::uint32_t state = states[lane];
    encode_distance(state, escape_distance(row, symbols[lane]), unit_bits(row),
                    [&](std::uint16_t word) { words.put(word); });
    B::put(states + lane, state);
  }
}

template <class B, unsigned kGroups, bool kResident, unsigned kPrecision, bool kFew, class Index, class Writer>
NVCZOO_INLINE void encode_full_rows(std::uint32_t* states, std::size_t lanes, const TableView& tables,
                                    const Index* indexes, const std::int32_t* symbols, std::size_t count,
                                    Writer& words) {
  constexpr std::size_t kBlock = std::size_t{B::width} * kGroups;
  constexpr std::size_t kMaxBlocks = kResident ? 1 : kMaxLanes / kBlock;
  using U32 = typename B::U32;
  if constexpr (kResident) lanes = kBlock;
  const EncoderColumns<B, kFew> columns{typename B::template Column<kFew>(tables.offsets),
                                        typename B::template Column<kFew>(tables.escapes),
                                        typename B::template Column<kFew>(tables.firsts)};
  const typename B::DivisorConstants constants(kPrecision != 0 ? kPrecision : tables.precision);
  U32 x[kGroups];
  U32 entries[kMaxBlocks][kGroups];
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
  if constexpr (kResident) load(states);
  for (std::size_t row = count; row > 0 && words.fault() == Fault::kNone;) {
    row -= lanes;
    std::uint64_t outside = 0;
    for (std::size_t block = 0; block * kBlock < lanes; ++block) {
      const std::size_t first = row + block * kBlock;
      std::uint64_t in_block = 0;
      unrolled(kTimes<kGroups>, [&](auto group) NVCZOO_INLINE_LAMBDA {
        constexpr unsigned kLane = group * B::width;
        in_block |= find_group<B>(entries[block][group], columns, indexes + first + kLane, symbols + first + kLane)
                    << kLane;
      });
      outside |= in_block << block * kBlock;
    }
    if (!words.reserve(lanes)) break;
    if (outside != 0) [[unlikely]] {
      if constexpr (kResident) store(states);
      encode_escapes<B>(outside, states, tables, indexes + row, symbols + row, words);
      if (words.fault() != Fault::kNone) return;
      if constexpr (kResident) load(states);
    }
    auto* at = words.at();
    for (std::size_t block = lanes / kBlock; block-- > 0;) {
      if constexpr (!kResident) load(states + block * kBlock);
      unrolled(kTimes<kGroups>, [&](auto done) NVCZOO_INLINE_LAMBDA {
        constexpr unsigned kGroup = kGroups - 1 - done;  // the last first
        encode_group<B, kPrecision>(x[kGroup], tables, constants, entries[block][kGroup], at);
      });
      if constexpr (!kResident) store(states + block * kBlock);
    }
    words.move_to(at);
  }
  if constexpr (kResident) store(states);
}

// One symbol of each of the first lanes, the last lane first.
template <class B, class Index, class Writer>
NVCZOO_INLINE void encode_singles(std::uint32_t* states, std::size_t lanes, const TableView& tables,
                                  const Index* indexes, const std::int32_t* symbols, Writer& words) {
  std::uint64_t outside = 0;
  for (std::size_t lane = 0; lane < lanes; ++lane) {
    const std::uint32_t steps = static_cast<std::uint32_t>(symbols[lane]) - tables.offsets[indexes[lane]];
    if (steps >= tables.escapes[indexes[lane]]) outside |= std::uint64_t{1} << lane;
  }
  if (outside != 0) encode_escapes<B>(outside, states, tables, indexes, symbols, words);
  if (words.fault() != Fault::kNone || !words.reserve(lanes)) return;
  for (std::size_t lane = lanes; lane-- > 0;) {
    const std::uint32_t steps = static_cast<std::uint32_t>(symbols[lane]) - tables.offsets[indexes[lane]];
    const std::uint32_t escape = tables.escapes[indexes[lane]];
    const std::uint32_t interval = tables.intervals[tables.firsts[indexes[lane]] + (steps < escape ? steps : escape)];
    const std::uint32_t start = interval & 0xffff, frequency = (interval >> 16) - start + 1;
    std::uint32_t state = states[lane];
    if (state >> (32 - tables.precision) >= frequency) {
      words.put(static_cast<std::uint16_t>(state));
      state >>= kWordBits;
    }
    B::put(states + lane, (state / frequency << tables.precision) + state % frequency + start);
  }
}

// Rows one symbol after the other: those narrower than a group.
template <class B, class Index, class Writer>
NVCZOO_INLINE void encode_narrow(std::uint32_t* states, std::size_t lanes, const TableView& tables,
                                 const Index* indexes, const std::int32_t* symbols, std::size_t count,
                                 Writer& words) {
  for (std::size_t left = count; left > 0 && words.fault() == Fault::kNone;) {
    const std::size_t active = left % lanes != 0 ? left % lanes : lanes;
    left -= active;
    encode_singles<B>(states, active, tables, indexes + left, symbols + left, words);
  }
}

// All rows of a part, the last first.
template <class B, unsigned kGroups, bool kResident, unsigned kPrecision, bool kFew, class Index, class Writer>
NVCZOO_INLINE void encode_rows(std::uint32_t* states, std::size_t lanes, const TableView& tables,
                               const Index* indexes, const std::int32_t* symbols, std::size_t count, Writer& words) {
  const std::size_t full = count - count % lanes;
  if (full < count) encode_singles<B>(states, count - full, tables, indexes + full, symbols + full, words);
  if (words.fault() == Fault::kNone)
    encode_full_rows<B, kGroups, kResident, kPrecision, kFew>(states, lanes, tables, indexes, symbols, full, words);
}

}  // namespace nvczoo
