#include "nvczoo/tables.hpp"

#include <algorithm>
#include <bit>
#include <limits>
#include <string>

#include "nvczoo/crc32c.hpp"
#include "nvczoo/errors.hpp"

namespace nvczoo {
namespace {

constexpr unsigned kMinBucketBits = 4, kMaxBucketBits = 12;
constexpr unsigned kWalkShare = 128;  // at most one slot in so many may need a step beyond its bucket

std::uint32_t checksum_of(std::uint32_t crc, std::uint32_t value) {
  const std::uint8_t bytes[4] = {static_cast<std::uint8_t>(value), static_cast<std::uint8_t>(value >> 8),
                                 static_cast<std::uint8_t>(value >> 16), static_cast<std::uint8_t>(value >> 24)};
  return crc32c(bytes, crc);
}

std::string in_row(std::size_t row, const std::string& what) {
  return "table row " + std::to_string(row) + ": " + what;
}

void check_row(std::size_t row, std::span<const std::uint32_t> cdf, std::int32_t offset, unsigned precision) {
  const std::size_t symbols = cdf.size() - 1;
  if (cdf.front() != 0 || cdf.back() != 1u << precision)
    throw SettingError(in_row(row, "the cumulative frequencies must run from 0 to " + std::to_string(1u << precision)));
  for (std::size_t i = 0; i + 1 < symbols; ++i)
    if (cdf[i + 1] <= cdf[i]) throw SettingError(in_row(row, "every symbol but the escape needs a frequency"));
  if (cdf[symbols] < cdf[symbols - 1]) throw SettingError(in_row(row, "the cumulative frequencies must not fall"));
  if (static_cast<std::int64_t>(offset) + static_cast<std::int64_t>(symbols) - 1 >
      std::numeric_limits<std::int32_t>::max())
    throw SettingError(in_row(row, "its symbols do not fit 32 bits"));
}

Entry make_entry(std::uint32_t start, std::uint32_t frequency, unsigned precision) {
  const auto complement = static_cast<std::uint16_t>((1u << precision) - frequency);
  const auto minus_1 = static_cast<std::uint16_t>(frequency - 1);
  // 2^64 itself does not fit: with 2^64 - 1 the quotient is one too small, and the bias makes up for it.
  if (frequency == 1)
    return {std::numeric_limits<std::uint64_t>::max(), start + (1u << precision) - 1, complement, minus_1};
  return {std::numeric_limits<std::uint64_t>::max() / frequency + 1, start, complement, minus_1};
}

}  // namespace

std::uint32_t cost_in_bits(std::uint32_t frequency, unsigned precision) {
  constexpr unsigned kFractionBits = 16, kPoint = 31;
  const unsigned whole = static_cast<unsigned>(std::bit_width(frequency)) - 1;
  std::uint64_t mantissa = static_cast<std::uint64_t>(frequency) << (kPoint - whole);  // 1 <= mantissa / 2^31 < 2
  std::uint32_t log2 = whole;
  for (unsigned bit = 0; bit < kFractionBits; ++bit) {
    mantissa = mantissa * mantissa >> kPoint;
    const bool carry = (mantissa >> (kPoint + 1)) != 0;
    if (carry) mantissa >>= 1;
    log2 = log2 << 1 | (carry ? 1 : 0);
  }
  return (precision << kFractionBits) - log2;
}

Tables::Tables(std::span<const std::uint32_t> cdfs, std::span<const std::int32_t> sizes,
               std::span<const std::int32_t> offsets, unsigned precision)
    : precision_(precision) {
  if (precision < kMinPrecision || precision > kMaxPrecision)
    throw SettingError("a table precision of " + std::to_string(precision) + " bits was given; " +
                       std::to_string(kMinPrecision) + " to " + std::to_string(kMaxPrecision) + " are possible");
  if (sizes.empty() || sizes.size() > kMaxRows || sizes.size() != offsets.size())
    throw ShapeError("tables need 1 to " + std::to_string(kMaxRows) + " rows, with one size and one offset each; got " +
                     std::to_string(sizes.size()) + " sizes and " + std::to_string(offsets.size()) + " offsets");
  for (auto* column : {&lookups_, &firsts_, &offsets_, &escapes_})
    column->resize(std::max<std::size_t>(sizes.size(), kFewRows));
  std::size_t at = 0;
  checksum_ = checksum_of(checksum_of(0, precision), static_cast<std::uint32_t>(sizes.size()));
  for (std::size_t row = 0; row < sizes.size(); ++row) {
    if (sizes[row] < 2 || static_cast<std::size_t>(sizes[row]) > kMaxSymbols)
      throw ShapeError(in_row(row, "it has " + std::to_string(sizes[row]) + " symbols; 2 to " +
                                       std::to_string(kMaxSymbols) + " are possible"));
    const std::size_t length = static_cast<std::size_t>(sizes[row]) + 1;
    if (length > cdfs.size() - at) throw ShapeError(in_row(row, "the cumulative frequencies end within it"));
    const auto cdf = cdfs.subspan(at, length);
    check_row(row, cdf, offsets[row], precision);
    checksum_ = checksum_of(checksum_of(checksum_, static_cast<std::uint32_t>(sizes[row])),
                            static_cast<std::uint32_t>(offsets[row]));
    for (const std::uint32_t value : cdf) checksum_ = checksum_of(checksum_, value);
    add_row(cdf, offsets[row]);
    at += length;
  }
  if (at != cdfs.size()) throw ShapeError("there are more cumulative frequencies than the sizes of the rows account for");
}

void Tables::add_row(std::span<const std::uint32_t> cdf, std::int32_t offset) {
  const std::size_t symbols = cdf.size() - 1, entry = entries_.size();
  const bool has_escape = cdf[symbols] > cdf[symbols - 1];
  for (std::size_t i = 0; i < symbols; ++i) {
    const std::uint32_t frequency = cdf[i + 1] - cdf[i];
    if (frequency == 0) {  // an escape that is never decoded; the encoder refuses to use it
      intervals_.push_back(0);
      entries_.push_back({});
      costs_.push_back(0);
    } else {
      intervals_.push_back(make_interval(cdf[i], cdf[i + 1] - 1));
      entries_.push_back(make_entry(cdf[i], frequency, precision_));
      costs_.push_back(cost_in_bits(frequency, precision_));
    }
  }
  lookups_[rows_] = add_buckets(entry, symbols - (has_escape ? 0 : 1), offset);
  firsts_[rows_] = static_cast<std::uint32_t>(entry);
  offsets_[rows_] = static_cast<std::uint32_t>(offset);
  escapes_[rows_] = static_cast<std::uint32_t>(symbols - 1);
  const std::int64_t highest = std::int64_t{offset} + static_cast<std::int64_t>(symbols) - 1;
  short_symbols_ = short_symbols_ && offset >= std::numeric_limits<std::int16_t>::min() &&
                   highest <= std::numeric_limits<std::int16_t>::max();
  ++rows_;
}

std::uint32_t Tables::add_buckets(std::size_t entry, std::size_t symbols, std::int32_t offset) {
  const auto intervals = std::span(intervals_).subspan(entry, symbols);
  const auto last_of = [&](std::size_t symbol) { return intervals[std::min(symbol, symbols - 1)] >> 16; };
  // A bucket names the symbols at its first position and after it; whoever lies further on is reached by walking.
  // Take the fewest buckets for which walking is rare.
  unsigned bits = kMinBucketBits;
  for (; bits < kMaxBucketBits; ++bits) {
    const std::uint32_t width = 1u << (precision_ - bits);
    std::uint32_t walked = 0;
    std::size_t symbol = 0;
    for (std::uint32_t first = 0; first < 1u << precision_; first += width) {
      while (first > last_of(symbol)) ++symbol;
      walked += first + width - std::min(first + width, last_of(symbol + 1) + 1);
    }
    if (walked <= (1u << precision_) / kWalkShare) break;
  }
  const unsigned shift = precision_ - bits;
  const auto first = static_cast<std::uint32_t>(buckets_.size());
  std::size_t symbol = 0;
  for (std::uint32_t bucket = 0; bucket < 1u << bits; ++bucket) {
    while ((bucket << shift) > last_of(symbol)) ++symbol;
    const auto value = static_cast<std::uint16_t>(static_cast<std::uint32_t>(offset) + symbol);
    buckets_.push_back({intervals[symbol] | std::uint64_t{last_of(symbol + 1)} << 32 | std::uint64_t{value} << 48});
  }
  return first << kShiftBits | shift;
}

TableView Tables::view() const {
  return {lookups_.data(), firsts_.data(), offsets_.data(), escapes_.data(), buckets_.data(),
          entries_.data(), intervals_.data(), static_cast<std::uint32_t>(rows_), precision_, short_symbols_};
}

}  // namespace nvczoo
