// The functions that nvczoo/entropy/cuda_library.py calls: C, so that no version of torch or Python matters. Built
// twice: with kernels.cu into the optional library, and with emulator.cpp into the extension, to be tested anywhere.
//
// Memory on the device is the caller's. What lies there is made on the host (`pack_...`), and copied by the caller.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "cuda/interface.hpp"
#include "nvczoo/blob.hpp"
#include "nvczoo/decoder.hpp"
#include "nvczoo/errors.hpp"
#include "nvczoo/tables.hpp"

#ifdef _WIN32
#define NVCZOO_API extern "C" __declspec(dllexport)
#else
#define NVCZOO_API extern "C" __attribute__((visibility("default")))
#endif

namespace nvczoo::cuda {
namespace {

constexpr int kInterface = 2;  // cuda_library.py wants the same
constexpr std::uint64_t kNoFingerprint = 256;

enum Outcome : int { kFine, kShape, kSetting, kCorrupt, kTruncated, kUnsupported, kMismatch, kDevice };

thread_local std::string message;

int told(Outcome outcome, const char* what) {
  message = what;
  return outcome;
}

template <class Call>
int guarded(Call&& call) {
  try {
    const int error = call();
    return error == 0 ? kFine : told(kDevice, describe(error));
  } catch (const ShapeError& error) {
    return told(kShape, error.what());
  } catch (const SettingError& error) {
    return told(kSetting, error.what());
  } catch (const CorruptStream& error) {
    return told(kCorrupt, error.what());
  } catch (const TruncatedStream& error) {
    return told(kTruncated, error.what());
  } catch (const UnsupportedStream& error) {
    return told(kUnsupported, error.what());
  } catch (const TableMismatch& error) {
    return told(kMismatch, error.what());
  } catch (const std::exception& error) {
    return told(kDevice, error.what());
  }
}

// Tables on the device: the buckets, four columns, and the intervals, one after the other.
struct Layout {
  explicit Layout(const Tables& tables)
      : columns(tables.buckets().size_bytes()),
        column_bytes(tables.column_size() * sizeof(std::uint32_t)),
        intervals(columns + 4 * column_bytes),
        size(intervals + tables.intervals().size_bytes()) {}

  std::size_t columns, column_bytes, intervals, size;
};

TableView view_at(const Tables& tables, const std::uint8_t* device) {
  const Layout layout(tables);
  const auto integers = [&](std::size_t at) { return reinterpret_cast<const std::uint32_t*>(device + at); };
  const auto column = [&](std::size_t number) { return integers(layout.columns + number * layout.column_bytes); };
  return {column(0), column(1), column(2), column(3), reinterpret_cast<const Bucket*>(device), nullptr,
          integers(layout.intervals), static_cast<std::uint32_t>(tables.rows()), tables.precision(), tables.view().short_symbols};
}

const Tables& tables_of(const void* handle) { return *static_cast<const Tables*>(handle); }

}  // namespace
}  // namespace nvczoo::cuda

using namespace nvczoo;
using namespace nvczoo::cuda;

NVCZOO_API int nvczoo_cuda_interface() { return kInterface; }
NVCZOO_API const char* nvczoo_cuda_message() { return message.c_str(); }

NVCZOO_API int nvczoo_cuda_devices(int* count) {
  return guarded([&] { return count_devices(*count); });
}

NVCZOO_API int nvczoo_cuda_tables(const std::uint32_t* cdfs, std::size_t values, const std::int32_t* sizes,
                                  const std::int32_t* offsets, std::size_t rows, unsigned precision, void** made) {
  return guarded([&] {
    *made = new Tables(std::span(cdfs, values), std::span(sizes, rows), std::span(offsets, rows), precision);
    return 0;
  });
}

NVCZOO_API void nvczoo_cuda_forget_tables(void* tables) { delete static_cast<Tables*>(tables); }
NVCZOO_API std::size_t nvczoo_cuda_tables_size(const void* tables) { return Layout(tables_of(tables)).size; }
NVCZOO_API unsigned nvczoo_cuda_tables_checksum(const void* tables) { return tables_of(tables).checksum(); }

NVCZOO_API void nvczoo_cuda_pack_tables(const void* handle, std::uint8_t* out) {
  const Tables& tables = tables_of(handle);
  const Layout layout(tables);
  const TableView view = tables.view();
  std::memcpy(out, view.buckets, layout.columns);
  std::size_t at = layout.columns;
  for (const std::uint32_t* column : {view.lookups, view.firsts, view.offsets, view.escapes}) {
    std::memcpy(out + at, column, layout.column_bytes);
    at += layout.column_bytes;
  }
  std::memcpy(out + at, view.intervals, layout.size - at);
}

