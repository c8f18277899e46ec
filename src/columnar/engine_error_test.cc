// Goal: every error of DuckDB becomes the code that tells the caller what to do, and none carries a
// row's value or SQL.
#include "columnar/engine_error.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sluice::columnar {
namespace {

using base::ErrorCode;

struct Row {
  EngineErrorKind kind;
  const char* text;
  ErrorCode code;
};

class EngineErrors : public testing::TestWithParam<Row> {};

TEST_P(EngineErrors, BecomeCodes) {
  const base::ErrorInfo info =
      ToErrorInfo(GetParam().kind, GetParam().text, {"load", "table sales.orders"});
  EXPECT_EQ(base::ErrorCodeName(info.code), base::ErrorCodeName(GetParam().code));
  EXPECT_EQ(info.operation, "load");
  EXPECT_EQ(info.subject, "table sales.orders");
  EXPECT_EQ(info.remedy.empty(), info.code == ErrorCode::kCancelled);
  for (const std::string& text : {info.message, info.remedy, info.cause}) {
    EXPECT_EQ(text.find("hunter2"), std::string::npos) << text;
    EXPECT_EQ(text.find("SELECT"), std::string::npos) << text;
  }
}

INSTANTIATE_TEST_SUITE_P(
    Table, EngineErrors,
    testing::Values(
        Row{EngineErrorKind::kConversion,
            "Conversion Error: Could not convert string 'hunter2' to INT32\nLINE 1: SELECT x",
            ErrorCode::kCorrupt},
        Row{EngineErrorKind::kInvalidInput, "Invalid Input Error: value hunter2 is not valid UTF8",
            ErrorCode::kCorrupt},
        Row{EngineErrorKind::kTransaction, "TransactionContext Error: Conflict on tuple deletion!",
            ErrorCode::kConflict},
        Row{EngineErrorKind::kTransaction,
            "TransactionContext Error: Failed to commit: Could not write file \"a\": File too "
            "large",
            ErrorCode::kNoSpace},
        Row{EngineErrorKind::kCatalog,
            "Catalog Error: Existing object t is of type View LINE 1: SELECT",
            ErrorCode::kConflict},
        Row{EngineErrorKind::kIo,
            "IO Error: Could not set lock on file \"/a.duckdb\": Conflicting lock is held in "
            "/usr/bin/python3.11 (PID 4711). See also https://duckdb.org/docs",
            ErrorCode::kConflict},
        Row{EngineErrorKind::kIo, "IO Error: Could not write file \"a\": No space left on device",
            ErrorCode::kNoSpace},
        Row{EngineErrorKind::kIo, "IO Error: Could not write file \"a\": File too large",
            ErrorCode::kNoSpace},
        Row{EngineErrorKind::kIo,
            "IO Error: Could not write all bytes to file \"a\": wanted=1 wrote=0",
            ErrorCode::kNoSpace},
        Row{EngineErrorKind::kIo, "IO Error: Cannot open file \"/a\": Permission denied",
            ErrorCode::kPermission},
        Row{EngineErrorKind::kIo, "IO Error: Cannot open file \"/x/a\": No such file or directory",
            ErrorCode::kNotFound},
        Row{EngineErrorKind::kIo,
            "IO Error: The file \"a\" exists, but it is not a valid DuckDB database file!",
            ErrorCode::kCorrupt},
        Row{EngineErrorKind::kIo,
            "IO Error: Trying to read a database file with version number 99, but we can only read "
            "versions between 64 and 67.",
            ErrorCode::kUnsupported},
        Row{EngineErrorKind::kIo, "IO Error: Could not read from file", ErrorCode::kDestination},
        Row{EngineErrorKind::kInterrupt, "INTERRUPT Error: Interrupted!", ErrorCode::kCancelled},
        Row{EngineErrorKind::kFatal, "FATAL Error: Failed: No space left on device",
            ErrorCode::kNoSpace},
        Row{EngineErrorKind::kFatal, "FATAL Error: database has been invalidated",
            ErrorCode::kDestination},
        Row{EngineErrorKind::kOutOfMemory, "Out of Memory Error: could not allocate block",
            ErrorCode::kDestination},
        Row{EngineErrorKind::kOutOfMemory,
            "Out of Memory Error: failed to offload (max_temp_directory_size exceeded)",
            ErrorCode::kNoSpace},
        Row{EngineErrorKind::kPermission, "Permission Error: hunter2", ErrorCode::kPermission},
        Row{EngineErrorKind::kInternal, "INTERNAL Error: hunter2", ErrorCode::kDestination},
        Row{EngineErrorKind::kOther, "Binder Error: SELECT hunter2", ErrorCode::kDestination}));

TEST(EngineErrors, NameTheProcessThatHoldsTheFile) {
  const base::ErrorInfo info = ToErrorInfo(
      EngineErrorKind::kIo,
      "IO Error: Could not set lock on file \"a\": Conflicting lock is held in /bin/x (PID 4711).",
      {"open", "DuckDB file a"});
  EXPECT_EQ(info.message, "it is held by process 4711 (/bin/x)");
  EXPECT_TRUE(info.retryable);
  EXPECT_EQ(HeldBy(LockHolder{4711, "/bin/x"}, "2026-01-01 00:00:00 UTC", {}).message,
            "it is held by process 4711 (/bin/x), running since 2026-01-01 00:00:00 UTC");
}

TEST(EngineErrors, NameAProcessWhoseProgramCannotBeSeen) {
  const auto holder = ParseLockHolder("Conflicting lock is held in PID 4711 by user root. See");
  ASSERT_TRUE(holder);
  EXPECT_EQ(HeldBy(holder, "", {}).message, "it is held by process 4711");
  EXPECT_EQ(ParseLockHolder("Lock is already held in current process, likely another"),
            std::nullopt);
  EXPECT_EQ(HeldBy(std::nullopt, "", {}).message, "it is held by another process");
}

TEST(EngineErrors, SayWhichLimitToRaise) {
  const base::ErrorInfo info =
      ToErrorInfo(EngineErrorKind::kOutOfMemory, "Out of Memory Error: x", {"load", "t"});
  EXPECT_EQ(info.message, kOutOfMemoryMessage);
  EXPECT_THAT(info.remedy, testing::HasSubstr("limits.memory_mb"));
}

}  // namespace
}  // namespace sluice::columnar
