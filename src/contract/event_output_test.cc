// Goal: events reach their reader, and a reader that is slow, hangs, goes away or has a full disk
// costs the events, never the command.
#include "contract/event_output.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>
#include <sstream>
#include <thread>

#include "tests/support/matchers.h"
#include "tests/support/temp_dir.h"

namespace sluice::contract {
namespace {

using base::ErrorCode;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class EventOutputTest : public testing::Test {
 protected:
  // As the program's main does.
  static void SetUpTestSuite() { signal(SIGPIPE, SIG_IGN); }

  std::string File(const std::string& name = "e") const { return (dir_.path() / name).string(); }
  static std::string ReadAll(const std::string& file) {
    std::ostringstream text;
    text << std::ifstream(file).rdbuf();
    return text.str();
  }
  std::unique_ptr<EventOutput> Started(const std::string& where) {
    auto output = EventOutput::Open(where);
    output->Start([this](std::string_view reason) { stopped_.emplace_back(reason); });
    return output;
  }
  static auto Refuses(const std::string& where, std::string_view text) {
    EXPECT_THAT([&] { EventOutput::Open(where); },
                test::ThrowsErrorWith(ErrorCode::kInvalidConfig, &base::ErrorInfo::message,
                                      HasSubstr(std::string(text))));
  }

  const test::TempDir dir_;
  std::vector<std::string> stopped_;
};

TEST_F(EventOutputTest, LinesAreAddedToAFile) {
  std::ofstream(File()) << "before\nhalf";
  auto output = Started(File());
  output->Write("a", Worth::kAlways);
  output->Write("b", Worth::kIfReadInTime);
  output->Close();
  output->Write("after the end", Worth::kAlways);
  output->Close();
  EXPECT_EQ(ReadAll(File()), "before\nhalf\na\nb\n");
  EXPECT_THAT(stopped_, IsEmpty());
}

TEST_F(EventOutputTest, DescriptorOfTheParentIsWrittenToAndNotInherited) {
  int ends[2];
  ASSERT_EQ(pipe(ends), 0);
  auto output = Started(std::to_string(ends[1]));
  EXPECT_NE(fcntl(ends[1], F_GETFD) & FD_CLOEXEC, 0);
  output->Write("a", Worth::kAlways);
  output.reset();
  char text[8];
  EXPECT_EQ(read(ends[0], text, sizeof text), 2);
  EXPECT_EQ(read(ends[0], text, sizeof text), 0) << "it is closed at the end";
  close(ends[0]);
}

TEST_F(EventOutputTest, WhatCannotBeWrittenToIsRefused) {
  Refuses("0", "0, 1 and 2");
  Refuses("1", "0, 1 and 2");
  Refuses("2", "0, 1 and 2");
  Refuses("987654", "no descriptor of that number is open");
  Refuses("99999999999999999999", "no descriptor of that number is open");
  Refuses(File("no/folder"), "cannot be opened");
  Refuses(dir_.path().string(), "cannot be opened");
  const int reading = open("/dev/null", O_RDONLY | O_CLOEXEC);
  Refuses(std::to_string(reading), "for reading only");
  close(reading);
  ASSERT_EQ(mkfifo(File("pipe").c_str(), 0600), 0);
  Refuses(File("pipe"), "named pipe that nobody reads");
}

TEST_F(EventOutputTest, AReaderThatGoesAwayIsToldOnce) {
  int ends[2];
  ASSERT_EQ(pipe(ends), 0);
  auto output = Started(std::to_string(ends[1]));
  close(ends[0]);
  for (int i = 0; i < 100; ++i) output->Write("a", Worth::kAlways);
  output->Close();
  output->Write("b", Worth::kAlways);
  EXPECT_THAT(stopped_, ElementsAre("its reader closed it"));
}

TEST_F(EventOutputTest, AReaderOfASocketThatGoesAwayIsToldOnce) {
  int ends[2];
  ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
  auto output = Started(std::to_string(ends[1]));
  close(ends[0]);
  output->Write("a", Worth::kAlways);
  output->Close();
  EXPECT_THAT(stopped_, ElementsAre("its reader closed it"));
}

TEST_F(EventOutputTest, AFullDiskIsToldOnce) {
  auto output = Started("/dev/full");
  output->Write("a", Worth::kAlways);
  output->Close();
  EXPECT_THAT(stopped_, ElementsAre("the disk is full"));
}

// Nobody reads: what may be left out is left out, what may not stops the events before it fills the
// memory; no call waits.
TEST_F(EventOutputTest, AReaderThatHangsHoldsUpNobody) {
  int ends[2];
  ASSERT_EQ(pipe(ends), 0);
  auto output = Started(std::to_string(ends[1]));
  const std::string line(1000, 'x');
  for (int i = 0; i < 20'000; ++i) output->Write(line, Worth::kIfReadInTime);
  EXPECT_THAT(stopped_, IsEmpty());
  for (int i = 0; i < 5000; ++i) output->Write(line, Worth::kAlways);
  EXPECT_THAT(stopped_, ElementsAre("its reader does not read")) << "before the end";
  output->Close();
  EXPECT_EQ(stopped_.size(), 1U);
  close(ends[0]);
}

TEST_F(EventOutputTest, ASlowReaderGetsEveryLineWhole) {
  int ends[2];
  ASSERT_EQ(pipe(ends), 0);
  std::string seen;
  std::thread reader([&] {
    char text[777];
    for (ssize_t count = 0; (count = read(ends[0], text, sizeof text)) > 0;) {
      seen.append(text, static_cast<std::size_t>(count));
    }
  });
  auto output = Started(std::to_string(ends[1]));
  std::string expected;
  for (int i = 0; i < 1500; ++i) {
    const std::string line = std::to_string(i) + std::string(static_cast<std::size_t>(i), 'y');
    output->Write(line, Worth::kAlways);
    expected += line + "\n";
  }
  output.reset();
  reader.join();
  close(ends[0]);
  EXPECT_EQ(seen, expected);
  EXPECT_THAT(stopped_, IsEmpty());
}

}  // namespace
}  // namespace sluice::contract
