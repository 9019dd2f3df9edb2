#include "core/threads.h"

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <exception>
#include <list>
#include <mutex>
#include <system_error>
#include <thread>

#include "core/per_process.h"

namespace augsynth {
namespace {

using Body = std::function<void(std::size_t, int, Poll&)>;

// One call of parallel_for. The pool's mutex guards the counts and the error.
struct ParallelLoop {
  const Body& body;
  const std::size_t tasks;
  const int seats;  // workers that may join, the caller included
  int joined = 1, working = 0;
  std::atomic<std::size_t> next{0};
  std::atomic<bool> ended{false};
  std::exception_ptr error;

  ParallelLoop(const Body& body, std::size_t tasks, int seats) : body(body), tasks(tasks), seats(seats) {}
};

class Pool {
 public:
  void run(ParallelLoop& loop, Check check) {
    const auto place = open(loop);
    work(loop, 0, check);
    close(loop, place, check);
  }

 private:
  std::list<ParallelLoop*>::iterator open(ParallelLoop& loop) {
    std::lock_guard<std::mutex> lock(mutex_);
    while (threads_ < loop.seats - 1 && start_thread()) {
    }
    const auto place = loops_.insert(loops_.end(), &loop);
    changed_.notify_all();
    return place;
  }

  // From here on nobody joins, and those who did have left.
  void close(ParallelLoop& loop, std::list<ParallelLoop*>::iterator place, Check check) {
    std::unique_lock<std::mutex> lock(mutex_);
    loops_.erase(place);
    const auto have_left = [&] { return loop.working == 0; };
    while (!left_.wait_for(lock, std::chrono::milliseconds(kMillisecondsBetweenChecks), have_left)) {
      lock.unlock();
      try {
        if (check != nullptr) check();
      } catch (...) {
        fail(loop);
      }
      lock.lock();
    }
  }

  // The caller does the work alone where the system grants no thread.
  bool start_thread() {
    try {
      std::thread([this] { serve(); }).detach();
    } catch (const std::system_error&) {
      return false;
    }
    ++threads_;
    return true;
  }

  [[noreturn]] void serve() {
    std::unique_lock<std::mutex> lock(mutex_);
    while (true) {
      ParallelLoop* loop = nullptr;
      changed_.wait(lock, [&] { return (loop = joinable()) != nullptr; });
      const int worker = loop->joined++;
      ++loop->working;
      lock.unlock();
      work(*loop, worker, nullptr);
      lock.lock();
      if (--loop->working == 0) left_.notify_all();
    }
  }

  ParallelLoop* joinable() const {
    for (ParallelLoop* loop : loops_)
      if (loop->joined < loop->seats && loop->next < loop->tasks) return loop;
    return nullptr;
  }

  void work(ParallelLoop& loop, int worker, Check check) {
    Poll poll(check, &loop.ended);
    try {
      for (std::size_t task = loop.next++; task < loop.tasks; task = loop.next++) {
        poll();
        loop.body(task, worker, poll);
      }
    } catch (...) {
      fail(loop);
    }
  }

  // Keeps the exception that was caught, if it is the first, and makes all workers leave.
  void fail(ParallelLoop& loop) {
    std::lock_guard<std::mutex> lock(mutex_);
    if (!loop.error) loop.error = std::current_exception();
    loop.next = loop.tasks;
    loop.ended = true;
  }

  std::mutex mutex_;
  std::condition_variable changed_, left_;
  std::list<ParallelLoop*> loops_;
  int threads_ = 0;
};

}  // namespace

void parallel_for(std::size_t tasks, int threads, Check check, const Body& body) {
  const int seats = tasks < static_cast<std::size_t>(threads) ? static_cast<int>(tasks) : threads;
  if (seats <= 1) {
    Poll poll(check);
    for (std::size_t task = 0; task < tasks; ++task) {
      poll();
      body(task, 0, poll);
    }
    return;
  }
  ParallelLoop loop(body, tasks, seats);
  per_process<Pool>().run(loop, check);
  if (loop.error) std::rethrow_exception(loop.error);
}

}  // namespace augsynth
