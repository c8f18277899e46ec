#include "serve/runs/jobs.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <optional>

#include "base/descriptor.h"
#include "base/errno_error.h"
#include "base/error.h"
#include "serve/runs/child.h"
#include "serve/runs/outcome.h"

namespace sluice::serve {
namespace {

constexpr std::chrono::milliseconds kPollAgain{20};
// From SIGINT to SIGKILL: a test cleans what it wrote into the bucket.
constexpr std::chrono::seconds kGrace{20};
constexpr std::size_t kDocumentBytesMax = 64U << 20U;

[[noreturn]] void Fail(base::ErrorCode code, std::string message, std::string remedy,
                       bool retryable) {
  throw base::Error({.code = code,
                     .operation = "short job",
                     .subject = "child process",
                     .message = std::move(message),
                     .remedy = std::move(remedy),
                     .retryable = retryable});
}

int Memory() {
  const int fd = memfd_create("sluice-job", MFD_CLOEXEC);
  if (fd < 0) {
    Fail(base::ErrorCode::kNoSpace, base::ErrnoText(errno),
         "Allow this user more open files (ulimit -n), or run less at a time.", true);
  }
  return fd;
}

// Reads what was added behind `from`; the file's own offset is the child's.
std::string Behind(int fd, std::size_t from) {
  struct stat status {};
  if (fstat(fd, &status) != 0) return {};
  const auto size = static_cast<std::size_t>(status.st_size);
  if (size <= from || size > kDocumentBytesMax) return {};
  std::string text(size - from, '\0');
  const ssize_t count = pread(fd, text.data(), text.size(), static_cast<off_t>(from));
  text.resize(count < 0 ? 0 : static_cast<std::size_t>(count));
  return text;
}

// Hands over whole lines.
class Lines {
 public:
  explicit Lines(int fd) : fd_(fd) {}
  void Tell(const std::function<void(std::string_view)>& on_line) {
    const std::string text = Behind(fd_, read_);
    std::string_view left = text;
    for (auto end = left.find('\n'); end != std::string_view::npos; end = left.find('\n')) {
      const std::string_view line = left.substr(0, end);
      read_ += end + 1;
      left.remove_prefix(end + 1);
      if (!line.empty() && on_line) on_line(line);
    }
  }

 private:
  const int fd_;
  std::size_t read_ = 0;
};

// A child that is asked to end, and killed if it does not.
class Waited {
 public:
  Waited(ProcessId process, const base::Clock& clock)
      : process_(std::move(process)), clock_(clock) {}
  Waited(const Waited&) = delete;
  Waited& operator=(const Waited&) = delete;
  // However we leave: it is gone, and reaped.
  ~Waited() {
    Stop();
    while (!Look()) clock_.Sleep(kPollAgain, {});
  }

  void Stop() {
    if (asked_) return;
    asked_ = base::Deadline::After(clock_, kGrace);
    if (!ended_) Signal(process_, SIGINT);
  }
  bool Look() {
    if (!ended_) ended_ = Reap(process_.pid);
    if (!ended_ && asked_ && asked_->Expired(clock_)) Signal(process_, SIGKILL);
    if (!ended_ && !overuse_) {
      overuse_ = OveruseOf(process_);
      if (overuse_) Signal(process_, SIGKILL);
    }
    return ended_.has_value();
  }
  const Ended& ended() const { return *ended_; }
  const std::optional<Overuse>& overuse() const { return overuse_; }

