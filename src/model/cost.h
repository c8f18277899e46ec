// What a run cost, as far as this side can tell. Plain values; any thread.
#pragma once
#include <chrono>
#include <cstdint>
#include <optional>

namespace sluice::model {

// Requests to S3 by their price (https://aws.amazon.com/s3/pricing/).
struct S3Requests {
  std::uint64_t put = 0;   // PUT, COPY, POST, LIST
  std::uint64_t get = 0;   // GET, HEAD and whatever else is billed like them
  std::uint64_t free = 0;  // DELETE, and the end of an upload
  friend bool operator==(const S3Requests&, const S3Requests&) = default;
};

struct RunCost {
  // How often statements of this run found the workgroup asleep, if nobody else kept it awake.
  std::uint64_t wake_ups = 0;
  // What of the workgroup's time is billed for them: no wake-up is billed less than a minute.
  std::chrono::milliseconds billed{0};
  // The workgroup's size in RPUs, as sys_serverless_usage told it; nullopt: it may not be read.
  std::optional<double> rpus;
  // billed x rpus.
  std::optional<double> rpu_seconds;
  // What sys_serverless_usage says was charged since the run began: everybody's, and the newest
  // minutes may be missing.
  std::optional<double> workgroup_rpu_seconds;
  std::optional<double> rpu_price;  // of the configuration: of one RPU for an hour
  std::optional<double> amount;     // rpu_seconds x rpu_price, in that price's currency
  S3Requests s3;                    // of this side, the lake's bucket included
  std::uint64_t bytes_staged = 0;   // of the parts that UNLOAD wrote
  std::uint64_t bytes_moved = 0;    // of objects, from S3 and to S3
  friend bool operator==(const RunCost&, const RunCost&) = default;
};

// Fills in what follows from `billed`, `rpus` and `rpu_price`.
inline void Price(RunCost& cost) {
  if (!cost.rpus) return;
  cost.rpu_seconds = std::chrono::duration<double>(cost.billed).count() * *cost.rpus;
  constexpr double kSecondsOfAnHour = 3600;
  if (cost.rpu_price) cost.amount = *cost.rpu_seconds / kSecondsOfAnHour * *cost.rpu_price;
}

}  // namespace sluice::model
