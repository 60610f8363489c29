// Probability tables as the coder wants them: checked once, then looked up without further tests.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "nvczoo/format.hpp"

namespace nvczoo {

// A symbol's place in its row: first position | last position << 16. The last rather than the frequency: 2^16 fits,
// and of all symbols only an escape (or one that a row without an escape ends in) exceeds `last_of_all << 16`.
NVCZOO_INLINE std::uint32_t make_interval(std::uint32_t start, std::uint32_t last) { return start | last << 16; }

// What a decoder finds by the upper bits of a position, in one load: the interval of the symbol at the bucket's first
// position, the last position of the symbol after it, and the low half of the first symbol.
struct Bucket {
  std::uint64_t bits;  // interval | last position of the next << 32 | symbol << 48

  NVCZOO_INLINE std::uint32_t interval() const { return static_cast<std::uint32_t>(bits); }
  NVCZOO_INLINE std::uint32_t beyond() const { return static_cast<std::uint32_t>(bits >> 32); }
};
static_assert(sizeof(Bucket) == 8);

// An encoder's view of one symbol, to divide by: x / frequency is the high half of x * reciprocal.
struct Entry {
  std::uint64_t reciprocal;  // 2^64 / frequency, rounded up
  std::uint32_t bias;
  std::uint16_t complement;  // 2^precision - frequency
  std::uint16_t frequency_minus_1;
};
static_assert(sizeof(Entry) == 16);

struct Row {
  std::uint32_t entry;    // index of the first symbol in `entries` and `intervals`
  std::int32_t offset;    // the smallest symbol
  std::uint32_t escape;   // index of the last symbol
  bool has_escape;        // false: integers outside the row cannot be coded
};

inline constexpr unsigned kShiftBits = 4;  // of a lookup: below the first bucket, the shift from a position to it
inline constexpr std::uint32_t kFewRows = 64;  // fit the registers of AVX-512; columns have at least so many items

// The same tables as plain pointers, for kernels on any device. One column each per property of a row.
struct TableView {
  const std::uint32_t* lookups;    // index of the first bucket << kShiftBits | shift
  const std::uint32_t* firsts;     // Row::entry
  const std::uint32_t* offsets;    // Row::offset
  const std::uint32_t* escapes;    // Row::escape
  const Bucket* buckets;
  const Entry* entries;
  const std::uint32_t* intervals;  // of each symbol
  std::uint32_t rows;
  std::uint32_t precision;
  bool short_symbols;  // all of them, escapes included, fit int16

  NVCZOO_INLINE Row row(std::uint32_t index) const {
    const std::uint32_t escape = escapes[index], entry = firsts[index];
    const std::uint32_t interval = intervals[entry + escape];
    return {entry, static_cast<std::int32_t>(offsets[index]), escape, interval != 0};
  }
};

class Tables {
 public:
  static constexpr std::size_t kMaxRows = 1u << 12;
  static constexpr std::size_t kMaxSymbols = 1u << 12;  // of a row, its escape included

  // Row r has the sizes[r] + 1 next values of `cdfs`; see TableSet in nvczoo/interfaces/coder.py.
  Tables(std::span<const std::uint32_t> cdfs, std::span<const std::int32_t> sizes,
         std::span<const std::int32_t> offsets, unsigned precision);

  unsigned precision() const { return precision_; }
  std::size_t rows() const { return rows_; }
  TableView view() const;
  std::size_t column_size() const { return lookups_.size(); }  // of each column in the view, rows or more
  std::span<const Bucket> buckets() const { return buckets_; }
  std::span<const std::uint32_t> intervals() const { return intervals_; }
  // Price of a symbol in units of 2^-16 bit, by index of entry.
  std::span<const std::uint32_t> costs() const { return costs_; }
  std::uint32_t checksum() const { return checksum_; }  // CRC-32C of all the integers given

 private:
  void add_row(std::span<const std::uint32_t> cdf, std::int32_t offset);
  // Returns the row's lookup.
  std::uint32_t add_buckets(std::size_t entry, std::size_t symbols, std::int32_t offset);

  unsigned precision_;
  std::uint32_t checksum_ = 0;
  std::size_t rows_ = 0;
  bool short_symbols_ = true;
  std::vector<std::uint32_t> lookups_, firsts_, offsets_, escapes_;
  std::vector<Bucket> buckets_;
  std::vector<Entry> entries_;
  std::vector<std::uint32_t> intervals_, costs_;
};

// Returns -log2(frequency / 2^precision) in units of 2^-16 bit, by integer arithmetic.
std::uint32_t cost_in_bits(std::uint32_t frequency, unsigned precision);

}  // namespace nvczoo
