#include <algorithm>
#include <limits>
#include <string>

#include "nvczoo/blocks.hpp"
#include "nvczoo/errors.hpp"

namespace nvczoo {

template <class Index>
void check_indexes(const Tables& tables, std::span<const Index> indexes, std::size_t inner, std::size_t symbols) {
  if (inner == 0 ? indexes.size() != symbols : symbols % inner != 0 || symbols / inner != indexes.size())
    throw ShapeError(std::to_string(symbols) + " symbols but " + std::to_string(indexes.size()) + " indexes" +
                     (inner == 0 ? "" : " of " + std::to_string(inner) + " symbols each") +
                     " were given; there must be one for each");
  if (tables.rows() > std::numeric_limits<Index>::max()) return;
  Index largest = 0;
  for (const Index index : indexes) largest = std::max(largest, index);
  if (largest >= tables.rows())
    throw ShapeError("an index of " + std::to_string(largest) + " was given, but the tables have " +
                     std::to_string(tables.rows()) + " rows");
}

template void check_indexes(const Tables&, std::span<const std::uint8_t>, std::size_t, std::size_t);
template void check_indexes(const Tables&, std::span<const std::uint16_t>, std::size_t, std::size_t);

}  // namespace nvczoo
