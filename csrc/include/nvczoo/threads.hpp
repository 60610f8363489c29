// Threads that wait for work, so that sub-streams can be coded side by side.
#pragma once

#include <cstddef>
#include <functional>

namespace nvczoo {

inline constexpr unsigned kMaxThreads = 256;

// Calls `work(i)` for each i below `count`, by up to `threads` threads (0: one for each core), this one among them.
// Returns when all have ended; if some throw, one of their exceptions is thrown again.
void share(std::size_t count, unsigned threads, const std::function<void(std::size_t)>& work);

}  // namespace nvczoo
