#include "nvczoo/format.hpp"

#include <bit>
#include <string>

#include "nvczoo/errors.hpp"

namespace nvczoo {
namespace {

constexpr unsigned kFlagChecked = 4, kFlagMulti = 8, kFlagFingerprint = 16;  // 1 and 2 were of version 1
constexpr unsigned kFlagsKnown = kFlagChecked | kFlagMulti | kFlagFingerprint;
constexpr unsigned kMoreFlags = 0x80;

std::uint8_t take_byte(Bytes data, std::size_t& position) {
  if (position >= data.size()) throw TruncatedStream("the coded data ends within its header");
  return data[position++];
}

}  // namespace

void write_varint(std::vector<std::uint8_t>& out, std::uint64_t value) {
  for (; value >= 0x80; value >>= 7) out.push_back(static_cast<std::uint8_t>(value | 0x80));
  out.push_back(static_cast<std::uint8_t>(value));
}

std::uint64_t read_varint(Bytes data, std::size_t& position) {
  std::uint64_t value = 0;
  for (unsigned i = 0; i < kVarintBytes; ++i) {
    const unsigned byte = take_byte(data, position);
    value |= static_cast<std::uint64_t>(byte & 0x7f) << (7 * i);
    if (byte < 0x80) {
      if (byte == 0 && i > 0) throw CorruptStream("a number in the coder's header is longer than it need be");
      return value;
    }
  }
  throw CorruptStream("a number in the coder's header is too large");
}

std::vector<std::uint8_t> Header::to_bytes() const {
  const bool multi = !lengths.empty();
  const unsigned flags =
      (checked ? kFlagChecked : 0) | (multi ? kFlagMulti : 0) | (fingerprint ? kFlagFingerprint : 0);
  std::vector<std::uint8_t> out;
  out.push_back(static_cast<std::uint8_t>(kVersion | log2_lanes << 4 | (flags != 0 ? kMoreFlags : 0)));
  if (flags != 0) out.push_back(static_cast<std::uint8_t>(flags));
  if (fingerprint) out.push_back(*fingerprint);
  if (multi) {
    write_varint(out, lengths.size());
    for (const std::uint64_t length : lengths) write_varint(out, length);
  }
  return out;
}

Header read_header(Bytes data, std::size_t& position) {
  Header header;
  const unsigned first = take_byte(data, position);
  const unsigned version = first & 15;
  if (version != kVersion)
    throw UnsupportedStream("the coded data has format version " + std::to_string(version) + ", this coder reads " +
                            std::to_string(kVersion) + "; it is damaged or needs a newer nvczoo");
  header.log2_lanes = first >> 4 & 7;
  if (header.log2_lanes > kLog2MaxLanes)
    throw UnsupportedStream("the coded data uses a lane count that this version does not know; update nvczoo");
  const unsigned flags = (first & kMoreFlags) != 0 ? take_byte(data, position) : 0;
  if ((flags & ~kFlagsKnown) != 0)
    throw UnsupportedStream("the coded data uses a feature that this version does not know; update nvczoo");
  if (flags == 0 && (first & kMoreFlags) != 0) throw CorruptStream("the coder's header announces flags but has none");
  header.checked = (flags & kFlagChecked) != 0;
  if ((flags & kFlagFingerprint) != 0) header.fingerprint = take_byte(data, position);
  if ((flags & kFlagMulti) != 0) {
    const std::uint64_t streams = read_varint(data, position);
    if (streams < 2 || streams > kMaxStreams)
      throw CorruptStream("the coded data claims " + std::to_string(streams) + " sub-streams; 2 to " +
                          std::to_string(kMaxStreams) + " are possible");
    if (streams > data.size() - position) throw TruncatedStream("the coded data ends within its header");
    header.lengths.reserve(streams);
    for (std::uint64_t i = 0; i < streams; ++i) header.lengths.push_back(read_varint(data, position));
  }
  return header;
}

void write_states(std::vector<std::uint8_t>& out, std::span<const std::uint32_t> states) {
  std::uint64_t bits = 0;
  unsigned count = 0;
  const auto put = [&](std::uint32_t value, unsigned width) {
    bits |= static_cast<std::uint64_t>(value) << count;
    for (count += width; count >= 8; count -= 8, bits >>= 8) out.push_back(static_cast<std::uint8_t>(bits));
  };
  for (const std::uint32_t state : states) {
    const unsigned width = static_cast<unsigned>(std::bit_width(state)) - 1;  // 16 to 31
    put(width - kWordBits, kExponentBits);
    put(state - (1u << width), width);
  }
  if (count > 0) out.push_back(static_cast<std::uint8_t>(bits));
}

void read_states(Bytes data, std::size_t& position, std::span<std::uint32_t> states) {
  std::uint64_t bits = 0;
  unsigned count = 0;
  const auto get = [&](unsigned width) {
    for (; count < width; count += 8) {
      if (position >= data.size()) throw TruncatedStream("the coded data ends within the states of its lanes");
      bits |= static_cast<std::uint64_t>(data[position++]) << count;
    }
    const auto value = static_cast<std::uint32_t>(bits & ((1ull << width) - 1));
    bits >>= width;
    count -= width;
    return value;
  };
  for (std::uint32_t& state : states) {
    const unsigned width = get(kExponentBits) + kWordBits;
    state = (1u << width) + get(width);
  }
  if (bits != 0) throw CorruptStream("the padding after the states of the lanes is not zero");
}

}  // namespace nvczoo
