// Numbers as people read them. Pure; any thread.
#pragma once
#include <chrono>
#include <cstdint>
#include <string>

namespace sluice::cli {

std::string Grouped(std::uint64_t number);  // "6,001,215"
// Decimal units, as AWS and disks count: "999 B", "12.1 MB", "3.40 GB".
std::string Bytes(std::uint64_t bytes);
std::string Rate(double bytes_per_second);                        // "12.1 MB/s"
std::string Seconds(std::chrono::milliseconds duration);          // "0.2", "83.1"
std::string Clocked(std::chrono::seconds duration);               // "0:07", "1:02:03"
std::string Count(std::uint64_t number, const std::string& one);  // "1 stream", "3 streams"

}  // namespace sluice::cli