 private:
  const ProcessId process_;
  const base::Clock& clock_;
  std::optional<base::Deadline> asked_;
  std::optional<Ended> ended_;
  std::optional<Overuse> overuse_;
};

void AddEach(std::vector<std::string>& arguments, const std::string& option,
             const std::vector<std::string>& values) {
  // One word: a value that begins with a dash is a value all the same.
  for (const auto& value : values) arguments.push_back(option + "=" + value);
}

void AddNames(std::vector<std::string>& arguments, const std::vector<std::string>& names) {
  if (names.empty()) return;
  arguments.emplace_back("--");
  arguments.insert(arguments.end(), names.begin(), names.end());
}

void AddSetup(std::vector<std::string>& arguments, const JobRequest& request) {
  if (request.offline) arguments.emplace_back("--offline");
  if (!request.pattern.empty()) AddEach(arguments, "--pattern", {request.pattern});
  AddEach(arguments, "--db-role", request.db_roles);
  AddEach(arguments, "--owner", request.owners);
  if (!request.workgroup_id.empty()) AddEach(arguments, "--workgroup-id", {request.workgroup_id});
  if (!request.bucket_account.empty()) {
    AddEach(arguments, "--bucket-account", {request.bucket_account});
  }
}

std::string CommandOf(JobKind kind) {
  switch (kind) {
    case JobKind::kTest:
    case JobKind::kTestDestination:
    case JobKind::kTestPipeline: return "check";
    case JobKind::kDiscover: return "discover";
    case JobKind::kPreview: return "preview";
    case JobKind::kSetup: return "setup";
    case JobKind::kPlan: return "sync";
  }
  return "check";
}

// Those that tell what happens while they run.
bool HasEvents(JobKind kind) { return kind != JobKind::kPreview && kind != JobKind::kSetup; }

// The child knows its configuration as a descriptor.
std::string InPeoplesWords(std::string text) {
  const auto json = Json::parse(text, nullptr, false);
  if (json.is_discarded() || !json.is_object()) return {};
  const auto error = json.find("error");
  if (error == json.end() || !error->is_object() || error->value("subject", "") != "/dev/fd/3") {
    return text;
  }
  Json changed = json;
  changed["error"]["subject"] = "configuration";
  if (changed.contains("file")) changed["file"] = "configuration";
  return changed.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace

std::string_view KindName(JobKind kind) {
  switch (kind) {
    case JobKind::kTest: return "test";
    case JobKind::kTestDestination: return "test_destination";
    case JobKind::kTestPipeline: return "test_pipeline";
    case JobKind::kDiscover: return "discover";
    case JobKind::kPreview: return "preview";
    case JobKind::kSetup: return "setup";
    case JobKind::kPlan: return "plan";
  }
  return "test";
}

std::vector<std::string> ArgumentsOf(const JobRequest& request) {
  std::vector<std::string> arguments = {CommandOf(request.kind), "--json"};
  if (HasEvents(request.kind)) {
    arguments.insert(arguments.end(), {"--events", std::to_string(kEventsDescriptor)});
  }
  switch (request.kind) {
    case JobKind::kTest: arguments.insert(arguments.end(), {"--only", "source"}); break;
    case JobKind::kTestDestination:
      arguments.insert(arguments.end(), {"--only", "destination"});
      break;
    case JobKind::kTestPipeline: break;
    case JobKind::kDiscover:
      if (request.verify_keys) arguments.emplace_back("--verify-keys");
      AddNames(arguments, request.schemas);
      break;
    case JobKind::kPreview:
      arguments.push_back("--limit=" + std::to_string(request.limit));
      AddNames(arguments, {request.stream});
      break;
    case JobKind::kSetup: AddSetup(arguments, request); break;
    case JobKind::kPlan:
      arguments.emplace_back("--dry-run");
      if (request.full) arguments.emplace_back("--full");
      AddNames(arguments, request.streams);
      break;
  }
  return arguments;
}

// One of the places that there are for short jobs, while it lives.
class Jobs::Place {
 public:
  Place(Jobs& jobs, const std::string& tenant) : jobs_(jobs), tenant_(tenant) {
    const std::lock_guard lock(jobs_.mu_);
    int& own = jobs_.running_[tenant_];
    if (jobs_.all_ >= jobs_.options_.parallel_jobs ||
        own >= jobs_.options_.parallel_jobs_per_tenant) {
      if (own == 0) jobs_.running_.erase(tenant_);
      Fail(base::ErrorCode::kThrottled, "as many tests and previews run as are allowed at a time",
           "Try again in a moment.", true);
    }
    ++own;
    ++jobs_.all_;
  }
  Place(const Place&) = delete;
  Place& operator=(const Place&) = delete;
  ~Place() {
    const std::lock_guard lock(jobs_.mu_);
    --jobs_.all_;
    const auto own = jobs_.running_.find(tenant_);
    if (--own->second == 0) jobs_.running_.erase(own);
  }

 private:
  Jobs& jobs_;
  const std::string tenant_;
};

void Jobs::End() { ending_.request_stop(); }

JobResult Jobs::Run(const JobRequest& request,
                    const std::function<void(std::string_view json)>& on_event,
                    std::stop_token stop) {
  const Place place(*this, request.tenant);
  const base::Descriptor output(Memory());
  const base::Descriptor events(Memory());
  const base::Descriptor log(open("/dev/null", O_WRONLY | O_CLOEXEC));
  std::filesystem::create_directories(request.config.folder);
  Waited child(
      StartChild({.program = options_.program,
                  .arguments = ArgumentsOf(request),
                  .config = request.config.text,
                  .folder = request.config.folder,
                  .environment = ChildEnvironment(options_.environment, options_.data,
                                                  options_.aws_environment, options_.allow_hosts),
                  .output = output.get(),
                  .log = log.get(),
                  .events = HasEvents(request.kind) ? events.get() : -1,
                  .ends_with_us = true,
                  .memory_mb = request.config.memory_mb},
                 [](const ProcessId&) {}),
      clock_);
  Lines lines(events.get());
  const auto deadline = base::Deadline::After(clock_, options_.job_patience);
  bool cancelled = false;
  bool late = false;
  while (!child.Look()) {
    lines.Tell(on_event);
    cancelled = cancelled || stop.stop_requested() || ending_.stop_requested();
    late = late || deadline.Expired(clock_);
    if (cancelled || late) child.Stop();
    clock_.Sleep(kPollAgain, {});
  }
  lines.Tell(on_event);
  if (cancelled) base::ThrowCancelled("short job", KindName(request.kind));
  if (late) {
    Fail(base::ErrorCode::kTimeout,
         fmt::format("it took longer than {} s", options_.job_patience.count()),
         "Try again. A workgroup that sleeps takes a minute to wake up.", true);
  }
  JobResult result{.exit_code = child.ended().exit_code,
                   .document = InPeoplesWords(Behind(output.get(), 0))};
  if (result.document.empty()) {
    if (child.overuse()) throw base::Error(OutOfMemory("short job", *child.overuse()));
    Fail(base::ErrorCode::kInternal,
         child.ended().signal != 0
             ? fmt::format("it was ended by signal {}", child.ended().signal)
             : fmt::format("it ended with status {} and without a result", result.exit_code),
         "Try again. If it happens again, memory may be short on the server.", true);
  }
  return result;
}

}  // namespace sluice::serve
