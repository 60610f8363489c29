#include "nvczoo/blob.hpp"

#include <algorithm>
#include <bit>
#include <cstring>
#include <utility>

#include "nvczoo/crc32c.hpp"

namespace nvczoo {

Blob::Blob(std::vector<CodedStream> streams, unsigned lanes, bool checksum, std::optional<std::uint8_t> fingerprint)
    : checksum_(checksum), streams_(std::move(streams)) {
  Header header;
  header.log2_lanes = static_cast<unsigned>(std::bit_width(lanes)) - 1;
  header.checked = checksum;
  header.fingerprint = fingerprint;
  for (CodedStream& stream : streams_) {
    if (lanes > 1) write_varint(stream.head, stream.counts.count);
    for (unsigned stage = 1; stage < stages_of(lanes); ++stage) write_varint(stream.head, stream.counts.of_stage[stage]);
    write_states(stream.head, std::span(stream.states).first(lanes));
    if (streams_.size() > 1) header.lengths.push_back(stream.size());
  }
  header_ = header.to_bytes();
}

std::size_t Blob::size() const {
  std::size_t size = header_.size() + (checksum_ ? kCrcBytes : 0);
  for (const CodedStream& stream : streams_) size += stream.size();
  return size;
}

void Blob::write(std::uint8_t* out) const {
  std::uint8_t* at = std::copy(header_.begin(), header_.end(), out);
  for (const CodedStream& stream : streams_) {
    at = std::copy(stream.head.begin(), stream.head.end(), at);
    if constexpr (std::endian::native == std::endian::little) {
      if (stream.words.empty()) continue;
      std::memcpy(at, stream.words.data(), stream.words.size_bytes());
      at += stream.words.size_bytes();
    } else {
      for (const std::uint16_t word : stream.words) {
        store_word(at, word);
        at += kWordBytes;
      }
    }
  }
  if (!checksum_) return;
  const std::uint32_t crc = crc32c({out, at});
  for (unsigned shift = 0; shift < 32; shift += 8) *at++ = static_cast<std::uint8_t>(crc >> shift);
}

}  // namespace nvczoo
