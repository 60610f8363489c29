// CRC-32C (Castagnoli), as in RFC 3720, appendix B.4.
#pragma once

#include <cstdint>
#include <span>

namespace nvczoo {

// Returns the CRC of what `initial` is the CRC of, followed by `data`.
std::uint32_t crc32c(std::span<const std::uint8_t> data, std::uint32_t initial = 0);

}  // namespace nvczoo
