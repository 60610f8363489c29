// Probability tables as the coder wants them: checked once, then looked up without further tests.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "nvczoo/format.hpp"

namespace nvczoo {

// A decoder's view of one symbol, in one load. Frequencies are stored minus one, so that 2^16 fits.
struct Slot {
  std::uint64_t bits;  // start | frequency - 1 << 16 | symbol, from 0, with kEscapeFlag on a row's last << 32

  std::uint32_t start() const { return static_cast<std::uint32_t>(bits) & 0xffff; }
  std::uint32_t frequency_minus_1() const { return static_cast<std::uint32_t>(bits) >> 16; }
  std::uint32_t symbol() const { return static_cast<std::uint32_t>(bits >> 32); }
};
static_assert(sizeof(Slot) == 8);

inline constexpr std::uint32_t kEscapeFlag = 1u << 31;

// An encoder's view of one symbol: x / frequency is the high half of x * reciprocal.
struct Entry {
  std::uint64_t reciprocal;  // 2^64 / frequency, rounded up
  std::uint32_t bias;
  std::uint16_t complement;  // 2^precision - frequency
  std::uint16_t frequency_minus_1;
};
static_assert(sizeof(Entry) == 16);

struct Row {
  std::uint32_t bucket;   // index of the first bucket
  std::uint32_t entry;    // index of the first symbol in `slots` and `entries`
  std::int32_t offset;    // the smallest symbol
  std::uint16_t escape;   // index of the last symbol
  std::uint8_t shift;     // from a position in the table to its bucket
  bool has_escape;        // false: integers outside the row cannot be coded
};
static_assert(sizeof(Row) == 16);

class Tables {
 public:
  static constexpr std::size_t kMaxRows = 1u << 12;
  static constexpr std::size_t kMaxSymbols = 1u << 12;  // of a row, its escape included

  // Row r has the sizes[r] + 1 next values of `cdfs`; see TableSet in nvczoo/interfaces/coder.py.
  Tables(std::span<const std::uint32_t> cdfs, std::span<const std::int32_t> sizes,
         std::span<const std::int32_t> offsets, unsigned precision);

  unsigned precision() const { return precision_; }
  std::span<const Row> rows() const { return rows_; }
  const Slot* buckets() const { return buckets_.data(); }
  const Slot* slots() const { return slots_.data(); }
  const Entry* entries() const { return entries_.data(); }
  // Price of a symbol in units of 2^-16 bit, by index of entry.
  std::span<const std::uint32_t> costs() const { return costs_; }
  std::uint32_t checksum() const { return checksum_; }  // CRC-32C of all the integers given

 private:
  void add_row(std::span<const std::uint32_t> cdf, std::int32_t offset);
  void add_buckets(Row& row, std::size_t symbols);

  unsigned precision_;
  std::uint32_t checksum_ = 0;
  std::vector<Row> rows_;
  std::vector<Slot> buckets_, slots_;
  std::vector<Entry> entries_;
  std::vector<std::uint32_t> costs_;
};

// Returns -log2(frequency / 2^precision) in units of 2^-16 bit, by integer arithmetic.
std::uint32_t cost_in_bits(std::uint32_t frequency, unsigned precision);

}  // namespace nvczoo
