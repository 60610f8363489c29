#include <algorithm>
#include <limits>
#include <string>

#include "nvczoo/blocks.hpp"
#include "nvczoo/errors.hpp"

namespace nvczoo {

template <class Index>
void check_indexes(const Tables& tables, std::span<const Index> indexes) {
  if (tables.rows() > std::numeric_limits<Index>::max()) return;
  Index largest = 0;
  for (const Index index : indexes) largest = std::max(largest, index);
  if (largest >= tables.rows())
    throw ShapeError("an index of " + std::to_string(largest) + " was given, but the tables have " +
                     std::to_string(tables.rows()) + " rows");
}

template void check_indexes(const Tables&, std::span<const std::uint8_t>);
template void check_indexes(const Tables&, std::span<const std::uint16_t>);

}  // namespace nvczoo
