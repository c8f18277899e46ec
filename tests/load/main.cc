// The program, but for `sync`, which takes a moment and says that it brought one row: what a load
// test of the service runs by the thousand. Each appends its run to $HOME/fake_runs.txt, so that
// one that was lost or done twice is seen.
#include <fcntl.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "cli/app.h"
#include "cli/process.h"

namespace {

void Append(const std::filesystem::path& file, const std::string& line) {
  const int fd = open(file.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  if (fd < 0 || write(fd, line.data(), line.size()) != static_cast<ssize_t>(line.size())) _exit(1);
  close(fd);
}

int FakeSync(const std::filesystem::path& events) {
  const std::string run = events.parent_path().filename().string();
  Append(std::filesystem::path(getenv("HOME")) / "fake_runs.txt", run + "\n");
  Append(events, R"({"v":1,"event":"command_began","time":1,"command":"sync"})"
                 "\n");
  // Between nothing and a quarter of a second.
  usleep(static_cast<useconds_t>(std::hash<std::string>()(run) % 250'000));
  const std::string stream =
      R"("stream":"one","target":"one","status":"done","rows":1,"bytes":10,"seconds":0.1,)"
      R"("proof":null,"counts":{"inserted":1,"updated":0,"unchanged":0,"deleted":0,"skipped":0,)"
      R"("duplicates":0,"deleted_absent":0},"warnings":[],"error":null)";
  Append(events, R"({"v":1,"event":"stream_ended","time":1,)" + stream + "}\n" +
                     R"({"v":1,"event":"command_ended","time":1,"exit_code":0,"error":null})" +
                     "\n");
  const std::string document =
      R"({"sluice":"1","command":"sync","exit_code":0,"error":null,"interrupted":false,)"
      R"("rows":1,"bytes":10,"cost":null,"streams":[{)" +
      stream + "}]}\n";
  return fputs(document.c_str(), stdout) < 0 || fflush(stdout) != 0 ? 1 : 0;
}

}  // namespace

int main(int argc, char** argv) {
  sluice::cli::PrepareProcess();
  const std::vector<std::string_view> words(argv, argv + argc);
  std::string events;
  bool sync = false;
  for (std::size_t i = 0; i + 1 < words.size(); ++i) {
    if (words[i] == "--events") events = words[i + 1];
    if (words[i] == "sync") sync = true;
  }
  if (sync && !events.empty()) return FakeSync(events);
  return sluice::cli::Main(argc, argv);
}
