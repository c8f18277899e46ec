#include "destinations/guarded_load/guarded_load.h"

#include <algorithm>
#include <utility>

#include "base/error.h"
#include "destinations/guarded_load/commit_check.h"

namespace sluice::destinations::guarded_load {
namespace {

using base::ErrorCode;

std::uint64_t FooterRows(const std::vector<columnar::CheckedPart>& parts) {
  std::uint64_t rows = 0;
  for (const auto& part : parts) rows += part.footer.rows;
  return rows;
}

}  // namespace

GuardedLoad::GuardedLoad(model::StreamTarget target, std::unique_ptr<Claims::Claim> claim,
                         const base::Clock& clock, base::Logger& log)
    : target_(std::move(target)), claim_(std::move(claim)), clock_(clock), log_(log) {}

void GuardedLoad::CheckOpen(const base::Call& call) const {
  if (over_) {
    throw base::Error({.code = ErrorCode::kInternal,
                       .operation = "load",
                       .subject = Subject(),
                       .message = "this load failed or was committed before"});
  }
  if (call.stop.stop_requested()) base::ThrowCancelled("load", Subject());
  if (!call.deadline.Expired(clock_)) return;
  throw base::Error({.code = ErrorCode::kTimeout,
                     .operation = "load",
                     .subject = Subject(),
                     .message = "the time given for it has passed"});
}

std::vector<model::Column> GuardedLoad::KeyColumns() const {
  std::vector<model::Column> out;
  for (const std::string& name : target_.primary_key) {
    out.push_back(*std::find_if(target_.columns.begin(), target_.columns.end(),
                                [&](const model::Column& c) { return c.name == name; }));
  }
  return out;
}

void GuardedLoad::LearnColumns(const columnar::Footer& footer, const base::Call& call) {
  if (!columnar::HasUnknownDecimals(target_.columns)) return;
  target_.columns = columnar::ResolveDecimals(footer, target_.columns);
  OnColumnsKnown(call);
}

LoadedRows GuardedLoad::Add(std::span<const model::LocalPart> parts, const base::Call& call) {
  CheckOpen(call);
  if (parts.empty()) return {};
  over_ = true;  // until it is known that it did not fail
  columnar::Connection decoder = Decoder();
  if (columnar::HasUnknownDecimals(target_.columns)) {
    LearnColumns(columnar::ReadFooter(decoder, parts.front(), call.stop), call);
  }
  const auto checked = columnar::CheckParts(decoder, parts, target_.columns, call.stop);
  const LoadedRows rows{.footer_rows = FooterRows(checked),
                        .loaded_rows = Take(decoder, checked, call)};
  rows_ += rows.loaded_rows;
  over_ = false;
  return rows;
}

LoadedRows GuardedLoad::AddStaged(std::span<const model::Part> parts, const base::Call& call) {
  CheckOpen(call);
  if (parts.empty()) return {};
  over_ = true;
  const LoadedRows rows = TakeStaged(parts, call);
  rows_ += rows.loaded_rows;
  over_ = false;
  return rows;
}

LoadedRows GuardedLoad::TakeStaged(std::span<const model::Part> parts, const base::Call& call) {
  return Load::AddStaged(parts, call);
}

LoadedRows GuardedLoad::AddKeys(std::span<const model::LocalPart> parts, const base::Call& call) {
  CheckOpen(call);
  if (!Merges()) {
    throw base::Error({.code = ErrorCode::kInternal,
                       .operation = "load",
                       .subject = Subject(),
                       .message = "keys were added to a load that does not merge"});
  }
  keys_ = true;  // even of none: then the source is empty
  if (parts.empty()) return {};
  over_ = true;
  columnar::Connection decoder = Decoder();
  const std::vector<model::Column> columns = columnar::ResolveDecimals(
      columnar::ReadFooter(decoder, parts.front(), call.stop), KeyColumns());
  const auto checked = columnar::CheckParts(decoder, parts, columns, call.stop);
  const LoadedRows rows{.footer_rows = FooterRows(checked),
                        .loaded_rows = TakeKeys(decoder, checked, columns, call)};
  over_ = false;
  return rows;
}

std::uint64_t GuardedLoad::TakeKeys(columnar::Connection&,
                                    const std::vector<columnar::CheckedPart>&,
                                    const std::vector<model::Column>&, const base::Call&) {
  throw base::Error({.code = ErrorCode::kInternal,
                     .operation = "load",
                     .subject = Subject(),
                     .message = "this destination compares no keys"});
}

model::Counts GuardedLoad::Commit(const model::Watermark& watermark, const model::Proof& proof,
                                  const base::Call& call) {
  CheckOpen(call);
  over_ = true;
  try {
    return CommitChecked(watermark, proof, call);
  } catch (const base::Error& error) {
    OnCommitFailed(error);
    throw;
  }
}

model::Counts GuardedLoad::CommitChecked(const model::Watermark& watermark,
                                         const model::Proof& proof, const base::Call& call) {
  BeginCommit(call);
  const std::optional<Committed> before = LastCommit(call);
  if (before && before->watermark.run == watermark.run &&
      before->watermark.attempt == watermark.attempt) {
    // This attempt was committed already: its rows are there, and must not be there twice.
    Undo();
    return before->counts;
  }
  RequireProof(target_, proof, rows_);
  if (!target_.as_of) target_.as_of = clock_.Utc();
  Committed row{.watermark = watermark, .counts = Bring(call)};
  row.watermark.stream = target_.stream;
  Seal(row, proof, call);
  LogNotes();
  AfterCommit(call);
  return row.counts;
}

void GuardedLoad::LogNotes() const {
  for (const std::string& note : Notes()) {
    log_.Warning("the columns are not those of the last sync",
                 {{"table", target_.table.ToString()}, {"change", note}});
  }
}

}  // namespace sluice::destinations::guarded_load
