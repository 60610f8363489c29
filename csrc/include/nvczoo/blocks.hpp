// How parts are cut into blocks, and how their indexes are checked.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "nvczoo/platform.hpp"
#include "nvczoo/tables.hpp"

namespace nvczoo {

struct Block {
  std::size_t first, count;  // symbols
};

// Returns block `block` of `blocks` of a part of `count` symbols. Lengths differ by one at most.
NVCZOO_INLINE Block block_of(std::size_t count, std::size_t block, std::size_t blocks) {
  const std::size_t each = count / blocks, longer = count % blocks;
  return {block * each + (block < longer ? block : longer), each + (block < longer ? 1 : 0)};
}

// Throws ShapeError if an index, uint8 or uint16, has no row, or if they are not for `symbols` symbols.
template <class Index>
void check_indexes(const Tables& tables, std::span<const Index> indexes, std::size_t inner, std::size_t symbols);

}  // namespace nvczoo
