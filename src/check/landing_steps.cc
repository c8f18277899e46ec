// Where rows go: local disk, and the destination.
#include <exception>

#include "check/steps.h"
#include "sync/ledger/history.h"
#include "sync/plan.h"
#include "sync/work_dir.h"

namespace sluice::check {
namespace {

void ProbeLedger(const std::filesystem::path& ledger) {
  try {
    sync::ProbeLedger(ledger);
  } catch (const base::Error& error) {
    base::ErrorInfo info = error.info();
    if (info.reason.empty()) {
      info.reason = error.code() == base::ErrorCode::kCorrupt ? "ledger_corrupt" : "ledger";
    }
    throw base::Error(std::move(info));
  }
}

}  // namespace

void CheckLocal(Checker& checker) {
  bool good = true;
  const auto attempt = [&](auto&& action) {
    try {
      action();
    } catch (...) {
      good = false;
      checker.ReportFailure(Step::kLocal);
    }
  };
  const auto& sync = checker.options.sync;
  attempt([&] { sync::CheckWorkDir(sync.work_dir); });
  attempt([&] { ProbeLedger(sync.ledger); });
  if (good) checker.Report("local.ok", "ledger and work folder can be written");
}

void WithDestination(Checker& checker, const std::function<void(destinations::Destination*)>& use) {
  checker.destination_looked_at = true;
  std::unique_ptr<destinations::Destination> destination;
  const auto attempt = [&](auto&& action) {
    try {
      action();
      return true;
    } catch (...) {
      const base::Error error = base::AsError(std::current_exception());
      if (!checker.stopped()) checker.KeepFailure(error.info());
      return false;
    }
  };
  attempt([&] { destination = checker.parts.open_destination(); });
  if (destination && attempt([&] { destination->Probe(checker.NewCall()); })) {
    checker.of_destination.push_back(MakeFinding(
        "destination.ok", "", destination->Name() + " can be written", checker.Known()));
  }
  std::exception_ptr failed;
  try {
    use(destination.get());
  } catch (...) {
    failed = std::current_exception();
  }
  if (destination) attempt([&] { destination->Close(); });
  if (failed) std::rethrow_exception(failed);
}

void CheckDestination(Checker& checker) {
  if (!checker.destination_looked_at) {
    WithDestination(checker, [&](destinations::Destination* destination) {
      if (destination == nullptr) return;
      for (const auto& stream : checker.streams) {
        try {
          sync::CheckModes(stream, destination->Describe());
        } catch (const base::Error& error) {
          checker.KeepFailure(error.info(), "stream " + stream.name);
        }
      }
    });
  }
  checker.TellDestination();
}

}  // namespace sluice::check
