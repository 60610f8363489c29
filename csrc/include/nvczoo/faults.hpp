// What can go wrong inside a kernel, where nothing can be thrown.
#pragma once

#include <cstdint>

namespace nvczoo {

enum class Fault : std::uint32_t {
  kNone,
  kTruncated,      // words were wanted and none were left
  kEscapeRange,    // an escaped symbol does not fit 32 bits
  kLaneEnd,        // a lane is not where its encoder began
  kLeftOver,       // words are left after the last symbol
  kTooMany,        // more symbols were asked for than were coded
  kTooFew,         // fewer were
  kNoEscape,       // encoding: a symbol is outside a row that has no escape
  kNoRoom,         // encoding: the buffer given was too small
  kIndex,          // an index beyond the rows of the tables
};

// Throws the exception that the fault stands for, unless it is kNone.
void raise(Fault fault);

}  // namespace nvczoo
