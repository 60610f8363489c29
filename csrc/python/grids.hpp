// Passes over numbers on grids, for nvczoo/portable/kernels.py.
#pragma once

#include <pybind11/pybind11.h>

namespace nvczoo::python {

void define_grids(pybind11::module_& module);

}  // namespace nvczoo::python
