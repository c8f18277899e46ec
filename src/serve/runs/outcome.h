// What became of a run, from the files that its child left. Pure but for reading them; any thread.
#pragma once
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.h"
#include "serve/base/runs.h"
#include "serve/runs/child.h"

namespace sluice::serve {

// The files of one run: DATA/runs/<run>/.
struct RunFiles {
  std::filesystem::path folder;
  std::filesystem::path Events() const { return folder / "events.jsonl"; }
  std::filesystem::path Result() const { return folder / "result.json"; }
  std::filesystem::path Log() const { return folder / "log.txt"; }
  // Who the child is (ProcessId::ToText).
  std::filesystem::path Process() const { return folder / "process"; }
};

struct Outcome {
  RunEnd end;
  // The child ended without a word: killed, by whomever. What it did not commit did not happen, so
  // it may be done again.
  bool lost = false;
};

// `document`: what the child wrote to its standard output; may be cut or empty. `events` gives its
// events, asked for if the document does not tell; the last line may be cut. `ended`: how the
// process ended, if that is known. `stop_requested`: an end without a word is what was asked for
// then.
Outcome ReadOutcome(std::string_view document, const std::function<std::string()>& events,
                    const std::optional<Ended>& ended, bool stop_requested);
// The same of a child that was killed for its memory. Not lost: again, it would take as much again.
Outcome TookTooMuch(Outcome outcome, const Overuse& overuse);
// What is told of it.
base::ErrorInfo OutOfMemory(std::string_view operation, const Overuse& overuse);
// Of a run whose child could not be begun.
RunEnd NotBegun(const base::ErrorInfo& error);

// Pure. Whether one of a pipeline's streams appends all of its rows with each run.
bool AppendsInFull(const Json& pipeline_fields);

// The file's text, at most `bytes_max` of it; empty if there is none.
std::string TextOf(const std::filesystem::path& file, std::size_t bytes_max);
inline constexpr std::size_t kResultBytesMax = 64U << 20U;

}  // namespace sluice::serve
