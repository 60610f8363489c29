// Decodes arbitrary bytes with arbitrary indexes: must end in symbols or in one of our errors.
//
// Input: one byte picks the tables and the path, two the number of symbols in each of two parts, the rest is coded data.
#include <cstddef>
#include <cstdint>
#include <vector>

#include "nvczoo/decoder.hpp"
#include "nvczoo/errors.hpp"
#include "nvczoo/tables.hpp"

namespace {

// Rows of every kind: deterministic, a lone escape beside a symbol, narrow, wide, at the ends of int32.
nvczoo::Tables make_tables(unsigned precision) {
  const std::uint32_t total = 1u << precision;
  std::vector<std::uint32_t> cdfs;
  std::vector<std::int32_t> sizes, offsets;
  const auto add = [&](std::int32_t symbols, std::int32_t offset, std::uint32_t escape) {
    cdfs.push_back(0);
    const auto inner = static_cast<std::uint32_t>(symbols - 1);
    for (std::uint32_t i = 1; i < inner; ++i) cdfs.push_back((total - escape) / inner * i);
    cdfs.push_back(total - escape);
    cdfs.push_back(total);
    sizes.push_back(symbols);
    offsets.push_back(offset);
  };
  add(2, 7, 0);
  add(2, 0, 1);
  add(2, 0, total - 1);
  add(4, -1, total / 4);
  add(4, -2147483647 - 1, total / 2);
  add(4, 2147483647 - 3, total / 2);
  add(1000, -500, 3);
  return {cdfs, sizes, offsets, precision};
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const nvczoo::Tables kTables[] = {make_tables(14), make_tables(12), make_tables(16)};
  if (size < 3) return 0;
  const nvczoo::Tables& tables = kTables[data[0] % 3];
  const auto paths = nvczoo::kernels_here();
  try {
    nvczoo::Decoder decoder(nvczoo::Bytes(data + 3, size - 3), *paths[data[0] / 3 % paths.size()]);
    for (const std::size_t count : {std::size_t{data[1]} * 5, std::size_t{data[2]}}) {
      std::vector<std::uint8_t> indexes(count);
      for (std::size_t i = 0; i < count; ++i) indexes[i] = static_cast<std::uint8_t>((i * data[0] + i / 7) % 7);
      std::vector<std::int32_t> symbols(count);
      decoder.decode(tables, std::span<const std::uint8_t>(indexes), std::span<std::int32_t>(symbols));
    }
    decoder.finish();
  } catch (const nvczoo::CoderError&) {
  }
  return 0;
}
