// Goal: what libpq connects with is what we gave, whatever the environment and the home folder
// hold.
#include "pq/parameters.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <libpq-fe.h>
#include <stdlib.h>

#include "pq/connection.h"
#include "pq/handles.h"
#include "tests/support/matchers.h"

namespace sluice::pq {
namespace {

// Sets a variable and puts back what was there.
class Variable {
 public:
  Variable(const char* name, const char* value) : name_(name) {
    if (const char* before = getenv(name)) before_ = before;
    setenv(name, value, 1);
  }
  Variable(const Variable&) = delete;
  Variable& operator=(const Variable&) = delete;
  ~Variable() {
    if (before_) {
      setenv(name_.c_str(), before_->c_str(), 1);
    } else {
      unsetenv(name_.c_str());
    }
  }

 private:
  const std::string name_;
  std::optional<std::string> before_;
};

// What libpq made of the arrays. Nothing listens at the port, and nothing waits for it.
std::map<std::string, std::string> Effective(const Parameters& parameters) {
  const ParameterArrays arrays(parameters);
  const ConnectionHandle handle(PQconnectStartParams(arrays.keywords(), arrays.values(), 1));
  std::map<std::string, std::string> effective;
  PQconninfoOption* const options = PQconninfo(handle.get());
  for (const auto* option = options; option != nullptr && option->keyword != nullptr; ++option) {
    effective[option->keyword] = option->val == nullptr ? "" : option->val;
  }
  PQconninfoFree(options);
  return effective;
}

const Parameters kParameters{.values = {{"host", "127.0.0.1"},
                                        {"port", "1"},
                                        {"dbname", "host=evil dbname=x"},
                                        {"user", "IAMR:a b"},
                                        {"sslmode", "verify-full"},
                                        {"sslrootcert", "/ca file.pem"}},
                             .password = base::Secret("it's \\ secret=+/")};

TEST(ParameterArrays, PassesValuesAsTheyAre) {
  const auto effective = Effective(kParameters);
  EXPECT_EQ(effective.at("host"), "127.0.0.1");
  EXPECT_EQ(effective.at("dbname"), "host=evil dbname=x");
  EXPECT_EQ(effective.at("user"), "IAMR:a b");
  EXPECT_EQ(effective.at("password"), "it's \\ secret=+/");
  EXPECT_EQ(effective.at("sslrootcert"), "/ca file.pem");
}

TEST(ParameterArrays, TheEnvironmentHasNoSay) {
  const auto before = Effective(kParameters);
  const Variable address("PGHOSTADDR", "10.0.0.1");
  const Variable options("PGOPTIONS", "-c search_path=evil");
  const Variable mode("PGSSLMODE", "disable");
  const Variable certificate("PGSSLCERT", "/tmp/certificate");
  const Variable file("PGPASSFILE", "/tmp/passwords");
  const Variable encoding("PGCLIENTENCODING", "LATIN1");
  const Variable peer("PGREQUIREPEER", "someone");
  const Variable attributes("PGTARGETSESSIONATTRS", "read-write");
  const Variable name("PGAPPNAME", "other");
  const Variable password("PGPASSWORD", "other");
  EXPECT_EQ(Effective(kParameters), before);
  EXPECT_EQ(before.at("hostaddr"), "");
  EXPECT_EQ(before.at("options"), "");
}

TEST(ParameterArrays, AnEmptyPasswordIsNotLookedUp) {
  const Variable password("PGPASSWORD", "other");
  Parameters parameters = kParameters;
  parameters.password = base::Secret();
  EXPECT_EQ(Effective(parameters).at("password"), "");
}

TEST(ParameterArrays, FilesOfTheHomeFolderAreNotLookedFor) {
  const auto effective = Effective({.values = {{"host", "127.0.0.1"}, {"port", "1"}}});
  for (const char* keyword : {"sslcert", "sslkey", "sslcrl", "sslrootcert", "passfile"}) {
    EXPECT_THAT(effective.at(keyword), ::testing::StartsWith("/dev/null")) << keyword;
  }
}

TEST(DisturbingVariable, StopsAConnectionThatItWouldChange) {
  const Variable zone("PGTZ", "Asia/Tokyo");
  EXPECT_EQ(DisturbingVariable(), "PGTZ");
  EXPECT_THAT([] { Connect(kParameters, base::SystemClock(), {}); },
              test::ThrowsErrorWith(base::ErrorCode::kInvalidConfig, &base::ErrorInfo::remedy,
                                    ::testing::HasSubstr("unset PGTZ")));
}

}  // namespace
}  // namespace sluice::pq
