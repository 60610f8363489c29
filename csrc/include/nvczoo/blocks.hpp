// How parts are cut into blocks, and how their indexes are checked.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <utility>

#include "nvczoo/errors.hpp"
#include "nvczoo/tables.hpp"

namespace nvczoo {

// Returns the first symbol and the length of block `block` of `blocks` of a part. Lengths differ by one at most.
inline std::pair<std::size_t, std::size_t> block_of(std::size_t count, std::size_t block, std::size_t blocks) {
  const std::size_t each = count / blocks, longer = count % blocks;
  return {block * each + std::min(block, longer), each + (block < longer ? 1 : 0)};
}

template <class Index>
void check_indexes(const Tables& tables, std::span<const Index> indexes) {
  if (tables.rows() > std::numeric_limits<Index>::max()) return;
  Index largest = 0;
  for (const Index index : indexes) largest = std::max(largest, index);
  if (largest >= tables.rows())
    throw ShapeError("an index of " + std::to_string(largest) + " was given, but the tables have " +
                     std::to_string(tables.rows()) + " rows");
}

}  // namespace nvczoo
