// Encodes parts into a blob.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "nvczoo/arrays.hpp"
#include "nvczoo/blob.hpp"
#include "nvczoo/kernels.hpp"
#include "nvczoo/tables.hpp"
#include "nvczoo/words.hpp"

namespace nvczoo {

// Symbols that are coded together: in decoding order, after the parts before and ahead of those behind.
struct Part {
  Symbols symbols;
  const void* indexes;  // uint8 or (if wide) uint16, checked against the tables
  bool wide;
  const Tables* tables;
  std::size_t inner = 0, skipped = 0;  // see Indexes

  // Calls `call` with the indexes as Indexes<uint8> or <uint16>.
  template <class Call>
  auto with_indexes(Call&& call) const {
    return wide ? call(Indexes<std::uint16_t>{static_cast<const std::uint16_t*>(indexes), inner, skipped})
                : call(Indexes<std::uint8_t>{static_cast<const std::uint8_t*>(indexes), inner, skipped});
  }
};

struct EncoderOptions {
  unsigned lanes = 0;       // a power of two up to 64; 0: from the payload
  unsigned streams = 1;     // up to kMaxStreams, for threads and GPUs; 0: as many as 0.1 % of the payload pays for
  bool checksum = false;    // append a CRC-32C
  bool fingerprint = false;  // let decoders tell other tables at once
  bool for_gpu = false;     // streams = 0 may cost 1 %
  unsigned threads = 1;     // that code sub-streams side by side; 0: as many as there are cores

  void check() const;
};

// Returns the expected payload in units of 2^-16 bit, from up to some thousand symbols of each part.
std::uint64_t estimate_payload(std::span<const Part> parts);

// What was coded, before it is put together: so that it is put only once, where it shall be.
class Coded {
 public:
  Coded(std::span<const Part> parts, EncoderOptions options, const Kernels& kernels = find_kernels());

  std::size_t size() const { return blob_.size(); }
  void write(std::uint8_t* out) const { blob_.write(out); }  // `size` bytes

 private:
  std::vector<WordWriter> words_;  // of each sub-stream, which the blob looks at
  Blob blob_;
};

std::vector<std::uint8_t> encode(std::span<const Part> parts, EncoderOptions options,
                                 const Kernels& kernels = find_kernels());

}  // namespace nvczoo
