#include "threads.h"

#include <atomic>
#include <condition_variable>
#include <exception>
#include <list>
#include <mutex>
#include <system_error>
#include <thread>

#include "memory/per_process.h"

namespace augsynth {
namespace {

using Body = std::function<void(std::size_t, int)>;

// One call of parallel_for. The pool's mutex guards the counts and the error.
struct Job {
  const Body& body;
  const std::size_t tasks;
  const int seats;  // workers that may join, the caller included
  int joined = 1, working = 0;
  std::atomic<std::size_t> next{0};
  std::exception_ptr error;

  Job(const Body& body, std::size_t tasks, int seats) : body(body), tasks(tasks), seats(seats) {}
};

class Pool {
 public:
  void run(Job& job) {
    const auto place = open(job);
    work(job, 0);
    close(job, place);
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
  void close(Job& job, std::list<Job*>::iterator place) {
    std::unique_lock<std::mutex> lock(mutex_);
    jobs_.erase(place);
    left_.wait(lock, [&] { return job.working == 0; });
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
      work(*job, worker);
      lock.lock();
      if (--job->working == 0) left_.notify_all();
    }
  }

  Job* joinable() const {
    for (Job* job : jobs_)
      if (job->joined < job->seats && job->next < job->tasks) return job;
    return nullptr;
  }

  void work(Job& job, int worker) {
    try {
      for (std::size_t task = job.next++; task < job.tasks; task = job.next++) job.body(task, worker);
    } catch (...) {
      std::lock_guard<std::mutex> lock(mutex_);
      if (!job.error) job.error = std::current_exception();
      job.next = job.tasks;
    }
  }

  std::mutex mutex_;
  std::condition_variable changed_, left_;
  std::list<Job*> jobs_;
  int threads_ = 0;
};

}  // namespace

void parallel_for(std::size_t tasks, int threads, const Body& body) {
  const int seats = tasks < static_cast<std::size_t>(threads) ? static_cast<int>(tasks) : threads;
  if (seats <= 1) {
    for (std::size_t task = 0; task < tasks; ++task) body(task, 0);
    return;
  }
  Job job(body, tasks, seats);
  per_process<Pool>().run(job);
  if (job.error) std::rethrow_exception(job.error);
}

}  // namespace augsynth
