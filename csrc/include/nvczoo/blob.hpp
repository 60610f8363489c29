// Coded sub-streams as bytes, whichever device coded them.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "nvczoo/encode_stream.hpp"
#include "nvczoo/format.hpp"

namespace nvczoo {

// One sub-stream when coded.
struct CodedStream {
  StreamCounts counts;
  std::array<std::uint32_t, kMaxLanes> states{};
  std::span<const std::uint16_t> words;
  std::vector<std::uint8_t> head;        // counts and states as bytes; made by Blob

  std::size_t size() const { return head.size() + words.size_bytes(); }
};

class Blob {
 public:
  Blob() = default;  // of no symbols, and so of no bytes
  Blob(std::vector<CodedStream> streams, unsigned lanes, bool checksum, std::optional<std::uint8_t> fingerprint);

  std::size_t size() const;
  void write(std::uint8_t* out) const;  // `size` bytes

 private:
  bool checksum_ = false;
  std::vector<std::uint8_t> header_;
  std::vector<CodedStream> streams_;
};

}  // namespace nvczoo
