// The word stream: read forwards by decoders, written backwards by encoders.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "nvczoo/faults.hpp"
#include "nvczoo/format.hpp"
#include "nvczoo/platform.hpp"

namespace nvczoo {

struct WordReader {
  const std::uint8_t* at = nullptr;
  const std::uint8_t* end = nullptr;
  Fault fault = Fault::kNone;  // the first

  NVCZOO_INLINE std::size_t left() const { return static_cast<std::size_t>(end - at) / kWordBytes; }

  NVCZOO_INLINE void fail(Fault what) {
    if (fault == Fault::kNone) fault = what;
  }

  NVCZOO_INLINE std::uint32_t take() {
    if (at == end) {
      fail(Fault::kTruncated);
      return 0;
    }
    const std::uint32_t word = load_word(at);
    at += kWordBytes;
    return word;
  }
};

// In a place of fixed size: for devices that cannot allocate.
struct FixedWriter {
  std::uint16_t* first;  // of all words, once written
  std::uint16_t* floor;
  std::uint16_t* end;
  Fault what = Fault::kNone;

  NVCZOO_INLINE bool reserve(std::size_t words) {
    if (static_cast<std::size_t>(first - floor) < words) what = Fault::kNoRoom;
    return what == Fault::kNone;
  }
  NVCZOO_INLINE std::uint16_t* at() const { return first; }
  NVCZOO_INLINE void move_to(std::uint16_t* at) { first = at; }
  NVCZOO_INLINE void put(std::uint16_t word) { *--first = word; }
  NVCZOO_INLINE std::uint32_t pop() { return first == end ? 0u : *first++; }
  NVCZOO_INLINE void fail(Fault fault) { what = fault; }
  NVCZOO_INLINE Fault fault() const { return what; }
  NVCZOO_INLINE std::size_t size() const { return static_cast<std::size_t>(end - first); }
};

// Grows as it must: for the CPU.
class WordWriter {
 public:
  explicit WordWriter(std::size_t expected);
  WordWriter(WordWriter&&) noexcept = default;
  WordWriter& operator=(WordWriter&&) noexcept = default;

  // Makes room for so many words before the first; `at` is then a place to write before.
  NVCZOO_INLINE bool reserve(std::size_t words) {
    if (static_cast<std::size_t>(at_ - floor_) < words) [[unlikely]] grow(words);
    return true;
  }

  NVCZOO_INLINE std::uint16_t* at() const { return at_; }
  NVCZOO_INLINE void move_to(std::uint16_t* at) { at_ = at; }
  NVCZOO_INLINE void put(std::uint16_t word) { *--at_ = word; }
  NVCZOO_INLINE std::uint32_t pop() { return size() == 0 ? 0u : *at_++; }  // the last put; zeros beyond the first
  NVCZOO_INLINE void fail(Fault what) { fault_ = what; }
  NVCZOO_INLINE Fault fault() const { return fault_; }
  NVCZOO_INLINE std::size_t size() const { return static_cast<std::size_t>(buffer_.data() + buffer_.size() - at_); }
  std::span<const std::uint16_t> words() const { return {at_, size()}; }

 private:
  void grow(std::size_t words);

  std::vector<std::uint16_t> buffer_;
  std::uint16_t* floor_;
  std::uint16_t* at_;
  Fault fault_ = Fault::kNone;
};

}  // namespace nvczoo
