#include "nvczoo/encoder.hpp"

#include <algorithm>
#include <bit>
#include <optional>
#include <string>
#include <utility>

#include "nvczoo/blocks.hpp"
#include "nvczoo/errors.hpp"
#include "nvczoo/encode_stream.hpp"
#include "nvczoo/escapes.hpp"
#include "nvczoo/format.hpp"
#include "nvczoo/threads.hpp"
#include "scalar/lane.hpp"

namespace nvczoo {
namespace {

constexpr unsigned kSampleBits = 12;       // symbols of a part that are priced, at least, as a power of two
constexpr unsigned kPayloadOfMany = 3000, kPayloadOfSome = 1500;  // bytes, of which 64 and 16 lanes cost 0.2 to 0.3 %
constexpr unsigned kPayloadPerStream = 19200;                     // so do sub-streams beyond the first
constexpr unsigned kByteShift = 19;        // from units of 2^-16 bit to bytes

template <class Call>
auto with_indexes(const Part& part, Call&& call) {
  return part.wide ? call(static_cast<const std::uint16_t*>(part.indexes))
                   : call(static_cast<const std::uint8_t*>(part.indexes));
}

template <class Index>
std::uint64_t estimate_part(const Part& part, const Index* indexes) {
  const std::size_t stride = part.symbols.size() >> kSampleBits | 1;  // odd, to walk through all columns
  const TableView tables = part.tables->view();
  std::uint64_t sum = 0;
  for (std::size_t i = 0; i < part.symbols.size(); i += stride) {
    const std::uint32_t steps = static_cast<std::uint32_t>(part.symbols[i]) - tables.offsets[indexes[i]];
    const std::uint32_t escape = tables.escapes[indexes[i]];
    if (steps >= escape) {
      const auto length = std::bit_width(escape_distance(tables.row(indexes[i]), part.symbols[i]));
      sum += (static_cast<std::uint64_t>(length) + 3) << 16;  // the length itself takes 3 bits or more
    }
    sum += part.tables->costs()[tables.firsts[indexes[i]] + std::min(steps, escape)];
  }
  return sum * stride;
}

void encode_rows_of(const Kernels& kernels, std::uint32_t* states, std::size_t lanes, const Part& part,
                    std::size_t first, std::size_t count, WordWriter& words) {
  const std::int32_t* symbols = part.symbols.data() + first;
  const TableView tables = part.tables->view();
  if (part.wide)
    kernels.encode_wide(states, lanes, tables, static_cast<const std::uint16_t*>(part.indexes) + first, symbols, count,
                        words);
  else
    kernels.encode_narrow(states, lanes, tables, static_cast<const std::uint8_t*>(part.indexes) + first, symbols,
                          count, words);
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

void choose_lanes(EncoderOptions& options, std::uint64_t payload_bytes) {
  if (options.lanes == 0) options.lanes = payload_bytes >= kPayloadOfMany ? 64 : payload_bytes >= kPayloadOfSome ? 16 : 1;
  if (options.streams == 0)
    options.streams = static_cast<unsigned>(std::clamp<std::uint64_t>(payload_bytes / kPayloadPerStream, 1, kMaxStreams));
}

// Throws for the first symbol that its row cannot code.
void raise_no_escape(std::span<const Part> parts) {
  for (const Part& part : parts)
    for (std::size_t i = 0; i < part.symbols.size(); ++i) {
      const std::uint32_t index = with_indexes(part, [&](const auto* at) { return std::uint32_t{at[i]}; });
      const Row row = part.tables->view().row(index);
      const std::int64_t steps = std::int64_t{part.symbols[i]} - row.offset;
      if ((steps < 0 || steps >= row.escape) && !row.has_escape)
        throw SettingError("symbol " + std::to_string(part.symbols[i]) + " cannot be coded: table row " +
                           std::to_string(index) + " has no escape; give that row one, or clip the symbols");
    }
}

}  // namespace

void EncoderOptions::check() const {
  if (lanes > kMaxLanes || (lanes != 0 && !std::has_single_bit(lanes)))
    throw SettingError(std::to_string(lanes) + " lanes were asked for; powers of two up to 64 are possible, or 0");
  if (streams > kMaxStreams)
    throw SettingError(std::to_string(streams) + " sub-streams were asked for; up to 1024 are possible, or 0");
  if (threads > kMaxThreads)
    throw SettingError(std::to_string(threads) + " threads were asked for; up to 256 are possible, or 0");
}

std::uint64_t estimate_payload(std::span<const Part> parts) {
  std::uint64_t total = 0;
  for (const Part& part : parts)
    total += with_indexes(part, [&](const auto* indexes) { return estimate_part(part, indexes); });
  return total;
}

Coded::Coded(std::span<const Part> parts, EncoderOptions options, const Kernels& kernels) {
  options.check();
  const auto first = std::find_if(parts.begin(), parts.end(), [](const Part& part) { return !part.symbols.empty(); });
  if (first == parts.end()) return;
  const std::uint64_t payload_bytes = estimate_payload(parts) >> kByteShift;
  choose_lanes(options, payload_bytes);
  const std::uint64_t expected_bytes = payload_bytes / options.streams;
  for (unsigned i = 0; i < options.streams; ++i) words_.emplace_back(expected_bytes / kWordBytes + expected_bytes / 16);
  std::vector<CodedStream> streams(options.streams);
  share(options.streams, options.threads, [&](std::size_t i) {
    const std::vector<Part> own = cut(parts, i, options.streams);
    CodedStream& stream = streams[i];
    WordWriter& words = words_[i];
    stream.counts = encode_stream<scalar::Lane>(
        stream.states.data(), options.lanes, own.size(), words,
        [&](std::size_t part) { return own[part].symbols.size(); },
        [&](std::size_t lanes, std::size_t part, std::size_t first_of_part, std::size_t count) {
          encode_rows_of(lanes > 1 ? kernels : kScalarKernels, stream.states.data(), lanes, own[part], first_of_part,
                         count, words);
        });
    stream.words = words.words();
  });
  for (const WordWriter& words : words_)
    if (words.fault() != Fault::kNone) raise_no_escape(parts);
  std::optional<std::uint8_t> fingerprint;
  if (options.fingerprint) fingerprint = static_cast<std::uint8_t>(first->tables->checksum());
  blob_ = Blob(std::move(streams), options.lanes, options.checksum, fingerprint);
}

std::vector<std::uint8_t> encode(std::span<const Part> parts, EncoderOptions options, const Kernels& kernels) {
  const Coded coded(parts, options, kernels);
  std::vector<std::uint8_t> out(coded.size());
  coded.write(out.data());
  return out;
}

}  // namespace nvczoo
