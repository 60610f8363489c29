#include "nvczoo/threads.hpp"

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <deque>
#include <exception>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#ifndef _WIN32
#include <unistd.h>
#endif

namespace nvczoo {
namespace {

// What one call of `share` hands out. Whoever comes takes the next number until none is left.
struct Job {
  Job(const std::function<void(std::size_t)>& what, std::size_t how_many) : work(what), count(how_many) {}

  void help() {
    for (std::size_t i = next++; i < count; i = next++) {
      try {
        work(i);
      } catch (...) {
        const std::lock_guard lock(mutex);
        error = std::current_exception();
      }
      if (++done == count) {
        const std::lock_guard lock(mutex);
        ended.notify_all();
      }
    }
  }

  void wait() {
    std::unique_lock lock(mutex);
    ended.wait(lock, [this] { return done == count; });
    if (error) std::rethrow_exception(error);
  }

  const std::function<void(std::size_t)>& work;  // outlives all calls: `wait` returns after the last of them
  const std::size_t count;
  std::atomic<std::size_t> next{0}, done{0};
  std::mutex mutex;
  std::condition_variable ended;
  std::exception_ptr error;
};

class Pool {
 public:
  void ask(const std::shared_ptr<Job>& job, unsigned helpers) {
    {
      const std::lock_guard lock(mutex_);
      while (threads_ < helpers && threads_ < kMaxThreads) {
        std::thread([this] { serve(); }).detach();
        ++threads_;
      }
      for (unsigned i = 0; i < helpers; ++i) jobs_.push_back(job);
    }
    wanted_.notify_all();
  }

 private:
  [[noreturn]] void serve() {
    for (;;) {
      std::unique_lock lock(mutex_);
      wanted_.wait(lock, [this] { return !jobs_.empty(); });
      const auto job = std::move(jobs_.front());
      jobs_.pop_front();
      lock.unlock();
      job->help();
    }
  }

  std::mutex mutex_;
  std::condition_variable wanted_;
  std::deque<std::shared_ptr<Job>> jobs_;
  unsigned threads_ = 0;
};

// Never destroyed, as its threads wait to the end; a forked process, which has none of them, makes its own.
Pool& pool() {
  static std::mutex mutex;
  static Pool* made = nullptr;
  static long owner = 0;
#ifdef _WIN32
  const long process = 1;
#else
  const long process = getpid();
#endif
  const std::lock_guard lock(mutex);
  if (made == nullptr || owner != process) {
    made = new Pool;
    owner = process;
  }
  return *made;
}

}  // namespace

void share(std::size_t count, unsigned threads, const std::function<void(std::size_t)>& work) {
  if (threads == 0) threads = std::max(1u, std::thread::hardware_concurrency());
  const auto useful = static_cast<unsigned>(std::min<std::size_t>({count, threads, kMaxThreads}));
  if (useful <= 1) {
    for (std::size_t i = 0; i < count; ++i) work(i);
    return;
  }
  const auto job = std::make_shared<Job>(work, count);
  pool().ask(job, useful - 1);
  job->help();
  job->wait();
}

}  // namespace nvczoo
