#include "nvczoo/encoder.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <string>

#include "nvczoo/blocks.hpp"
#include "nvczoo/crc32c.hpp"
#include "nvczoo/errors.hpp"
#include "nvczoo/format.hpp"
#include "nvczoo/rows.hpp"
#include "nvczoo/words.hpp"
#include "scalar/group.hpp"

namespace nvczoo {
namespace {

constexpr unsigned kSampleBits = 12;       // symbols of a part that are priced, at least, as a power of two
constexpr unsigned kPayloadPerLane = 300;  // bytes: a lane costs 0.6, so all of them 0.2 %
constexpr unsigned kByteShift = 19;        // from units of 2^-16 bit to bytes

struct Body {
  std::uint64_t count = 0, tail = 0;
  std::array<std::uint32_t, kMaxLanes> states{};
  WordWriter words;
  std::size_t seeds = 0;  // words at the end that became the low halves of lanes
};

template <class Call>
auto with_indexes(const Part& part, Call&& call) {
  return part.wide ? call(static_cast<const std::uint16_t*>(part.indexes))
                   : call(static_cast<const std::uint8_t*>(part.indexes));
}

template <class Index>
std::uint64_t estimate_part(const Part& part, const Index* indexes) {
  const std::size_t stride = part.symbols.size() >> kSampleBits | 1;  // odd, to walk through all columns
  const Row* rows = part.tables->rows().data();
  std::uint64_t sum = 0;
  for (std::size_t i = 0; i < part.symbols.size(); i += stride) {
    const Row& row = rows[indexes[i]];
    std::uint32_t entry = 0;
    if (ScalarGroup<1, 0>::find(*part.tables, indexes + i, part.symbols.data() + i, &entry)) {
      const auto length = static_cast<std::uint64_t>(std::bit_width(escape_distance(row, part.symbols[i])));
      sum += (length + 3) << 16;  // the length itself takes 3 bits or more
    }
    sum += part.tables->costs()[entry];
  }
  return sum * stride;
}

// Codes the last symbols of all with lane 0 alone, until its words suffice as seeds of the other lanes.
void encode_tail(std::span<const Part> parts, std::size_t lanes, Body& body) {
  for (std::size_t p = parts.size(); p-- > 0;) {
    const Part& part = parts[p];
    const bool full = with_indexes(part, [&](const auto* indexes) {
      for (std::size_t i = part.symbols.size(); i-- > 0;) {
        if (body.words.size() >= lanes - 1 || body.tail == kTailCap) return true;
        encode_row<ScalarGroup<1, 0>>(body.states.data(), 1, *part.tables, indexes + i, part.symbols.data() + i,
                                      body.words);
        ++body.tail;
      }
      return false;
    });
    if (full) break;
  }
  body.seeds = std::min(body.words.size(), lanes - 1);
  const auto words = body.words.words();
  for (std::size_t i = 0; i < body.seeds; ++i) body.states[i + 1] += words[words.size() - body.seeds + i];
}

template <class Index>
void encode_part(std::uint32_t* states, std::size_t lanes, const Part& part, const Index* indexes, std::size_t count,
                 WordWriter& words) {
  const auto rows = [&]<unsigned Precision>() {
    const auto run = [&]<class Group>() {
      encode_rows<Group, ScalarGroup<1, Precision>>(states, lanes, *part.tables, indexes, part.symbols.data(), count,
                                                    words);
    };
    if (lanes >= 8) return run.template operator()<ScalarGroup<8, Precision>>();
    if (lanes == 4) return run.template operator()<ScalarGroup<4, Precision>>();
    if (lanes == 2) return run.template operator()<ScalarGroup<2, Precision>>();
    return run.template operator()<ScalarGroup<1, Precision>>();
  };
  if (part.tables->precision() == kUsualPrecision) return rows.template operator()<kUsualPrecision>();
  return rows.template operator()<0>();
}

Body encode_stream(std::span<const Part> parts, std::size_t lanes, std::uint64_t expected_bytes) {
  Body body{.words = WordWriter(expected_bytes / kWordBytes + expected_bytes / 16)};
  std::fill_n(body.states.begin(), lanes, kStateLow);
  for (const Part& part : parts) body.count += part.symbols.size();
  if (lanes > 1) encode_tail(parts, lanes, body);
  std::uint64_t left_in_tail = body.tail;
  for (std::size_t p = parts.size(); p-- > 0;) {
    const std::uint64_t in_tail = std::min<std::uint64_t>(left_in_tail, parts[p].symbols.size());
    left_in_tail -= in_tail;
    const std::size_t in_rows = parts[p].symbols.size() - in_tail;
    with_indexes(parts[p], [&](const auto* indexes) {
      encode_part(body.states.data(), lanes, parts[p], indexes, in_rows, body.words);
    });
  }
  return body;
}

std::vector<Part> cut(std::span<const Part> parts, std::size_t block, std::size_t blocks) {
  std::vector<Part> out;
  for (const Part& part : parts) {
    const auto [first, count] = block_of(part.symbols.size(), block, blocks);
    const void* indexes =
        with_indexes(part, [first = first](const auto* at) { return static_cast<const void*>(at + first); });
    out.push_back({part.symbols.subspan(first, count), indexes, part.wide, part.tables});
  }
  return out;
}

void write_body(std::vector<std::uint8_t>& out, const Body& body, const Header& header) {
  if (header.counted) write_varint(out, body.count);
  if (header.seeded) write_varint(out, body.tail);
  write_states(out, std::span(body.states).first(std::size_t{1} << header.log2_lanes));
  const auto words = body.words.words().first(body.words.size() - body.seeds);
  const std::size_t at = out.size();
  out.resize(at + words.size() * kWordBytes);
  for (std::size_t i = 0; i < words.size(); ++i) store_word(out.data() + at + i * kWordBytes, words[i]);
}

// Lanes and sub-streams for a payload: 1 lane below 800 bytes, 64 from 13 kB on, then sub-streams of 64.
void choose_lanes(EncoderOptions& options, std::uint64_t payload_bytes) {
  const std::uint64_t total = payload_bytes / kPayloadPerLane;
  if (options.lanes == 0) {
    options.lanes = 1;
    for (unsigned lanes = 4; lanes <= kMaxLanes; lanes *= 2)
      if (2 * lanes <= 3 * total) options.lanes = lanes;
  }
  if (options.streams == 0)
    options.streams = static_cast<unsigned>(std::clamp<std::uint64_t>(total / kMaxLanes, 1, kMaxStreams));
}

}  // namespace

void EncoderOptions::check() const {
  if (lanes > kMaxLanes || (lanes != 0 && !std::has_single_bit(lanes)))
    throw SettingError(std::to_string(lanes) + " lanes were asked for; powers of two up to 64 are possible, or 0");
  if (streams > kMaxStreams)
    throw SettingError(std::to_string(streams) + " sub-streams were asked for; up to 1024 are possible, or 0");
}

std::uint64_t estimate_payload(std::span<const Part> parts) {
  std::uint64_t total = 0;
  for (const Part& part : parts)
    total += with_indexes(part, [&](const auto* indexes) { return estimate_part(part, indexes); });
  return total;
}

std::vector<std::uint8_t> encode(std::span<const Part> parts, EncoderOptions options) {
  options.check();
  const auto first = std::find_if(parts.begin(), parts.end(), [](const Part& part) { return !part.symbols.empty(); });
  if (first == parts.end()) return {};
  const std::uint64_t payload_bytes = estimate_payload(parts) >> kByteShift;
  choose_lanes(options, payload_bytes);

  std::vector<Body> bodies;
  for (std::size_t i = 0; i < options.streams; ++i)
    bodies.push_back(encode_stream(cut(parts, i, options.streams), options.lanes, payload_bytes / options.streams));

  Header header;
  header.log2_lanes = static_cast<unsigned>(std::bit_width(options.lanes)) - 1;
  header.counted = options.lanes > 1;
  header.seeded = std::any_of(bodies.begin(), bodies.end(), [](const Body& body) { return body.tail > 0; });
  header.checked = options.checksum;
  if (options.fingerprint) header.fingerprint = static_cast<std::uint8_t>(first->tables->checksum());
  std::vector<std::uint8_t> coded;
  for (const Body& body : bodies) {
    const std::size_t before = coded.size();
    write_body(coded, body, header);
    if (bodies.size() > 1) header.lengths.push_back(coded.size() - before);
  }
  std::vector<std::uint8_t> out = header.to_bytes();
  out.insert(out.end(), coded.begin(), coded.end());
  if (options.checksum) {
    const std::uint32_t crc = crc32c(out);
    for (unsigned shift = 0; shift < 32; shift += 8) out.push_back(static_cast<std::uint8_t>(crc >> shift));
  }
  return out;
}

}  // namespace nvczoo