NVCZOO_API std::size_t nvczoo_cuda_stream_size() { return sizeof(StreamState); }
NVCZOO_API std::size_t nvczoo_cuda_part_size() { return sizeof(DevicePart); }
NVCZOO_API std::size_t nvczoo_cuda_encoded_size() { return sizeof(EncodedStream); }

// Opens data of the host for a copy of it at `device`. `out` has room for kMaxStreams streams.
NVCZOO_API int nvczoo_cuda_open(const std::uint8_t* data, std::size_t size, const std::uint8_t* device,
                                StreamState* out, unsigned* count, unsigned* fingerprint) {
  return guarded([&] {
    Header header;
    std::vector<StreamState> streams = open_streams(Bytes(data, size), header);
    for (StreamState& stream : streams) {
      stream.words.at = device + (stream.words.at - data);
      stream.words.end = device + (stream.words.end - data);
    }
    std::copy(streams.begin(), streams.end(), out);
    *count = static_cast<unsigned>(streams.size());
    *fingerprint = header.fingerprint ? *header.fingerprint : kNoFingerprint;
    return 0;
  });
}

NVCZOO_API int nvczoo_cuda_decode(StreamState* streams, unsigned count, unsigned fingerprint, const void* tables,
                                  const std::uint8_t* device_tables, const void* indexes, int wide,
                                  std::int32_t* symbols, std::uint64_t length, Queue queue) {
  return guarded([&] {
    if (length == 0) return 0;
    if (count == 0)
      throw TruncatedStream("the coded data is empty, but " + std::to_string(length) + " symbols were asked for");
    if (fingerprint != kNoFingerprint) check_fingerprint(static_cast<std::uint8_t>(fingerprint), tables_of(tables));
    return decode(streams, count, view_at(tables_of(tables), device_tables), indexes, wide != 0, symbols, length,
                  queue);
  });
}

NVCZOO_API int nvczoo_cuda_finish(StreamState* streams, unsigned count, std::uint32_t* fault, Queue queue) {
  return guarded([&] { return count == 0 ? 0 : finish(streams, count, fault, queue); });
}

NVCZOO_API int nvczoo_cuda_raise(std::uint32_t fault) {
  return guarded([&] {
    raise(static_cast<Fault>(fault));
    return 0;
  });
}

NVCZOO_API void nvczoo_cuda_pack_part(const void* tables, const std::uint8_t* device_tables,
                                      const std::int32_t* symbols, const void* indexes, int wide,
                                      std::uint64_t count, DevicePart* out) {
  *out = {symbols, indexes, count, wide != 0 ? 1u : 0u, view_at(tables_of(tables), device_tables)};
}

NVCZOO_API int nvczoo_cuda_encode(EncodedStream* streams, unsigned count, const DevicePart* parts,
                                  unsigned part_count, unsigned lanes, std::uint16_t* scratch,
                                  std::uint64_t words_each, Queue queue) {
  return guarded([&] { return encode(streams, count, parts, part_count, lanes, scratch, words_each, queue); });
}

NVCZOO_API int nvczoo_cuda_gather(const EncodedStream* streams, unsigned count, const std::uint16_t* scratch,
                                  std::uint16_t* words, Queue queue) {
  return guarded([&] { return gather(streams, count, scratch, words, queue); });
}

// The first fault of streams on the host; how many words they have together.
NVCZOO_API std::uint32_t nvczoo_cuda_encoded(const EncodedStream* streams, unsigned count, std::uint64_t* words) {
  *words = 0;
  for (unsigned i = 0; i < count; ++i) *words += streams[i].words;
  for (unsigned i = 0; i < count; ++i)
    if (streams[i].fault != Fault::kNone) return static_cast<std::uint32_t>(streams[i].fault);
  return 0;
}

// Puts the bytes together from streams and gathered words on the host; only tells their size if `out` is null.
NVCZOO_API std::size_t nvczoo_cuda_blob(const EncodedStream* streams, unsigned count, const std::uint16_t* words,
                                        unsigned lanes, int checksum, unsigned fingerprint, std::uint8_t* out) {
  std::vector<CodedStream> coded(count);
  for (unsigned i = 0; i < count; ++i) {
    coded[i].counts = streams[i].counts;
    std::copy_n(streams[i].states, kMaxLanes, coded[i].states.begin());
    coded[i].words = {words, static_cast<std::size_t>(streams[i].words)};
    words += streams[i].words;
  }
  std::optional<std::uint8_t> mark;
  if (fingerprint != kNoFingerprint) mark = static_cast<std::uint8_t>(fingerprint);
  const Blob blob(std::move(coded), lanes, checksum != 0, mark);
  if (out != nullptr) blob.write(out);
  return blob.size();
}
