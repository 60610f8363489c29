// Opens arbitrary bytes: must end in streams within those bytes, whose header can be written again alike, or in one of
// our errors.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <vector>

#include "nvczoo/decoder.hpp"
#include "nvczoo/errors.hpp"
#include "nvczoo/format.hpp"

namespace {

void require(bool holds) {
  if (!holds) std::abort();
}

// A header has one form only.
void check_header(nvczoo::Bytes data) {
  std::size_t position = 0;
  const nvczoo::Header header = nvczoo::read_header(data, position);
  const std::vector<std::uint8_t> again = header.to_bytes();
  require(again.size() == position && std::equal(again.begin(), again.end(), data.begin()));
}

void check_streams(nvczoo::Bytes data) {
  nvczoo::Header header;
  for (const nvczoo::StreamState& stream : nvczoo::open_streams(data, header)) {
    require(stream.words.at >= data.data() && stream.words.at <= stream.words.end);
    require(stream.words.end <= data.data() + data.size() && stream.words.left() * nvczoo::kWordBytes <= data.size());
    require(std::is_sorted(std::begin(stream.ends), std::end(stream.ends)));
    for (std::uint32_t lane = 0; lane < stream.lanes; ++lane) require(stream.states[lane] >= nvczoo::kStateLow);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  for (const auto check : {check_header, check_streams}) {
    try {
      check(nvczoo::Bytes(data, size));
    } catch (const nvczoo::CoderError&) {
    }
  }
  return 0;
}
