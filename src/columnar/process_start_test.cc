// Goal: the time a process began is read rightly however the process is named, and nothing is made
// up where /proc says nothing.
#include "columnar/process_start.h"

#include <gtest/gtest.h>
#include <unistd.h>

namespace sluice::columnar {
namespace {

constexpr const char* kMachine = "cpu  1 2 3\nintr 4\nctxt 5\nbtime 1767225600\nprocesses 9\n";

TEST(ProcessStart, CountsFromTheBoot) {
  EXPECT_EQ(ProcessStartFrom(
                "42 (duckdb) S 1 42 42 0 -1 4194560 1 0 0 0 1 1 0 0 20 0 4 0 12345 1000 200\n",
                kMachine, 100),
            "2026-01-01 00:02:03 UTC");
}

TEST(ProcessStart, TakesAnyName) {
  EXPECT_EQ(
      ProcessStartFrom("42 (a) S 1 (b) S 1 42 42 0 -1 4194560 1 0 0 0 1 1 0 0 20 0 4 0 6000 1000\n",
                       kMachine, 100),
      "2026-01-01 00:01:00 UTC");
}

TEST(ProcessStart, SaysNothingOfWhatItCannotRead) {
  const std::string process =
      "42 (duckdb) S 1 42 42 0 -1 4194560 1 0 0 0 1 1 0 0 20 0 4 0 12345 1000 200\n";
  EXPECT_EQ(ProcessStartFrom("", kMachine, 100), "");
  EXPECT_EQ(ProcessStartFrom(process, "", 100), "");
  EXPECT_EQ(ProcessStartFrom(process, "cpu 1\nbtime\n", 100), "");
  EXPECT_EQ(ProcessStartFrom(process, kMachine, 0), "");
  const std::size_t until = process.find(" 12345");
  for (std::size_t length = 0; length <= until; ++length) {
    EXPECT_EQ(ProcessStartFrom(process.substr(0, length), kMachine, 100), "") << length;
  }
}

TEST(ProcessStart, KnowsThisProcess) {
  EXPECT_EQ(ProcessStart(getpid()).size(), std::string("2026-01-01 00:00:00 UTC").size());
  EXPECT_EQ(ProcessStart(-1), "");
}

}  // namespace
}  // namespace sluice::columnar
