// Decodes a blob part by part.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "nvczoo/format.hpp"
#include "nvczoo/tables.hpp"
#include "nvczoo/words.hpp"

namespace nvczoo {

// One sub-stream: its lanes, and how far it has come.
class StreamDecoder {
 public:
  StreamDecoder(Bytes body, const Header& header);

  // Row indexes must have been checked against the tables.
  template <class Index>
  void decode(const Tables& tables, std::span<const Index> indexes, std::int32_t* symbols);
  void finish();

 private:
  void begin_tail();
  std::uint32_t take_in_tail();

  std::size_t lanes_;
  std::array<std::uint32_t, kMaxLanes> states_{};
  WordReader words_;
  std::uint64_t done_ = 0;       // symbols
  std::uint64_t rows_end_;       // where the tail begins
  std::optional<std::uint64_t> count_;
  bool in_tail_ = false;
  std::size_t seed_ = 1;         // the lane whose seed is taken next, once the words are used up
};

// `data` must outlive the decoder. After an exception every call throws.
class Decoder {
 public:
  explicit Decoder(Bytes data);

  template <class Index>
  void decode(const Tables& tables, std::span<const Index> indexes, std::span<std::int32_t> symbols);
  void finish();

 private:
  std::optional<std::uint8_t> fingerprint_;  // until it has been compared
  std::vector<StreamDecoder> streams_;       // none for empty data
  bool failed_ = false;
};

}  // namespace nvczoo
