#include "serve/runs/outcome.h"

#include <fmt/format.h>
#include <signal.h>

#include <cstdint>
#include <fstream>

#include "serve/base/problem.h"

namespace sluice::serve {
namespace {

std::optional<Json> Parse(std::string_view text) {
  Json json = Json::parse(text, nullptr, false);
  if (json.is_discarded() || !json.is_object()) return std::nullopt;
  return json;
}

Json At(const Json& object, const char* key) {
  const auto found = object.find(key);
  return found == object.end() ? Json() : *found;
}

std::optional<std::int64_t> Whole(const Json& value) {
  if (!value.is_number()) return std::nullopt;
  return value.get<std::int64_t>();
}

std::optional<double> Real(const Json& value) {
  if (!value.is_number()) return std::nullopt;
  return value.get<double>();
}

// The child knows its configuration as a descriptor; people know it as the pipeline's.
Json InPeoplesWords(Json error) {
  if (!error.is_object()) return nullptr;
  if (At(error, "subject") == "/dev/fd/3") error["subject"] = "the pipeline's configuration";
  return error;
}

Json SumOfCounts(const Json& streams) {
  Json sum;
  for (const Json& stream : streams) {
    const Json counts = At(stream, "counts");
    if (!counts.is_object()) continue;
    for (const auto& [name, value] : counts.items()) {
      if (!value.is_number_integer()) continue;
      const auto before = Whole(At(sum.is_object() ? sum : Json::object(), name.c_str()));
      sum[name] = before.value_or(0) + value.get<std::int64_t>();
    }
  }
  return sum;
}

Json FirstError(const Json& streams) {
  for (const Json& stream : streams) {
    if (At(stream, "error").is_object()) return At(stream, "error");
  }
  return nullptr;
}

std::int64_t Sum(const Json& streams, const char* field) {
  std::int64_t sum = 0;
  for (const Json& stream : streams) sum += Whole(At(stream, field)).value_or(0);
  return sum;
}

// What a child's whole life came to, however that is known.
struct Told {
  std::optional<int> exit_code;
  bool interrupted = false;
  Json error;
  Json streams = Json::array();
  Json cost;
};

std::optional<Told> FromDocument(std::string_view text) {
  const auto document = Parse(text);
  if (!document || !At(*document, "exit_code").is_number_integer()) return std::nullopt;
  Told told{.exit_code = At(*document, "exit_code").get<int>(),
            .interrupted = At(*document, "interrupted") == true,
            .error = InPeoplesWords(At(*document, "error")),
            .cost = At(*document, "cost")};
  if (const Json streams = At(*document, "streams"); streams.is_array()) told.streams = streams;
  return told;
}

void TakeEvent(const Json& event, Told& told) {
  const Json name = At(event, "event");
  if (name == "stream_ended") {
    Json stream = event;
    for (const char* key : {"v", "event", "time"}) stream.erase(key);
    told.streams.push_back(std::move(stream));
  } else if (name == "run_ended") {
    told.interrupted = At(event, "interrupted") == true;
  } else if (name == "command_ended" && At(event, "exit_code").is_number_integer()) {
    told.exit_code = At(event, "exit_code").get<int>();
    told.error = InPeoplesWords(At(event, "error"));
  }
}

Told FromEvents(std::string_view events) {
  Told told;
  while (!events.empty()) {
    const auto end = events.find('\n');
    if (end == std::string_view::npos) break;  // cut: no event
    if (const auto event = Parse(events.substr(0, end))) TakeEvent(*event, told);
    events.remove_prefix(end + 1);
  }
  return told;
}

RunState StateOf(const Told& told) {
  constexpr int kDone = 0;
  constexpr int kSomeFailed = 3;
  constexpr int kInterrupted = 130;
  if (told.interrupted || told.exit_code == kInterrupted) return RunState::kStopped;
  if (told.exit_code == kDone) return RunState::kSucceeded;
  return told.exit_code == kSomeFailed ? RunState::kPartly : RunState::kFailed;
}

base::ErrorInfo Lost(const std::optional<Ended>& ended) {
  base::ErrorInfo error{.code = base::ErrorCode::kUnavailable,
                        .operation = "sync",
                        .subject = "the run's process",
                        .message = "it ended without a result",
                        .remedy =
                            "Nothing is lost: what was not committed is read again by the "
                            "next run. Start it again.",
                        .retryable = true};
  if (ended && ended->signal == SIGKILL) {
    error.message = "it was killed (signal 9)";
    error.remedy +=
        " If it happens again, memory may be short: see the machine's log (dmesg), and "
        "lower the pipeline's limits.memory_mb or run less at a time.";
  } else if (ended && ended->signal != 0) {
    error.message = fmt::format("it was ended by signal {}", ended->signal);
    error.remedy += " If it happens again, send the run's log to those who make Sluice.";
  } else if (ended && ended->exit_code >= 0) {
    error.message = fmt::format("it ended with status {} and without a result", ended->exit_code);
    error.remedy += " The run's log says more.";
  }
  return error;
}

RunEnd EndOf(const Told& told) {
  RunEnd end{.state = StateOf(told),
             .counts = SumOfCounts(told.streams),
             .cost = told.cost,
             .streams = told.streams,
             .error = told.error,
             .rows = Sum(told.streams, "rows"),
             .bytes = Sum(told.streams, "bytes"),
             .amount = {},
             .billed_seconds = {}};
  if (told.cost.is_object()) {
    end.amount = Real(At(told.cost, "amount"));
    end.billed_seconds = Real(At(told.cost, "billed_seconds"));
    end.rpu_seconds = Real(At(told.cost, "rpu_seconds"));
  }
  if (end.error.is_null() && end.state != RunState::kSucceeded)
    end.error = FirstError(told.streams);
  return end;
}

}  // namespace

Outcome ReadOutcome(std::string_view document, const std::function<std::string()>& events,
                    const std::optional<Ended>& ended, bool stop_requested) {
  Told told = FromDocument(document).value_or(Told{});
  if (!told.exit_code) told = FromEvents(events());
  Outcome outcome{.end = EndOf(told)};
  if (told.exit_code) return outcome;
  outcome.end.state = stop_requested ? RunState::kStopped : RunState::kFailed;
  outcome.lost = !stop_requested;
  outcome.end.error = stop_requested ? Json() : ToJson(Lost(ended));
  return outcome;
}

Outcome TookTooMuch(Outcome outcome, const Overuse& overuse) {
  outcome.lost = false;
  outcome.end.error = ToJson(OutOfMemory("sync", overuse));
  return outcome;
}

base::ErrorInfo OutOfMemory(std::string_view operation, const Overuse& overuse) {
  return {
      .code = base::ErrorCode::kNoSpace,
      .operation = std::string(operation),
      .subject = "the run's process",
      .message = fmt::format("it was ended because it took {} MB of memory: {} MB are {} times its "
                             "limits.memory_mb, and {} MB more",
                             overuse.taken_mb, overuse.allowed_mb, kMemoryTimes, kMemoryBeyondMb),
      .remedy =
          "Raise the pipeline's limits.memory_mb, or lower its streams_parallel. What was "
          "not committed is read again by the next run. If it happens again, send the "
          "run's log to those who make Sluice."};
}

RunEnd NotBegun(const base::ErrorInfo& error) {
  return {.state = RunState::kFailed,
          .counts = {},
          .cost = {},
          .streams = Json::array(),
          .error = ToJson(error),
          .rows = {},
          .bytes = {},
          .amount = {},
          .billed_seconds = {}};
}

bool AppendsInFull(const Json& pipeline_fields) {
  const Json defaults = At(pipeline_fields, "defaults");
  const auto mode = [&](const Json& stream, const char* key) {
    const Json own = At(stream, key);
    return own.is_null() && defaults.is_object() ? At(defaults, key) : own;
  };
  for (const Json& stream : At(pipeline_fields, "streams")) {
    if (!stream.is_object()) continue;
    // `defaults` count for the streams that can: incremental needs a cursor.
    const bool can = !At(stream, "sync_mode").is_null() || !mode(stream, "cursor").is_null();
    const bool incremental = can && mode(stream, "sync_mode") == "incremental";
    if (mode(stream, "write_mode") == "append" && !incremental) return true;
  }
  return false;
}

std::string TextOf(const std::filesystem::path& file, std::size_t bytes_max) {
  std::ifstream in(file, std::ios::binary | std::ios::ate);
  if (!in) return {};
  const auto size = static_cast<std::size_t>(std::max<std::streamoff>(0, in.tellg()));
  std::string text(std::min(size, bytes_max), '\0');
  in.seekg(0);
  in.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<std::size_t>(in.gcount()));
  return text;
}

}  // namespace sluice::serve
