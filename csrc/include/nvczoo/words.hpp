// The word stream: read forwards by decoders, written backwards by encoders.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "nvczoo/errors.hpp"
#include "nvczoo/format.hpp"

namespace nvczoo {

struct WordReader {
  const std::uint8_t* at = nullptr;
  const std::uint8_t* end = nullptr;

  std::size_t left() const { return static_cast<std::size_t>(end - at) / kWordBytes; }

  std::uint32_t take() {
    if (left() == 0) throw TruncatedStream("the coded data ends before its symbols do");
    const std::uint32_t word = load_word(at);
    at += kWordBytes;
    return word;
  }
};

class WordWriter {
 public:
  explicit WordWriter(std::size_t expected) : buffer_(std::max<std::size_t>(expected, 64)), at_(end()) {}
  WordWriter(WordWriter&&) noexcept = default;
  WordWriter& operator=(WordWriter&&) noexcept = default;

  // Makes room for so many words before the first; `at` is then a place to write before.
  void reserve(std::size_t words) {
    const auto room = static_cast<std::size_t>(at_ - buffer_.data());
    if (room >= words) [[likely]] return;
    const std::size_t used = size();
    std::vector<std::uint16_t> larger(2 * buffer_.size() + words);
    std::copy_n(at_, used, larger.data() + larger.size() - used);
    buffer_ = std::move(larger);
    at_ = end() - used;
  }

  std::uint16_t*& at() { return at_; }
  void put(std::uint16_t word) { *--at_ = word; }
  std::size_t size() const { return static_cast<std::size_t>(buffer_.data() + buffer_.size() - at_); }
  std::span<const std::uint16_t> words() const { return {at_, size()}; }

 private:
  std::uint16_t* end() { return buffer_.data() + buffer_.size(); }

  std::vector<std::uint16_t> buffer_;
  std::uint16_t* at_;
};

}  // namespace nvczoo
