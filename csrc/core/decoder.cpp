#include "nvczoo/decoder.hpp"

#include <algorithm>
#include <limits>
#include <string>

#include "nvczoo/blocks.hpp"
#include "nvczoo/crc32c.hpp"
#include "nvczoo/errors.hpp"
#include "nvczoo/rows.hpp"
#include "scalar/group.hpp"

namespace nvczoo {

StreamDecoder::StreamDecoder(Bytes body, const Header& header)
    : lanes_(1u << header.log2_lanes), rows_end_(std::numeric_limits<std::uint64_t>::max()) {
  std::size_t position = 0;
  if (header.counted) {
    count_ = read_varint(body, position);
    const std::uint64_t tail = header.seeded ? read_varint(body, position) : 0;
    if (tail > kTailCap || tail > *count_) throw CorruptStream("the coded data claims an impossible tail");
    rows_end_ = *count_ - tail;
  }
  read_states(body, position, std::span(states_).first(lanes_));
  if ((body.size() - position) % kWordBytes != 0) throw CorruptStream("the coded data has an odd number of bytes");
  words_ = {body.data() + position, body.data() + body.size()};
}

void StreamDecoder::begin_tail() {
  for (std::size_t lane = 1; lane < lanes_; ++lane)
    if (states_[lane] >> kWordBits != 1) throw CorruptStream("a lane did not end where its encoder began");
  in_tail_ = true;
}

std::uint32_t StreamDecoder::take_in_tail() {
  if (words_.left() > 0 || seed_ >= lanes_) return words_.take();
  return states_[seed_++] - kStateLow;
}

template <class Index>
void StreamDecoder::decode(const Tables& tables, std::span<const Index> indexes, std::int32_t* symbols) {
  if (count_ && indexes.size() > *count_ - done_)
    throw CorruptStream("the coded data holds " + std::to_string(*count_) + " symbols, but at least " +
                        std::to_string(done_ + indexes.size()) + " were asked for");
  const std::size_t in_rows = std::min<std::uint64_t>(indexes.size(), rows_end_ - std::min(done_, rows_end_));
  const auto rows = [&]<unsigned Precision>() {
    const auto run = [&]<class Group>() {
      decode_rows<Group>(states_.data(), lanes_, tables, indexes.data(), symbols, in_rows, words_);
    };
    if (lanes_ >= 8) return run.template operator()<ScalarGroup<8, Precision>>();
    if (lanes_ == 4) return run.template operator()<ScalarGroup<4, Precision>>();
    if (lanes_ == 2) return run.template operator()<ScalarGroup<2, Precision>>();
    return run.template operator()<ScalarGroup<1, Precision>>();
  };
  if (tables.precision() == kUsualPrecision)
    rows.template operator()<kUsualPrecision>();
  else
    rows.template operator()<0>();
  if (in_rows < indexes.size() && !in_tail_) begin_tail();
  const auto take = [&] { return take_in_tail(); };
  for (std::size_t i = in_rows; i < indexes.size(); ++i) {
    const Row& row = tables.rows()[indexes[i]];
    if (decode_checked(states_[0], tables, row, symbols[i], take))
      symbols[i] = escape_symbol(row, decode_distance(states_[0], take));
  }
  done_ += indexes.size();
}

void StreamDecoder::finish() {
  if (count_ && done_ != *count_)
    throw CorruptStream("the coded data holds " + std::to_string(*count_) + " symbols, but only " +
                        std::to_string(done_) + " were read");
  if (!in_tail_) begin_tail();
  if (words_.left() > 0) throw CorruptStream("coded data is left over after the last symbol");
  for (; seed_ < lanes_; ++seed_)
    if (states_[seed_] != kStateLow) throw CorruptStream("a lane did not end where its encoder began");
  if (states_[0] != kStateLow) throw CorruptStream("the first lane did not end where its encoder began");
}

Decoder::Decoder(Bytes data) {
  if (data.empty()) return;
  std::size_t position = 0;
  const Header header = read_header(data, position);
  if (header.checked) {
    if (data.size() - position < kCrcBytes) throw TruncatedStream("the coded data ends before its checksum");
    const Bytes stored = data.last(kCrcBytes);
    data = data.first(data.size() - kCrcBytes);
    if (crc32c(data) != (load_word(stored.data()) | load_word(stored.data() + kWordBytes) << kWordBits))
      throw CorruptStream("the checksum of the coded data does not match");
  }
  fingerprint_ = header.fingerprint;
  if (header.lengths.empty()) {
    streams_.emplace_back(data.subspan(position), header);
    return;
  }
  streams_.reserve(header.lengths.size());
  for (const std::uint64_t length : header.lengths) {
    if (length > data.size() - position) throw TruncatedStream("the coded data ends within a sub-stream");
    streams_.emplace_back(data.subspan(position, length), header);
    position += length;
  }
  if (position != data.size()) throw CorruptStream("coded data is left over after the last sub-stream");
}

template <class Index>
void Decoder::decode(const Tables& tables, std::span<const Index> indexes, std::span<std::int32_t> symbols) {
  if (symbols.size() != indexes.size())
    throw ShapeError("there is room for " + std::to_string(symbols.size()) + " symbols, but " +
                     std::to_string(indexes.size()) + " indexes were given");
  check_indexes(tables, indexes);
  if (failed_) throw CorruptStream("this coded data has failed to decode before; open it again to try once more");
  if (indexes.empty()) return;
  failed_ = true;  // until the end is reached
  if (streams_.empty())
    throw TruncatedStream("the coded data is empty, but " + std::to_string(indexes.size()) + " symbols were asked for");
  if (fingerprint_ && *fingerprint_ != static_cast<std::uint8_t>(tables.checksum()))
    throw TableMismatch("the data was coded with other probability tables; decode with the model that wrote it");
  fingerprint_.reset();
  for (std::size_t i = 0; i < streams_.size(); ++i) {
    const auto [first, count] = block_of(indexes.size(), i, streams_.size());
    streams_[i].decode(tables, indexes.subspan(first, count), symbols.data() + first);
  }
  failed_ = false;
}

void Decoder::finish() {
  if (failed_) throw CorruptStream("this coded data has failed to decode before; open it again to try once more");
  for (StreamDecoder& stream : streams_) stream.finish();
}

template void Decoder::decode(const Tables&, std::span<const std::uint8_t>, std::span<std::int32_t>);
template void Decoder::decode(const Tables&, std::span<const std::uint16_t>, std::span<std::int32_t>);

}  // namespace nvczoo
