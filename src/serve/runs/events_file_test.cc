// Goal: a reader that comes again with the last id it saw misses nothing and gets nothing twice.
#include "serve/runs/events_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "tests/support/temp_dir.h"

namespace sluice::serve {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

class EventsFile : public testing::Test {
 protected:
  void Append(const std::string& text) { std::ofstream(file_, std::ios::app) << text; }
  std::vector<std::string> Read(std::uint64_t after, std::size_t bytes_max = 1000) {
    events_.clear();
    more_ = ReadEvents(file_, after, bytes_max, events_);
    std::vector<std::string> lines;
    for (const auto& one : events_) lines.push_back(one.json);
    return lines;
  }
  test::TempDir dir_;
  std::filesystem::path file_ = dir_.path() / "events.jsonl";
  std::vector<RunEvent> events_;
  bool more_ = false;
};

TEST_F(EventsFile, EachIdIsWhereTheNextLineBegins) {
  Append("{\"a\":1}\n{\"b\":2}\n");
  EXPECT_THAT(Read(0), ElementsAre("{\"a\":1}", "{\"b\":2}"));
  const auto first = events_[0].id;
  EXPECT_THAT(Read(first), ElementsAre("{\"b\":2}"));
  EXPECT_THAT(Read(events_[0].id), IsEmpty());
  Append("{\"c\":3}\n");
  EXPECT_THAT(Read(16), ElementsAre("{\"c\":3}"));
  EXPECT_FALSE(more_);
}

TEST_F(EventsFile, AnIdThatIsNoneBeginsAnew) {
  Append("{\"a\":1}\n{\"b\":2}\n");
  for (const std::uint64_t wrong : {3U, 9U, 15U, 17U, 4'000'000U}) {
    EXPECT_EQ(Read(wrong).size(), 2U) << wrong;
  }
}

TEST_F(EventsFile, ALineWithoutItsEndIsNoneYet) {
  Append("{\"a\":1}\n{\"b\"");
  EXPECT_THAT(Read(0), ElementsAre("{\"a\":1}"));
  Append(":2}\n");
  EXPECT_THAT(Read(events_[0].id), ElementsAre("{\"b\":2}"));
}

TEST_F(EventsFile, WhatIsTooMuchComesInPieces) {
  for (int i = 0; i < 100; ++i) Append("{\"number\":" + std::to_string(i) + "}\n");
  std::uint64_t after = 0;
  std::size_t count = 0;
  do {
    count += Read(after, 64).size();
    ASSERT_FALSE(events_.empty());
    EXPECT_LE(events_.size(), 6U);
    after = events_.back().id;
  } while (more_);
  EXPECT_EQ(count, 100U);
}

TEST_F(EventsFile, ALineLongerThanTheLimitIsGivenWhole) {
  const std::string line = "{\"x\":\"" + std::string(5000, 'x') + "\"}";
  Append(line + "\n");
  EXPECT_THAT(Read(0, 64), ElementsAre(line));
}

TEST_F(EventsFile, NoFileYetIsNoEvent) {
  EXPECT_THAT(Read(0), IsEmpty());
  EXPECT_FALSE(more_);
}

}  // namespace
}  // namespace sluice::serve
