#include "nvczoo/words.hpp"

#include <algorithm>
#include <utility>

namespace nvczoo {
namespace {

constexpr std::size_t kLeastWords = 64;

}  // namespace

WordWriter::WordWriter(std::size_t expected)
    : buffer_(std::max(expected, kLeastWords)), floor_(buffer_.data()), at_(floor_ + buffer_.size()) {}

void WordWriter::grow(std::size_t words) {
  const std::size_t used = size();
  std::vector<std::uint16_t> larger(2 * buffer_.size() + words);
  std::copy_n(at_, used, larger.data() + larger.size() - used);
  buffer_ = std::move(larger);
  floor_ = buffer_.data();
  at_ = floor_ + buffer_.size() - used;
}

}  // namespace nvczoo
