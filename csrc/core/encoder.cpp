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
constexpr unsigned kPayloadPerStream = 19200, kPayloadPerGpuStream = 1200;  // a sub-stream costs 12 bytes
constexpr unsigned kByteShift = 19;        // from units of 2^-16 bit to bytes

// The price of a part from symbol `first` on, in units of 2^-16 bit.
template <class Index>
std::uint64_t estimate_part(const Part& part, const Indexes<Index>& indexes, std::size_t first) {
  const std::size_t stride = (part.symbols.size() - first) >> kSampleBits | 1;  // odd, to walk through all columns
  const TableView tables = part.tables->view();
  std::uint64_t sum = 0;
  for (std::size_t i = first; i < part.symbols.size(); i += stride) {
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

void encode_piece(const Kernels& kernels, std::uint32_t* states, std::size_t lanes, const TableView& tables,
                  const std::uint8_t* indexes, const std::int32_t* symbols, std::size_t count, WordWriter& words) {
  kernels.encode_narrow(states, lanes, tables, indexes, symbols, count, words);
}
void encode_piece(const Kernels& kernels, std::uint32_t* states, std::size_t lanes, const TableView& tables,
                  const std::uint16_t* indexes, const std::int32_t* symbols, std::size_t count, WordWriter& words) {
  kernels.encode_wide(states, lanes, tables, indexes, symbols, count, words);
}

// Rows of a part, from symbol `first` on: at once if kernels can take them as they are, else piece by piece.
template <class Index>
void encode_rows_of(const Kernels& kernels, std::uint32_t* states, std::size_t lanes, const Part& part,
                    const Indexes<Index>& indexes, std::size_t first, std::size_t count, WordWriter& words) {
  std::int32_t symbols[kPiece];
  Index rows[kPiece];
  const bool in_place = part.symbols.bytes == sizeof(std::int32_t) && indexes.inner == 0;
  const std::size_t piece = in_place ? std::max<std::size_t>(count, 1) : kPiece;
  for (std::size_t end = count; end > 0 && words.fault() == Fault::kNone;) {
    const std::size_t begin = (end - 1) / piece * piece, at = first + begin;
    encode_piece(kernels, states, lanes, part.tables->view(), indexes.each(at, end - begin, rows),
                 part.symbols.as_int32(at, end - begin, symbols), end - begin, words);
    end = begin;
  }
}

std::vector<Part> cut(std::span<const Part> parts, std::size_t block, std::size_t blocks) {
  std::vector<Part> out;
  for (const Part& part : parts) {
    const auto [first, count] = block_of(part.symbols.size(), block, blocks);
    Part own = part;
    own.symbols = part.symbols.from(first, count);
    part.with_indexes([&, first = first](const auto& indexes) {
      const auto later = indexes.from(first);
      own.indexes = later.at;
      own.skipped = later.skipped;
    });
    out.push_back(own);
  }
  return out;
}

std::uint64_t estimate(const Part& part, std::size_t first) {
  return part.with_indexes([&](const auto& indexes) { return estimate_part(part, indexes, first); });
}

// The price of the last symbols, which later stages can take.
std::uint64_t estimate_end(std::span<const Part> parts) {
  std::uint64_t total = 0;
  std::size_t left = kStageCap;
  for (std::size_t i = parts.size(); i-- > 0 && left > 0;) {
    const std::size_t size = parts[i].symbols.size(), taken = std::min(size, left);
    total += estimate(parts[i], size - taken);
    left -= taken;
  }
  return total;
}

// A lane that begins empty costs 20 bits, one that is filled with 28 nothing. Lanes that later stages cannot fill may
// cost 0.25 %; lengths and header cost up to 0.3 % of the least payloads.
unsigned lanes_for(std::uint64_t payload_bytes, std::uint64_t fill) {
  for (const unsigned lanes : {64u, 16u, 4u})
    if (payload_bytes >= (lanes == 64 ? 3000u : 1500u) && 7000u * lanes <= 7 * payload_bytes + 2000 * fill) return lanes;
  return 1;
}

void choose_lanes(EncoderOptions& options, std::uint64_t payload_bytes, std::span<const Part> parts) {
  if (options.lanes == 0)
    options.lanes = options.for_gpu ? kMaxLanes : lanes_for(payload_bytes, estimate_end(parts) >> kByteShift);
  const unsigned each = options.for_gpu ? kPayloadPerGpuStream : kPayloadPerStream;
  if (options.streams == 0)
    options.streams = static_cast<unsigned>(std::clamp<std::uint64_t>(payload_bytes / each, 1, kMaxStreams));
}

// Throws for the first symbol that its row cannot code.
void raise_no_escape(std::span<const Part> parts) {
  for (const Part& part : parts)
    for (std::size_t i = 0; i < part.symbols.size(); ++i) {
      const std::uint32_t index = part.with_indexes([&](const auto& indexes) { return indexes[i]; });
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
  for (const Part& part : parts) total += estimate(part, 0);
  return total;
}

Coded::Coded(std::span<const Part> parts, EncoderOptions options, const Kernels& kernels) {
  options.check();
  const auto first = std::find_if(parts.begin(), parts.end(), [](const Part& part) { return !part.symbols.empty(); });
  if (first == parts.end()) return;
  const std::uint64_t payload_bytes = estimate_payload(parts) >> kByteShift;
  choose_lanes(options, payload_bytes, parts);
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
          own[part].with_indexes([&](const auto& indexes) {
            encode_rows_of(lanes > 1 ? kernels : kScalarKernels, stream.states.data(), lanes, own[part], indexes,
                           first_of_part, count, words);
          });
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
