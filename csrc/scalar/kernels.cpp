#include "nvczoo/kernels.hpp"

#include "nvczoo/dispatch.hpp"
#include "scalar/kernels.hpp"
#include "scalar/lane.hpp"

namespace nvczoo {
namespace {

constexpr unsigned kInRegisters = 8;  // lanes; more do not fit, and wait for each other no less

template <bool kUsual, class Call>
void by_lanes(std::size_t lanes, Call&& call) {
  if constexpr (!kUsual) return call.template operator()<1, false>();
  if (lanes > kInRegisters) return call.template operator()<kInRegisters, false>();
  if (lanes == 8) return call.template operator()<8, true>();
  if (lanes == 4) return call.template operator()<4, true>();
  if (lanes == 2) return call.template operator()<2, true>();
  call.template operator()<1, true>();
}

template <class Index, class Call>
void by_shape(const TableView& tables, std::size_t lanes, Call&& call) {
  with_tables<Index>(tables, [&]<unsigned kPrecision, bool kFew>() {
    by_lanes<kFew>(lanes, [&]<unsigned kGroups, bool kResident>() {
      call.template operator()<kGroups, kResident, kPrecision, kFew>();
    });
  });
}

template <class Index>
void decode_in_rows(StreamState& stream, const TableView& tables, const Index* indexes, std::int32_t* symbols,
                    std::size_t count) {
  if (stream.stage > 0)  // branches: of few symbols, they cost less than waiting for the choice
    return decode_narrow<scalar::Lane>(stream.states, stream.lanes, tables, indexes, symbols, count, stream.words);
  by_shape<Index>(tables, stream.lanes, [&]<unsigned kGroups, bool kResident, unsigned kPrecision, bool kFew>() {
    decode_rows<scalar::Lane, kGroups, kResident, kPrecision, kFew>(stream.states, stream.lanes, tables, indexes,
                                                                     symbols, count, stream.words);
  });
}

template <class Index>
void decode(StreamState& stream, const TableView& tables, const Index* indexes, std::int32_t* symbols,
            std::size_t count) {
  decode_part<scalar::Lane>(stream, stream.states, stream.spare, count, [&](std::size_t first, std::size_t in_rows) {
    decode_in_rows(stream, tables, indexes + first, symbols + first, in_rows);
  });
}

template <class Index>
void encode(std::uint32_t* states, std::size_t lanes, const TableView& tables, const Index* indexes,
            const std::int32_t* symbols, std::size_t count, WordWriter& words) {
  by_shape<Index>(tables, lanes, [&]<unsigned kGroups, bool kResident, unsigned kPrecision, bool kFew>() {
    encode_rows<scalar::Lane, kGroups, kResident, kPrecision, kFew>(states, lanes, tables, indexes, symbols, count,
                                                                     words);
  });
}

}  // namespace

void scalar::Rows::decode(StreamState& stream, const TableView& tables, const std::uint8_t* indexes,
                          std::int32_t* symbols, std::size_t count) {
  decode_in_rows(stream, tables, indexes, symbols, count);
}
void scalar::Rows::decode(StreamState& stream, const TableView& tables, const std::uint16_t* indexes,
                          std::int32_t* symbols, std::size_t count) {
  decode_in_rows(stream, tables, indexes, symbols, count);
}

const Kernels kScalarKernels = {"scalar", decode<std::uint8_t>, decode<std::uint16_t>, encode<std::uint8_t>,
                                encode<std::uint16_t>, &kScalarGridKernels};

}  // namespace nvczoo
