// The loops over rows, written once for every backend. `Group` is described in scalar/group.hpp.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>

#include "nvczoo/errors.hpp"
#include "nvczoo/escapes.hpp"
#include "nvczoo/format.hpp"
#include "nvczoo/tables.hpp"
#include "nvczoo/words.hpp"
#include "scalar/step.hpp"

namespace nvczoo {

// One symbol of one lane with every check; `take()` returns the next word.
template <class Take>
bool decode_checked(std::uint32_t& state, const Tables& tables, const Row& row, std::int32_t& symbol, Take&& take) {
  const unsigned precision = tables.precision();
  const Slot slot = find_slot(tables, row, state & ((1u << precision) - 1));
  state = decode_step(state, slot, precision);
  if (state < kStateLow) state = state << kWordBits | take();
  symbol = row.offset + static_cast<std::int32_t>(slot.symbol() & ~kEscapeFlag);
  return (slot.symbol() & kEscapeFlag) != 0;
}

// An escape stands as one above its row, which no other symbol does.
template <class Index>
void decode_escapes(std::uint32_t* states, std::size_t lanes, const Tables& tables, const Index* indexes,
                    std::int32_t* symbols, WordReader& words) {
  for (std::size_t lane = 0; lane < lanes; ++lane) {
    const Row& row = tables.rows()[indexes[lane]];
    if (!row.has_escape || symbols[lane] != row.offset + row.escape) continue;
    symbols[lane] = escape_symbol(row, decode_distance(states[lane], [&] { return words.take(); }));
  }
}

template <class Group, class Index>
void decode_rows(std::uint32_t* states, std::size_t lanes, const Tables& tables, const Index* indexes,
                 std::int32_t* symbols, std::size_t count, WordReader& words) {
  std::size_t done = 0;
  for (; count - done >= lanes && words.left() >= lanes; done += lanes) {
    bool escaped = false;
    for (std::size_t lane = 0; lane < lanes; lane += Group::width)
      escaped |= Group::decode(states + lane, tables, indexes + done + lane, symbols + done + lane, words.at);
    if (escaped) [[unlikely]] decode_escapes(states, lanes, tables, indexes + done, symbols + done, words);
  }
  while (done < count) {  // rows that are short, or near the end of the words
    const std::size_t active = std::min(lanes, count - done);
    bool escaped = false;
    for (std::size_t lane = 0; lane < active; ++lane)
      escaped |= decode_checked(states[lane], tables, tables.rows()[indexes[done + lane]], symbols[done + lane],
                                [&] { return words.take(); });
    if (escaped) decode_escapes(states, active, tables, indexes + done, symbols + done, words);
    done += active;
  }
}

template <class Index>
void encode_escapes(std::uint32_t* states, std::size_t lanes, const Tables& tables, const Index* indexes,
                    const std::int32_t* symbols, WordWriter& words) {
  words.reserve(lanes * (kMaxEscapeWords + 1));  // and a word for each lane's ordinary step
  for (std::size_t lane = lanes; lane-- > 0;) {
    const Row& row = tables.rows()[indexes[lane]];
    const std::int64_t steps = static_cast<std::int64_t>(symbols[lane]) - row.offset;
    if (steps >= 0 && steps < row.escape) continue;
    if (!row.has_escape)
      throw SettingError("symbol " + std::to_string(symbols[lane]) + " cannot be coded: table row " +
                         std::to_string(indexes[lane]) + " has no escape; give that row one, or clip the symbols");
    encode_distance(states[lane], escape_distance(row, symbols[lane]), [&](std::uint16_t word) { words.put(word); });
  }
}

// One row of `lanes` symbols by groups of `Group::width`, which divides it.
template <class Group, class Index>
void encode_row(std::uint32_t* states, std::size_t lanes, const Tables& tables, const Index* indexes,
                const std::int32_t* symbols, WordWriter& words) {
  std::uint32_t entries[kMaxLanes];
  bool escaped = false;
  for (std::size_t lane = lanes; lane > 0;) {  // downwards, for the sake of the prefetcher
    lane -= Group::width;
    escaped |= Group::find(tables, indexes + lane, symbols + lane, entries + lane);
  }
  words.reserve(lanes);
  if (escaped) [[unlikely]] encode_escapes(states, lanes, tables, indexes, symbols, words);
  for (std::size_t lane = lanes; lane > 0;) {
    lane -= Group::width;
    Group::encode(states + lane, tables, entries + lane, words.at());
  }
}

// All rows, the last first. `Single` is a group of one lane, for the short row at the end.
template <class Group, class Single, class Index>
void encode_rows(std::uint32_t* states, std::size_t lanes, const Tables& tables, const Index* indexes,
                 const std::int32_t* symbols, std::size_t count, WordWriter& words) {
  const std::size_t full = count - count % lanes;
  if (full < count) encode_row<Single>(states, count - full, tables, indexes + full, symbols + full, words);
  for (std::size_t row = full; row > 0;) {
    row -= lanes;
    encode_row<Group>(states, lanes, tables, indexes + row, symbols + row, words);
  }
}

}  // namespace nvczoo
