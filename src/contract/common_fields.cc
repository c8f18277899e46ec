#include "contract/common_fields.h"

namespace sluice::contract {

Json FromTime(const std::optional<base::UtcTime>& time) {
  if (!time) return nullptr;
  return std::chrono::duration_cast<std::chrono::seconds>(time->time_since_epoch()).count();
}

const Fields<base::ErrorInfo>& ErrorFields() {
  using Error = base::ErrorInfo;
  static const Fields<Error> fields = {
      {"code", "one of the codes below",
       [](const Error& error) { return base::ErrorCodeName(error.code); }},
      {"operation", "what was being done: `\"GetCredentials\"`, `\"UNLOAD\"`",
       [](const Error& error) { return error.operation; }},
      {"subject", "what it concerns: `\"workgroup analytics\"`",
       [](const Error& error) { return error.subject; }},
      {"message", "what was seen, one sentence", [](const Error& error) { return error.message; }},
      {"remedy", "what to do; may have several lines",
       [](const Error& error) { return error.remedy; }},
      {"cause", "the lower error's text, or `\"\"`",
       [](const Error& error) { return error.cause; }},
      {"retryable", "the same command may succeed later without anybody fixing anything",
       [](const Error& error) { return error.retryable; }},
      {"in_doubt", "it may have happened all the same",
       [](const Error& error) { return error.in_doubt; }}};
  return fields;
}

const Fields<model::Stream>& ConfiguredStreamFields() {
  using Stream = model::Stream;
  static const Fields<Stream> fields = {
      {"name", "of the stream", [](const Stream& stream) { return stream.name; }},
      {"table", "`\"sales.orders\"`, or `null` for a query",
       [](const Stream& stream) {
         return stream.table ? Json(stream.table->ToString()) : Json(nullptr);
       }},
      {"sync_mode", "`full_refresh`, `incremental`",
       [](const Stream& stream) { return ToString(stream.sync_mode); }},
      {"write_mode", "`append`, `overwrite`, `merge`, `history`",
       [](const Stream& stream) { return ToString(stream.write_mode); }},
      {"primary_key", "list of columns", [](const Stream& stream) { return stream.primary_key; }},
      {"cursor", "column, or `null`", [](const Stream& stream) { return OrNull(stream.cursor); }}};
  return fields;
}

const Fields<model::Column>& ColumnFields() {
  using Column = model::Column;
  static const Fields<Column> fields = {
      {"name", "of the column", [](const Column& column) { return column.name; }},
      {"type", "as Redshift writes it: `\"decimal(18,2)\"`",
       [](const Column& column) { return ToString(column.type); }},
      {"nullable", "may it be null?", [](const Column& column) { return column.nullable; }}};
  return fields;
}

const Fields<check::Finding>& FindingFields() {
  using Finding = check::Finding;
  static const Fields<Finding> fields = {
      {"id",
       "stable, told one by one in TROUBLESHOOTING.md: `\"database_user.superuser\"`; a step that "
       "failed in a way of its own is `\"<step>.failed\"`, one that was not looked at "
       "`\"<step>.skipped\"`",
       [](const Finding& finding) { return finding.id; }},
      {"step", "one of the steps below",
       [](const Finding& finding) { return StepName(finding.step); }},
      {"severity", "`ok` `advice` `warning` `failure` `skipped`",
       [](const Finding& finding) { return SeverityName(finding.severity); }},
      {"subject", "`\"stream sales.orders\"` or `\"\"`",
       [](const Finding& finding) { return finding.subject; }},
      {"title", "few words, or `\"\"`", [](const Finding& finding) { return finding.title; }},
      {"seen", "what was seen, one sentence", [](const Finding& finding) { return finding.seen; }},
      {"why", "why it matters; `\"\"` if it is ok",
       [](const Finding& finding) { return finding.why; }},
      {"remedy", "what to do; `\"\"` if it is ok",
       [](const Finding& finding) { return finding.remedy; }},
      {"cause", "what a lower layer said, or `\"\"`",
       [](const Finding& finding) { return finding.cause; }},
      {"code", "of the error behind it, or `null`", [](const Finding& finding) {
         return finding.code ? Json(base::ErrorCodeName(*finding.code)) : Json(nullptr);
       }}};
  return fields;
}

const Fields<model::Proof>& ProofFields() {
  using Proof = model::Proof;
  static const Fields<Proof> fields = {
      {"agrees", "all counts are the same", [](const Proof& proof) { return proof.Agrees(); }},
      {"notice_rows", "rows that UNLOAD told; `null` if the server told none",
       [](const Proof& proof) { return OrNull(proof.notice_rows); }},
      {"manifest_rows", "rows of the manifest",
       [](const Proof& proof) { return proof.manifest_rows; }},
      {"footer_rows", "rows of the footers of the parts",
       [](const Proof& proof) { return proof.footer_rows; }},
      {"loaded_rows", "rows that the destination took",
       [](const Proof& proof) { return proof.loaded_rows; }},
      {"parts", "files that UNLOAD wrote", [](const Proof& proof) { return proof.parts; }},
      {"manifest_bytes", "bytes of the manifest's files",
       [](const Proof& proof) { return proof.manifest_bytes; }},
      {"fetched_bytes", "bytes that were read of them",
       [](const Proof& proof) { return proof.fetched_bytes; }}};
  return fields;
}

const Fields<model::Counts>& CountsFields() {
  using Counts = model::Counts;
  static const Fields<Counts> fields = {
      {"inserted", "rows that are new", [](const Counts& counts) { return counts.inserted; }},
      {"updated", "rows that were changed; history: versions that follow another one",
       [](const Counts& counts) { return counts.updated; }},
      {"unchanged", "rows that were the same already",
       [](const Counts& counts) { return counts.unchanged; }},
      {"deleted", "rows that were removed; history: versions that ended and have no successor",
       [](const Counts& counts) { return counts.deleted; }},
      {"skipped", "rows that were read and not taken; history: late ones, too",
       [](const Counts& counts) { return counts.skipped; }},
      {"duplicates", "of `skipped`: another row of the key won",
       [](const Counts& counts) { return counts.duplicates; }},
      {"deleted_absent", "of `deleted`: no row came to say so",
       [](const Counts& counts) { return counts.deleted_absent; }}};
  return fields;
}

const Fields<model::RunCost>& CostFields() {
  using Cost = model::RunCost;
  static const Fields<Cost> fields = {
      {"wake_ups",
       "how often statements of this run found the workgroup asleep, if nobody else kept it awake",
       [](const Cost& cost) { return cost.wake_ups; }},
      {"billed_seconds",
       "of the workgroup's time, as Redshift Serverless bills it: by the second while a statement "
       "runs or a transaction is open, and no wake-up less than 60",
       [](const Cost& cost) { return InSeconds(cost.billed); }},
      {"rpus",
       "the workgroup's size as `sys_serverless_usage` told it; `null`: it may not be read (only "
       "superusers and the role `sys:monitor` may), was not asked, or says nothing",
       [](const Cost& cost) { return OrNull(cost.rpus); }},
      {"rpu_seconds", "`billed_seconds` times `rpus`, or `null`",
       [](const Cost& cost) { return OrNull(cost.rpu_seconds); }},
      {"workgroup_rpu_seconds",
       "what `sys_serverless_usage` says was charged since the run began, or `null`: everybody's "
       "statements, and the newest minutes may be missing",
       [](const Cost& cost) { return OrNull(cost.workgroup_rpu_seconds); }},
      {"rpu_price", "`cost.rpu_price` of the configuration, or `null`",
       [](const Cost& cost) { return OrNull(cost.rpu_price); }},
      {"amount", "`rpu_seconds` at that price, in its currency, or `null`",
       [](const Cost& cost) { return OrNull(cost.amount); }},
      {"s3_requests",
       "sent by Sluice, by price: `put` (PUT, COPY, POST, LIST), `get` (GET, HEAD), `delete` "
       "(free); "
       "without those by which Redshift itself writes the parts",
       [](const Cost& cost) {
         return Json{{"put", cost.s3.put}, {"get", cost.s3.get}, {"delete", cost.s3.free}};
       }},
      {"bytes_staged", "of the parts that UNLOAD wrote",
       [](const Cost& cost) { return cost.bytes_staged; }},
      {"bytes_moved", "of objects, from S3 to Sluice and back; without what S3 copied by itself",
       [](const Cost& cost) { return cost.bytes_moved; }}};
  return fields;
}

Json FromCost(const std::optional<model::RunCost>& cost) {
  return cost ? Written(CostFields(), *cost) : Json(nullptr);
}

const Fields<sync::StreamResult>& StreamResultFields() {
  using Stream = sync::StreamResult;
  static const Fields<Stream> fields = {
      {"stream", "its name", [](const Stream& stream) { return stream.stream; }},
      {"target", "the table at the destination",
       [](const Stream& stream) { return stream.target.ToString(); }},
      {"status", "`done`, `failed`, `stopped`",
       [](const Stream& stream) {
         if (!stream.error) return "done";
         return stream.error->code == base::ErrorCode::kCancelled ? "stopped" : "failed";
       }},
      {"rows", "rows committed (0 unless done)",
       [](const Stream& stream) { return stream.error ? 0 : stream.proof.loaded_rows; }},
      {"bytes", "of its parts", [](const Stream& stream) { return stream.bytes; }},
      {"seconds", "in all", [](const Stream& stream) { return InSeconds(stream.duration); }},
      {"unload_seconds", "of which UNLOAD",
       [](const Stream& stream) { return InSeconds(stream.unload_duration); }},
      {"proof", "counts that must agree: see `proof`",
       [](const Stream& stream) { return Written(ProofFields(), stream.proof); }},
      {"verified",
       "how many parts were compared with which checksum of S3: `{\"crc64nvme\": 3}`; also "
       "`crc32c`, `crc32`, `sha256`, `sha1`, `sha512`, `md5` (an ETag), `none` (S3 told nothing to "
       "compare with), `copied` (S3 copied them; its checksums of both were compared where it told "
       "both)",
       [](const Stream& stream) { return Json(stream.verified); }},
      {"counts", "rows by what became of them: see `counts`",
       [](const Stream& stream) { return Written(CountsFields(), stream.counts); }},
      {"watermark",
       "the cursor's value up to which the stream was read, as text; null for full refresh",
       [](const Stream& stream) { return OrNull(stream.watermark); }},
      {"keys_compared", "rows of the key scan, if this run made one, else null",
       [](const Stream& stream) { return OrNull(stream.keys_compared); }},
      {"attempts", "times it was tried, the last included",
       [](const Stream& stream) { return stream.attempts; }},
      {"adopted", "`true` if rows came from an UNLOAD that an earlier attempt had sent",
       [](const Stream& stream) { return stream.adopted_from.has_value(); }},
      {"adopted_from", "then when that snapshot was taken (seconds since 1970, UTC), else null",
       [](const Stream& stream) { return FromTime(stream.adopted_from); }},
      {"kept",
       "list of prefixes (`\"s3://bucket/prefix/\"`) that stay in the bucket on purpose: the next "
       "sync loads them instead of reading again, or removes them",
       [](const Stream& stream) { return stream.kept; }},
      {"warnings", "list of sentences", [](const Stream& stream) { return stream.warnings; }},
      {"left_behind",
       "list of what is still in the bucket although it should not be: `\"s3://bucket/key\"`",
       [](const Stream& stream) { return stream.left_behind; }},
      {"error", "as above, or `null`", [](const Stream& stream) {
         return stream.error ? Written(ErrorFields(), *stream.error) : Json(nullptr);
       }}};
  return fields;
}

}  // namespace sluice::contract
