// What can go wrong; the binding maps each to the exception of the same name in nvczoo/errors.py.
#pragma once

#include <stdexcept>

namespace nvczoo {

struct CoderError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

struct SettingError : CoderError {
  using CoderError::CoderError;
};
struct ShapeError : CoderError {
  using CoderError::CoderError;
};
struct CorruptStream : CoderError {
  using CoderError::CoderError;
};
struct TruncatedStream : CoderError {
  using CoderError::CoderError;
};
struct UnsupportedStream : CoderError {
  using CoderError::CoderError;
};
struct TableMismatch : CoderError {
  using CoderError::CoderError;
};

}  // namespace nvczoo
