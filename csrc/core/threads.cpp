#include "core/threads.h"

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <exception>
#include <list>
#include <mutex>
#include <system_error>
#include <thread>

#include "memory/per_process.h"

namespace augsynth {
namespace {

using Body = std::function<void(std::size_t, int, Poll&)>;

// One call of parallel_for. The pool's mutex guards the counts and the error.
struct Job {
  const Body& body;
  const std::size_t tasks;
  const int seats;  // workers that may join, the caller included
  int joined = 1, working = 0;
  std::atomic<std::size_t> next{0};
  std::atomic<bool> ended{false};
  std::exception_ptr error;

  Job(const Body& body, std::size_t tasks, int seats) : body(body), tasks(tasks), seats(seats) {}
};

class Pool {
 public:
  void run(Job& job, Check check) {
    const auto place = open(job);
    work(job, 0, check);
    close(job, place, check);
  }

 private:
  std::list<Job*>::iterator open(Job& job) {
    std::lock_guard<std::mutex> lock(mutex_);
    while (threads_ < job.seats - 1 && start_thread()) {
    }
    const auto place = jobs_.insert(jobs_.end(), &job);
    changed_.notify_all();
    return place;
  }

  // From here on nobody joins, and those who did have left.
  void close(Job& job, std::list<Job*>::iterator place, Check check) {
    std::unique_lock<std::mutex> lock(mutex_);
    jobs_.erase(place);
    const auto have_left = [&] { return job.working == 0; };
    while (!left_.wait_for(lock, std::chrono::milliseconds(kMillisecondsBetweenChecks), have_left)) {
      lock.unlock();
      try {
        if (check != nullptr) check();
      } catch (...) {
        fail(job);
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
      Job* job = nullptr;
      changed_.wait(lock, [&] { return (job = joinable()) != nullptr; });
      const int worker = job->joined++;
      ++job->working;
      lock.unlock();
      work(*job, worker, nullptr);
      lock.lock();
      if (--job->working == 0) left_.notify_all();
    }
  }

  Job* joinable() const {
    for (Job* job : jobs_)
      if (job->joined < job->seats && job->next < job->tasks) return job;
    return nullptr;
  }

  void work(Job& job, int worker, Check check) {
    Poll poll(check, &job.ended);
    try {
      for (std::size_t task = job.next++; task < job.tasks; task = job.next++) {
        poll();
        job.body(task, worker, poll);
      }
    } catch (...) {
      fail(job);
    }
  }

  // Keeps the exception that was caught, if it is the first, and makes all workers leave.
  void fail(Job& job) {
    std::lock_guard<std::mutex> lock(mutex_);
    if (!job.error) job.error = std::current_exception();
    job.next = job.tasks;
    job.ended = true;
  }

  std::mutex mutex_;
  std::condition_variable changed_, left_;
  std::list<Job*> jobs_;
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
  Job job(body, tasks, seats);
  per_process<Pool>().run(job, check);
  if (job.error) std::rethrow_exception(job.error);
}

}  // namespace augsynth
