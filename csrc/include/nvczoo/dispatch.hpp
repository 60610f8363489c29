// From lanes, precision and rows, known when running, to kernels compiled for them. Included by each backend.
#pragma once

#include <cstddef>
#include <cstdint>

#include "nvczoo/decode_rows.hpp"
#include "nvczoo/encode_rows.hpp"
#include "nvczoo/format.hpp"
#include "nvczoo/tables.hpp"

namespace nvczoo {

// Calls `call` with the precision, and whether rows are few and their symbols short, as template arguments.
template <class Index, class Call>
NVCZOO_INLINE void with_tables(const TableView& tables, Call&& call) {
  // Others than the usual tables, which are many to compile for, ask for the precision as they go.
  constexpr bool kWide = sizeof(Index) > 1;
  if (kWide || tables.precision != kUsualPrecision || tables.rows > kFewRows ||
      !tables.short_symbols)
    return call.template operator()<0, false>();
  if constexpr (!kWide) call.template operator()<kUsualPrecision, true>();
}

// A backend `B` for rows of B::width, 2 B::width ... up to 64 lanes; `narrower` does what is below.
template <class B, class Narrower>
struct Vectors {
  template <class Index>
  static void decode(StreamState& stream, const TableView& tables, const Index* indexes, std::int32_t* symbols,
                     std::size_t count) {
    decode_part<B>(stream, stream.states, stream.spare, count, [&](std::size_t first, std::size_t in_rows) {
      if (stream.lanes < B::width) return Narrower::decode(stream, tables, indexes + first, symbols + first, in_rows);
      with_tables<Index>(tables, [&]<unsigned kPrecision, bool kFew>() {
        by_lanes<kFew>(stream.lanes, [&]<unsigned kGroups, bool kResident>() {
          decode_rows<B, kGroups, kResident, kPrecision, kFew>(stream.states, stream.lanes, tables, indexes + first,
                                                               symbols + first, in_rows, stream.words);
        });
      });
    });
  }

  template <class Index>
  static void encode(std::uint32_t* states, std::size_t lanes, const TableView& tables, const Index* indexes,
                     const std::int32_t* symbols, std::size_t count, WordWriter& words) {
    if (lanes < B::width) return Narrower::encode(states, lanes, tables, indexes, symbols, count, words);
    with_tables<Index>(tables, [&]<unsigned kPrecision, bool kFew>() {
      by_lanes<kFew>(lanes, [&]<unsigned kGroups, bool kResident>() {
        encode_rows<B, kGroups, kResident, kPrecision, kFew>(states, lanes, tables, indexes, symbols, count, words);
      });
    });
  }

 private:
  // The states of all lanes stay in registers for the usual tables, and are loaded group by group for others.
  template <bool kUsual, class Call>
  static NVCZOO_INLINE void by_lanes(std::size_t lanes, Call&& call) {
    if constexpr (!kUsual) return call.template operator()<1, false>();
    if constexpr (8 * B::width <= kMaxLanes)
      if (lanes == 8 * B::width) return call.template operator()<8, true>();
    if constexpr (4 * B::width <= kMaxLanes)
      if (lanes == 4 * B::width) return call.template operator()<4, true>();
    if constexpr (2 * B::width <= kMaxLanes)
      if (lanes == 2 * B::width) return call.template operator()<2, true>();
    call.template operator()<1, true>();
  }
};

}  // namespace nvczoo
