// Arrays that Python lends us: checked for type and contiguity, never copied.
#pragma once

#include <pybind11/pybind11.h>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "nvczoo/errors.hpp"

namespace nvczoo::python {

namespace py = pybind11;

inline std::string describe(const py::buffer_info& info) {
  return "format '" + info.format + "', " + std::to_string(info.itemsize) + " bytes an item, " +
         std::to_string(info.ndim) + " dimensions";
}

inline bool is_contiguous(const py::buffer_info& info) {
  py::ssize_t step = info.itemsize;
  for (py::ssize_t i = info.ndim; i-- > 0;) {
    if (info.shape[i] > 1 && info.strides[i] != step) return false;
    step *= info.shape[i];
  }
  return true;
}

// `kinds` are the format characters of the struct module that may stand for the type.
inline void check(const py::buffer_info& info, std::size_t itemsize, const std::string& kinds, const char* name) {
  const bool right_kind = !info.format.empty() && kinds.find(info.format.back()) != std::string::npos;
  if (!right_kind || info.itemsize != static_cast<py::ssize_t>(itemsize) || !is_contiguous(info))
    throw ShapeError(std::string(name) + " must be contiguous, with " + std::to_string(itemsize) +
                     " bytes an item and a format of '" + kinds + "'; got " + describe(info));
}

template <class T>
std::span<const T> view(const py::buffer_info& info, const std::string& kinds, const char* name) {
  check(info, sizeof(T), kinds, name);
  return {static_cast<const T*>(info.ptr), static_cast<std::size_t>(info.size)};
}

template <class T>
std::span<T> writable_view(const py::buffer_info& info, const std::string& kinds, const char* name) {
  check(info, sizeof(T), kinds, name);
  if (info.readonly) throw ShapeError(std::string(name) + " must be writable");
  return {static_cast<T*>(info.ptr), static_cast<std::size_t>(info.size)};
}

inline constexpr const char* kInt8 = "b";
inline constexpr const char* kInt16 = "h";
inline constexpr const char* kInt32 = "il";
inline constexpr const char* kUint8 = "B";
inline constexpr const char* kUint16 = "H";
inline constexpr const char* kUint32 = "IL";
inline constexpr const char* kFloat = "f";
inline constexpr const char* kDouble = "d";

inline std::span<const std::uint8_t> bytes_of(const py::buffer_info& info) {
  if (!is_contiguous(info)) throw ShapeError("the buffer must be contiguous; got " + describe(info));
  return {static_cast<const std::uint8_t*>(info.ptr), static_cast<std::size_t>(info.size * info.itemsize)};
}

}  // namespace nvczoo::python
