// A group of lanes in plain C++. A row is one or more groups, in ascending lane order.
//
// Every backend offers `width`, `decode`, `find` and `encode` with this meaning; the loops over rows are
// written once, in nvczoo/rows.hpp, for all of them.
#pragma once

#include <cstddef>
#include <cstdint>

#include "nvczoo/format.hpp"
#include "nvczoo/tables.hpp"
#include "scalar/step.hpp"

namespace nvczoo {

// `Precision` is that of the tables, or 0 to ask them.
template <unsigned Width, unsigned Precision>
struct ScalarGroup {
  static constexpr unsigned width = Width;

  static unsigned precision_of(const Tables& tables) { return Precision != 0 ? Precision : tables.precision(); }

  // Decodes one symbol per lane; returns whether any was an escape, which then stands as one above its row.
  // At least `width` words must lie at `words`, which moves past those that were taken.
  template <class Index>
  static bool decode(std::uint32_t* states, const Tables& tables, const Index* indexes, std::int32_t* symbols,
                     const std::uint8_t*& words) {
    const unsigned precision = precision_of(tables);
    const Row* rows = tables.rows().data();
    const std::uint8_t* at = words;
    unsigned flags = 0;
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC unroll 8  // it would not by itself, for the loop within; clang's code gets worse by it
#endif
    for (unsigned lane = 0; lane < Width; ++lane) {
      const std::uint32_t before = states[lane];
      const Row& row = rows[indexes[lane]];
      const Slot slot = find_slot(tables, row, before & ((1u << precision) - 1));
      const std::uint32_t state = decode_step(before, slot, precision);
      // By arithmetic: compilers make a branch of a choice, and no one can predict who lacks a word.
      const std::uint32_t mask = 0u - (state < kStateLow ? 1u : 0u);
      const std::uint32_t refilled = state << kWordBits | load_word(at);
      states[lane] = state ^ ((state ^ refilled) & mask);
      at += mask & kWordBytes;
      symbols[lane] = row.offset + static_cast<std::int32_t>(slot.symbol() & ~kEscapeFlag);
      flags |= slot.symbol();
    }
    words = at;
    return (flags & kEscapeFlag) != 0;
  }

  // Finds the entry of each lane's symbol; returns whether any is an escape.
  template <class Index>
  static bool find(const Tables& tables, const Index* indexes, const std::int32_t* symbols, std::uint32_t* entries) {
    const Row* rows = tables.rows().data();
    bool escaped = false;
    for (unsigned lane = 0; lane < Width; ++lane) {
      const Row& row = rows[indexes[lane]];
      const std::uint32_t steps = static_cast<std::uint32_t>(symbols[lane]) - static_cast<std::uint32_t>(row.offset);
      const bool outside = steps >= row.escape;
      entries[lane] = row.entry + (outside ? row.escape : steps);
      escaped |= outside;
    }
    return escaped;
  }

  // Puts one symbol on each lane, the last lane first; there must be room for `width` words before `words`.
  static void encode(std::uint32_t* states, const Tables& tables, const std::uint32_t* entries,
                     std::uint16_t*& words) {
    const unsigned precision = precision_of(tables);
    std::uint16_t* at = words;
    for (unsigned lane = Width; lane-- > 0;) {
      const Entry& entry = tables.entries()[entries[lane]];
      const std::uint32_t state = states[lane];
      const std::uint32_t shed = must_shed(state, entry, precision) ? 1 : 0;
      at[-1] = static_cast<std::uint16_t>(state);
      at -= shed;
      states[lane] = encode_step(state >> shed * kWordBits, entry);
    }
    words = at;
  }
};

}  // namespace nvczoo
