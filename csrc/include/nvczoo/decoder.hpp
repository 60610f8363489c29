// Decodes a blob part by part.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "nvczoo/format.hpp"
#include "nvczoo/kernels.hpp"
#include "nvczoo/stream_state.hpp"
#include "nvczoo/tables.hpp"

namespace nvczoo {

// Reads the counts and states of a sub-stream.
StreamState open_stream(Bytes body, const Header& header);

// Reads the header, checks the checksum, and opens all sub-streams; none for empty data.
std::vector<StreamState> open_streams(Bytes data, Header& header);

// Throws TableMismatch if the data names other tables.
void check_fingerprint(std::optional<std::uint8_t> fingerprint, const Tables& tables);

// `data` must outlive the decoder. After an exception every call throws.
class Decoder {
 public:
  explicit Decoder(Bytes data, const Kernels& kernels = find_kernels(), unsigned threads = 1);

  // `rows` are all indexes that there are: one for each symbol, or (if `inner` is not 0) for `inner` symbols in turn.
  template <class Index>
  void decode(const Tables& tables, std::span<const Index> rows, std::span<std::int32_t> symbols,
              std::size_t inner = 0);
  void finish();

 private:
  std::optional<std::uint8_t> fingerprint_;  // until it has been compared
  std::vector<StreamState> streams_;         // none for empty data
  const Kernels* kernels_;
  unsigned threads_;
  bool failed_ = false;
};

}  // namespace nvczoo
