#include "nvczoo/decoder.hpp"

#include <algorithm>
#include <string>

#include "nvczoo/arrays.hpp"
#include "nvczoo/blocks.hpp"
#include "nvczoo/crc32c.hpp"
#include "nvczoo/decode_rows.hpp"
#include "nvczoo/errors.hpp"
#include "nvczoo/threads.hpp"

namespace nvczoo {

StreamState open_stream(Bytes body, const Header& header) {
  StreamState stream;
  stream.lanes = 1u << header.log2_lanes;
  std::size_t position = 0;
  if (stream.lanes > 1) {
    std::uint64_t end = read_varint(body, position);
    std::uint64_t lengths[kMaxStages] = {};
    const unsigned stages = stages_of(stream.lanes);
    for (unsigned stage = 1; stage < stages; ++stage) lengths[stage] = read_varint(body, position);
    for (unsigned stage = kMaxStages; stage-- > 0; end -= lengths[stage]) {
      if (lengths[stage] > end) throw CorruptStream("the coded data claims impossible stages");
      stream.ends[stage] = end;
    }
  }
  read_states(body, position, std::span(stream.states).first(stream.lanes));
  if ((body.size() - position) % kWordBytes != 0) throw CorruptStream("the coded data has an odd number of bytes");
  stream.words = {body.data() + position, body.data() + body.size()};
  return stream;
}

std::vector<StreamState> open_streams(Bytes data, Header& header) {
  std::vector<StreamState> streams;
  if (data.empty()) return streams;
  std::size_t position = 0;
  header = read_header(data, position);
  if (header.checked) {
    if (data.size() - position < kCrcBytes) throw TruncatedStream("the coded data ends before its checksum");
    const Bytes stored = data.last(kCrcBytes);
    data = data.first(data.size() - kCrcBytes);
    if (crc32c(data) != (load_word(stored.data()) | load_word(stored.data() + kWordBytes) << kWordBits))
      throw CorruptStream("the checksum of the coded data does not match");
  }
  if (header.lengths.empty()) {
    streams.push_back(open_stream(data.subspan(position), header));
    return streams;
  }
  streams.reserve(header.lengths.size());
  for (const std::uint64_t length : header.lengths) {
    if (length > data.size() - position) throw TruncatedStream("the coded data ends within a sub-stream");
    streams.push_back(open_stream(data.subspan(position, length), header));
    position += length;
  }
  if (position != data.size()) throw CorruptStream("coded data is left over after the last sub-stream");
  return streams;
}

void check_fingerprint(std::optional<std::uint8_t> fingerprint, const Tables& tables) {
  if (fingerprint && *fingerprint != static_cast<std::uint8_t>(tables.checksum()))
    throw TableMismatch("the data was coded with other probability tables; decode with the model that wrote it");
}

Decoder::Decoder(Bytes data, const Kernels& kernels, unsigned threads) : kernels_(&kernels), threads_(threads) {
  Header header;
  streams_ = open_streams(data, header);
  fingerprint_ = header.fingerprint;
}

namespace {

// How many of `left` symbols of a part to decode next, if at most kPiece: so that no row is cut.
std::size_t next_piece(const StreamState& stream, std::size_t left) {
  unsigned stage = stream.stage;
  while (stage + 1 < kMaxStages && stream.done == stream.ends[stage]) ++stage;
  const auto share = static_cast<std::size_t>(std::min<std::uint64_t>(left, stream.ends[stage] - stream.done));
  if (stage == 0 || share % kPiece == 0) return std::min(share == 0 ? left : share, kPiece);
  return share % kPiece;  // of later stages the first row is the short one
}

template <class Index>
void decode_pieces(const Kernels& kernels, StreamState& stream, const TableView& tables, const Indexes<Index>& indexes,
                   std::int32_t* symbols, std::size_t count) {
  if (indexes.inner == 0) return kernels.decode(stream, tables, indexes.at, symbols, count);
  Index rows[kPiece];
  for (std::size_t done = 0; done < count && stream.words.fault == Fault::kNone;) {
    const std::size_t piece = next_piece(stream, count - done);
    kernels.decode(stream, tables, indexes.each(done, piece, rows), symbols + done, piece);
    done += piece;
  }
}

}  // namespace

template <class Index>
void Decoder::decode(const Tables& tables, std::span<const Index> rows, std::span<std::int32_t> symbols,
                     std::size_t inner) {
  check_indexes(tables, rows, inner, symbols.size());
  if (failed_) throw CorruptStream("this coded data has failed to decode before; open it again to try once more");
  if (symbols.empty()) return;
  failed_ = true;  // until the end is reached
  if (streams_.empty())
    throw TruncatedStream("the coded data is empty, but " + std::to_string(symbols.size()) + " symbols were asked for");
  check_fingerprint(fingerprint_, tables);
  fingerprint_.reset();
  const TableView view = tables.view();
  share(streams_.size(), threads_, [&](std::size_t i) {
    const auto [first, count] = block_of(symbols.size(), i, streams_.size());
    const auto indexes = Indexes<Index>{rows.data(), inner}.from(first);
    decode_pieces(*kernels_, streams_[i], view, indexes, symbols.data() + first, count);
  });
  for (const StreamState& stream : streams_) raise(stream.words.fault);
  failed_ = false;
}

void Decoder::finish() {
  if (failed_) throw CorruptStream("this coded data has failed to decode before; open it again to try once more");
  for (StreamState& stream : streams_) raise(finish_stream(stream, stream.states, stream.spare));
}

template void Decoder::decode(const Tables&, std::span<const std::uint8_t>, std::span<std::int32_t>, std::size_t);
template void Decoder::decode(const Tables&, std::span<const std::uint16_t>, std::span<std::int32_t>, std::size_t);

}  // namespace nvczoo
