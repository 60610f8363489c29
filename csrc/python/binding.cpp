// nvczoo._coder: converts arguments and releases the interpreter lock, nothing else.
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "nvczoo/blocks.hpp"
#include "nvczoo/crc32c.hpp"
#include "nvczoo/decoder.hpp"
#include "nvczoo/encoder.hpp"
#include "nvczoo/exact.hpp"
#include "nvczoo/tables.hpp"
#include "python/buffers.hpp"
#include "python/grids.hpp"

namespace nvczoo::python {
namespace {

using TablesPointer = std::shared_ptr<const Tables>;

// Calls `call` with a span of uint8 or uint16, whichever the buffer holds.
template <class Call>
auto with_indexes(const py::buffer_info& info, Call&& call) {
  if (info.itemsize == 2) return call(view<std::uint16_t>(info, kUint16, "indexes"));
  return call(view<std::uint8_t>(info, kUint8, "indexes"));
}

Symbols symbols_of(const py::buffer_info& info) {
  if (info.itemsize == 1) return {view<std::int8_t>(info, kInt8, "symbols").data(), static_cast<std::size_t>(info.size), 1};
  if (info.itemsize == 2) return {view<std::int16_t>(info, kInt16, "symbols").data(), static_cast<std::size_t>(info.size), 2};
  return {view<std::int32_t>(info, kInt32, "symbols").data(), static_cast<std::size_t>(info.size), 4};
}

class PyEncoder {
 public:
  PyEncoder(unsigned lanes, unsigned streams, bool checksum, bool fingerprint, unsigned threads,
            const std::string& path, bool for_gpu)
      : options_{lanes, streams, checksum, fingerprint, for_gpu, threads}, kernels_(&find_kernels(path)) {
    options_.check();
  }

  void push(const py::buffer& symbols, const py::buffer& indexes, TablesPointer tables, std::size_t inner) {
    if (spent_) throw SettingError("this encoder is spent; open another for the next packet");
    Lent lent{symbols.request(), indexes.request(), std::move(tables)};
    const Symbols values = symbols_of(lent.symbols);
    const bool wide = lent.indexes.itemsize == 2;
    with_indexes(lent.indexes, [&](const auto rows) { check_indexes(*lent.tables, rows, inner, values.size()); });
    parts_.push_back({values, lent.indexes.ptr, wide, lent.tables.get(), inner});
    lent_.push_back(std::move(lent));
  }

  py::bytes finish() {
    if (spent_) throw SettingError("this encoder is spent; open another for the next packet");
    spent_ = true;
    const auto lent = std::move(lent_);
    const auto parts = std::move(parts_);
    const auto coded = [&] {
      const py::gil_scoped_release unlocked;
      return Coded(parts, options_, *kernels_);
    }();
    py::bytes out(nullptr, coded.size());
    const py::gil_scoped_release unlocked;  // nobody else knows of `out` yet
    coded.write(reinterpret_cast<std::uint8_t*>(PyBytes_AS_STRING(out.ptr())));
    return out;
  }

 private:
  struct Lent {
    py::buffer_info symbols, indexes;
    TablesPointer tables;
  };

  EncoderOptions options_;
  const Kernels* kernels_;
  std::vector<Part> parts_;
  std::vector<Lent> lent_;
  bool spent_ = false;
};

class PyDecoder {
 public:
  PyDecoder(const py::buffer& data, unsigned threads, const std::string& path)
      : data_(data.request()), decoder_(bytes_of(data_), find_kernels(path), threads) {}

  void decode(const py::buffer& indexes, const TablesPointer& tables, const py::buffer& out, std::size_t inner) {
    const Turn turn(busy_);
    const py::buffer_info index_info = indexes.request(), out_info = out.request(true);
    const auto symbols = writable_view<std::int32_t>(out_info, kInt32, "out");
    with_indexes(index_info, [&](const auto rows) {
      const py::gil_scoped_release unlocked;
      decoder_.decode(*tables, rows, symbols, inner);
    });
  }

  void finish() {
    const Turn turn(busy_);
    decoder_.finish();
  }

 private:
  // Taken and given back under the interpreter lock, held while it is released.
  class Turn {
   public:
    explicit Turn(bool& busy) : busy_(busy) {
      if (busy_) throw SettingError("this decoder is at work in another thread; open one for each thread");
      busy_ = true;
    }
    ~Turn() { busy_ = false; }
    Turn(const Turn&) = delete;
    Turn& operator=(const Turn&) = delete;

   private:
    bool& busy_;
  };

