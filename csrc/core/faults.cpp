#include "nvczoo/faults.hpp"

#include "nvczoo/errors.hpp"

namespace nvczoo {

void raise(Fault fault) {
  switch (fault) {
    case Fault::kNone:
      return;
    case Fault::kTruncated:
      throw TruncatedStream("the coded data ends before its symbols do");
    case Fault::kEscapeRange:
      throw CorruptStream("an escaped symbol does not fit 32 bits");
    case Fault::kLaneEnd:
      throw CorruptStream("a lane did not end where its encoder began");
    case Fault::kLeftOver:
      throw CorruptStream("coded data is left over after the last symbol");
    case Fault::kTooMany:
      throw CorruptStream("more symbols were asked for than the coded data holds");
    case Fault::kTooFew:
      throw CorruptStream("the coded data holds more symbols than were read");
    case Fault::kNoEscape:
      throw SettingError("a symbol cannot be coded: its table row has no escape; give that row one, or clip the symbols");
    case Fault::kNoRoom:
      throw ShapeError("the buffer for the coded data is too small");
    case Fault::kIndex:
      throw ShapeError("an index was given for which the tables have no row");
  }
}

}  // namespace nvczoo