  py::buffer_info data_;
  Decoder decoder_;
  bool busy_ = false;
};

TablesPointer make_tables(const py::buffer& cdfs, const py::buffer& sizes, const py::buffer& offsets,
                          unsigned precision) {
  const py::buffer_info cdf_info = cdfs.request(), size_info = sizes.request(), offset_info = offsets.request();
  return std::make_shared<const Tables>(
      view<std::uint32_t>(cdf_info, kUint32, "cdfs"), view<std::int32_t>(size_info, kInt32, "sizes"),
      view<std::int32_t>(offset_info, kInt32, "offsets"), precision);
}

template <double (*Function)(double)>
void map_doubles(const py::buffer& values, const py::buffer& out) {
  const py::buffer_info from = values.request(), to = out.request(true);
  const auto inputs = view<double>(from, kDouble, "values");
  const auto outputs = writable_view<double>(to, kDouble, "out");
  if (inputs.size() != outputs.size()) throw ShapeError("values and out must have the same number of items");
  const py::gil_scoped_release unlocked;
  for (std::size_t i = 0; i < inputs.size(); ++i) outputs[i] = Function(inputs[i]);
}

std::uint32_t checksum(const py::buffer& data, std::uint32_t initial) {
  const py::buffer_info info = data.request();
  const auto bytes = bytes_of(info);
  const py::gil_scoped_release unlocked;
  return crc32c(bytes, initial);
}

void raise(const char* name, const CoderError& error) {
  const py::object type = py::module_::import("nvczoo.errors").attr(name);
  PyErr_SetString(type.ptr(), error.what());
}

void translate(std::exception_ptr pointer) {
  try {
    if (pointer) std::rethrow_exception(pointer);
  } catch (const ShapeError& error) {
    raise("ShapeError", error);
  } catch (const SettingError& error) {
    raise("SettingError", error);
  } catch (const CorruptStream& error) {
    raise("CorruptStream", error);
  } catch (const TruncatedStream& error) {
    raise("TruncatedStream", error);
  } catch (const UnsupportedStream& error) {
    raise("UnsupportedStream", error);
  } catch (const TableMismatch& error) {
    raise("TableMismatch", error);
  }
}

}  // namespace
}  // namespace nvczoo::python

PYBIND11_MODULE(_coder, module) {
  using namespace nvczoo::python;
  using namespace py::literals;
  module.doc() = "The entropy coder of nvczoo, in C++; nvczoo.entropy.coders is the way to use it.";
  py::register_local_exception_translator(&translate);

  py::class_<nvczoo::Tables, std::shared_ptr<nvczoo::Tables>>(module, "Tables")
      .def(py::init([](const py::buffer& cdfs, const py::buffer& sizes, const py::buffer& offsets, unsigned precision) {
             return std::const_pointer_cast<nvczoo::Tables>(make_tables(cdfs, sizes, offsets, precision));
           }),
           "cdfs"_a, "sizes"_a, "offsets"_a, "precision"_a)
      .def_property_readonly("checksum", &nvczoo::Tables::checksum);

  py::class_<PyEncoder>(module, "Encoder")
      .def(py::init<unsigned, unsigned, bool, bool, unsigned, const std::string&, bool>(), "lanes"_a = 0,
           "streams"_a = 1, "checksum"_a = false, "fingerprint"_a = false, "threads"_a = 1, "path"_a = "",
           "for_gpu"_a = false)
      .def("push", [](PyEncoder& self, const py::buffer& symbols, const py::buffer& indexes,
                      std::shared_ptr<nvczoo::Tables> tables,
                      std::size_t inner) { self.push(symbols, indexes, std::move(tables), inner); },
           "symbols"_a, "indexes"_a, "tables"_a.none(false), "inner"_a = 0)
      .def("finish", &PyEncoder::finish);

  py::class_<PyDecoder>(module, "Decoder")
      .def(py::init<const py::buffer&, unsigned, const std::string&>(), "data"_a, "threads"_a = 1, "path"_a = "")
      .def("decode", [](PyDecoder& self, const py::buffer& indexes, std::shared_ptr<nvczoo::Tables> tables,
                        const py::buffer& out,
                        std::size_t inner) { self.decode(indexes, std::move(tables), out, inner); },
           "indexes"_a, "tables"_a.none(false), "out"_a, "inner"_a = 0)
      .def("finish", &PyDecoder::finish);

  module.def("paths", [] {
    std::vector<std::string> names;
    for (const nvczoo::Kernels* kernels : nvczoo::kernels_here()) names.emplace_back(kernels->name);
    return names;
  });
  module.def("path", [](const std::string& name) { return std::string(nvczoo::find_kernels(name).name); },
             "name"_a = "");
  module.def("crc32c", &checksum, "data"_a, "initial"_a = 0);
  module.def("exact_exp", &map_doubles<nvczoo::exact_exp>, "values"_a, "out"_a);
  module.def("exact_log", &map_doubles<nvczoo::exact_log>, "values"_a, "out"_a);
  define_grids(module);
}
