// Goal: whatever is pasted becomes the right question next, a bad answer is refused with a reason
// at once, and a file that is there keeps everything but what changes.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>

#include "base/error.h"
#include "config/config.h"
#include "connection/host_rules.h"
#include "init/dialogue.h"
#include "init/file.h"

namespace sluice::init {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

constexpr std::string_view kHost =
    "analytics.123456789012.us-east-1.redshift-serverless.amazonaws.com";
constexpr std::string_view kVpcHost =
    "mine-endpoint-a1b2c3.123456789012.us-east-1.redshift-serverless.amazonaws.com";

std::optional<std::string> NoVariable(std::string_view) { return std::nullopt; }

// Every field that `init` asks for, of a connection by a role or, of those of other ways, by none.
constexpr std::string_view kWholeFile = R"(name: acme
redshift: { workgroup: analytics, host: h.example.com, database: dev, region: us-east-1 }
staging: { bucket: acme-staging, region: us-east-1 }
auth: { role_arn: "arn:aws:iam::123456789012:role/r" }
destination: { type: duckdb, path: a.duckdb }
)";

Dialogue::Options Fresh() {
  Dialogue::Options options;
  options.references = {.environment = NoVariable, .folder = "."};
  return options;
}

// Answers until `field` is asked: each question by its preset, or by what is given.
Question AskedFor(Dialogue& dialogue, Field field, Answers given = {}) {
  given.try_emplace(Field::kName, "acme");
  given.try_emplace(Field::kWorkgroup, kHost);
  given.try_emplace(Field::kBucket, "acme-staging");
  given.try_emplace(Field::kRoleArn, "arn:aws:iam::123456789012:role/r");
  given.try_emplace(Field::kAccessKeyId, "AKIAIOSFODNN7EXAMPLE");
  while (const auto question = dialogue.Next()) {
    if (question->info.field == field) return *question;
    const Reply reply = question->secret
                            ? dialogue.AnswerSecret(base::Secret(std::string(40, 's')))
                            : dialogue.Answer(question->info.field, given[question->info.field]);
    EXPECT_TRUE(reply.accepted) << question->info.title << ": " << reply.text;
    if (!reply.accepted) break;
  }
  ADD_FAILURE() << "never asked: " << InfoOf(field).title;
  return {.info = InfoOf(field)};
}

std::vector<Field> OrderOf(Answers given) {
  Dialogue dialogue(Fresh());
  std::vector<Field> order;
  while (const auto question = dialogue.Next()) {
    const Field field = question->info.field;
    order.push_back(field);
    const Reply reply = question->secret ? dialogue.AnswerSecret(base::Secret(std::string(40, 's')))
                                         : dialogue.Answer(field, given[field]);
    if (!reply.accepted) {
      ADD_FAILURE() << reply.text;
      break;
    }
  }
  return order;
}

const Answers kGood = {{Field::kName, "acme"},
                       {Field::kWorkgroup, "analytics"},
                       {Field::kHost, std::string(kHost)},
                       {Field::kBucket, "acme-staging"},
                       {Field::kRoleArn, "arn:aws:iam::123456789012:role/r"},
                       {Field::kAccessKeyId, "AKIAIOSFODNN7EXAMPLE"},
                       {Field::kProfile, "acme"}};

TEST(Dialogue, AsksInTheGuidesOrder) {
  EXPECT_THAT(
      OrderOf(kGood),
      ElementsAre(Field::kName, Field::kWorkgroup, Field::kHost, Field::kPort, Field::kDatabase,
                  Field::kUsername, Field::kBucket, Field::kBucketRegion, Field::kAuth,
                  Field::kRoleArn, Field::kExternalId, Field::kDestinationPath, Field::kTables));
}

TEST(Dialogue, AsksOfEachWayToLogInWhatItNeeds) {
  Answers given = kGood;
  given[Field::kAuth] = "keys";
  given[Field::kSecretStore] = "file";
  EXPECT_THAT(OrderOf(given),
              testing::IsSupersetOf({Field::kAccessKeyId, Field::kSecretStore, Field::kSecret}));
  EXPECT_THAT(OrderOf(given), Not(testing::Contains(Field::kRoleArn)));
  given[Field::kSecretStore] = "environment";
  EXPECT_THAT(OrderOf(given), Not(testing::Contains(Field::kSecret)));
  given[Field::kAuth] = "profile";
  EXPECT_THAT(OrderOf(given), testing::Contains(Field::kProfile));
  given[Field::kAuth] = "default_chain";
  EXPECT_THAT(OrderOf(given), Not(testing::Contains(Field::kProfile)));
}

struct Pasted {
  std::string text;
  std::string host = std::string(kHost);
  std::string port = "5439";
  std::string database = "dev";
};
class PastedEndpoint : public testing::TestWithParam<Pasted> {};
INSTANTIATE_TEST_SUITE_P(
    Forms, PastedEndpoint,
    testing::Values(
        Pasted{std::string(kHost)}, Pasted{"  " + std::string(kHost) + ". "},
        Pasted{std::string(kHost) + ":5440", std::string(kHost), "5440"},
        Pasted{std::string(kHost) + ":5440/sales", std::string(kHost), "5440", "sales"},
        Pasted{"jdbc:redshift://" + std::string(kHost) + ":5441/prod?ssl=true", std::string(kHost),
               "5441", "prod"},
        Pasted{"analytics.123456789012.us-east-1.\r\n   redshift-serverless.amazonaws.com:5439/x\n",
               std::string(kHost), "5439", "x"}));

TEST_P(PastedEndpoint, TellsWorkgroupHostPortAndDatabase) {
  for (const Field where : {Field::kWorkgroup, Field::kHost}) {
    Dialogue dialogue(Fresh());
    const Pasted& pasted = GetParam();
    Answers given = {{where, pasted.text}};
    if (where == Field::kHost) given[Field::kWorkgroup] = "analytics";
    EXPECT_EQ(AskedFor(dialogue, Field::kPort, given).preset, pasted.port);
    EXPECT_EQ(AskedFor(dialogue, Field::kDatabase, given).preset, pasted.database);
    EXPECT_EQ(AskedFor(dialogue, Field::kBucketRegion, given).preset, "us-east-1");
    EXPECT_EQ(dialogue.answers().at(Field::kWorkgroup), "analytics");
    EXPECT_EQ(dialogue.answers().at(Field::kHost), pasted.host);
  }
}

TEST(Dialogue, AsksForTheWorkgroupBehindAVpcEndpointAndACustomName) {
  for (const std::string& text :
       {std::string(kVpcHost) + ":5439/dev", std::string("db.acme.com")}) {
    Dialogue dialogue(Fresh());
    AskedFor(dialogue, Field::kWorkgroup);
    const Reply reply = dialogue.Answer(Field::kWorkgroup, text);
    EXPECT_FALSE(reply.accepted);
    EXPECT_THAT(reply.text, HasSubstr("does not tell the workgroup"));
    EXPECT_EQ(dialogue.Next()->info.field, Field::kWorkgroup);
    ASSERT_TRUE(dialogue.Answer(Field::kWorkgroup, "analytics").accepted);
    // The host that was pasted is proposed, and raises no doubt.
    EXPECT_THAT(*dialogue.Next()->preset, testing::StartsWith(text.substr(0, 5)));
    const Reply host = dialogue.Answer(Field::kHost, "");
    EXPECT_TRUE(host.accepted);
    EXPECT_EQ(host.text, "");
  }
}

TEST(Dialogue, AsksForTheRegionThatAHostDoesNotTell) {
  Dialogue::Options options = Fresh();
  options.aws_region = "eu-west-1";
  Dialogue dialogue(options);
  const Question question = AskedFor(dialogue, Field::kRegion,
                                     {{Field::kWorkgroup, "w-1"}, {Field::kHost, "db.acme.com"}});
  EXPECT_EQ(question.preset, "eu-west-1");
}

TEST(Dialogue, DoubtsAHostOfAnotherWorkgroupAndAnUnusualPort) {
  Dialogue dialogue(Fresh());
  AskedFor(dialogue, Field::kHost, {{Field::kWorkgroup, "other"}});
  const Reply host = dialogue.Answer(Field::kHost, kHost);
  EXPECT_TRUE(host.accepted);
  EXPECT_THAT(host.text, HasSubstr("host is of the workgroup analytics, but you wrote other"));
  const Reply port = dialogue.Answer(Field::kPort, "5432x");
  EXPECT_FALSE(port.accepted);
  EXPECT_THAT(dialogue.Answer(Field::kPort, "8080").text, HasSubstr("5431-5455"));
}

struct Wrong {
  Field field;
  std::string text;
  std::string reason;
};
class WrongAnswer : public testing::TestWithParam<Wrong> {};
INSTANTIATE_TEST_SUITE_P(
    All, WrongAnswer,
    testing::Values(Wrong{Field::kName, "a b", "is not a name"},
                    Wrong{Field::kName, "", "An answer is needed"},
                    Wrong{Field::kWorkgroup, "Analytics", "is not a workgroup's name"},
                    Wrong{Field::kHost, "user:pw@h", "leave them out"},
                    Wrong{Field::kPort, "70000", "is not a port"},
                    Wrong{Field::kDatabase, "1db", "is not a database's name"},
                    Wrong{Field::kUsername, "${NOT_SET}", "NOT_SET"},
                    Wrong{Field::kBucket, "s3://acme/x", "it is an address"},
                    Wrong{Field::kBucketRegion, "Virginia", "is not an AWS region"},
                    Wrong{Field::kAuth, "password", "none of the choices"},
                    Wrong{Field::kRoleArn, "sluice-reader", "is not the ARN"},
                    Wrong{Field::kRoleArn, "arn:aws:iam::1234:role/x", "is not the ARN"},
                    Wrong{Field::kExternalId, "a b", "is not an external ID"},
                    Wrong{Field::kAccessKeyId, "AKIA", "is not an access key ID"},
                    Wrong{Field::kSecretStore, "keep", "none of the choices"},
                    Wrong{Field::kTables, "orders", "is not schema.table"}));

TEST_P(WrongAnswer, IsRefusedAtOnceWithAReasonAndARemedy) {
  Dialogue dialogue(Fresh());
  AskedFor(dialogue, Field::kTables);
  const auto before = dialogue.answers();
  const auto began = std::chrono::steady_clock::now();
  const Reply reply = dialogue.Answer(GetParam().field, GetParam().text);
  EXPECT_LT(std::chrono::steady_clock::now() - began, std::chrono::milliseconds(50));
  if (GetParam().text.empty()) return;  // it has a preset by now, or is asked in another test
  EXPECT_FALSE(reply.accepted);
  EXPECT_THAT(reply.text, HasSubstr(GetParam().reason));
  EXPECT_FALSE(reply.remedy.empty());
  EXPECT_EQ(dialogue.answers(), before);
}

// One set of rules: whatever is answered, `init` takes it if and only if `config validate` takes
// the file that says so.
class OneSetOfRules : public testing::TestWithParam<Field> {};
INSTANTIATE_TEST_SUITE_P(Fields, OneSetOfRules,
                         testing::Values(Field::kName, Field::kWorkgroup, Field::kHost,
                                         Field::kPort, Field::kDatabase, Field::kUsername,
                                         Field::kRegion, Field::kBucket, Field::kBucketRegion,
                                         Field::kRoleArn, Field::kExternalId, Field::kAccessKeyId,
                                         Field::kProfile));

bool IsValid(const FieldInfo& info, const std::string& value,
             const config::Environment& environment) {
  std::string text;
  try {
    text = config::EditYaml(kWholeFile, {{std::string(info.group), std::string(info.key), value}});
  } catch (const base::Error&) {
    return false;  // no file can say so
  }
  const auto loaded = config::Parse(text, "sluice.yaml", environment, connection::EndpointRules());
  const std::string name =
      (info.group.empty() ? "" : std::string(info.group) + ".") + std::string(info.key);
  return std::none_of(loaded.problems.begin(), loaded.problems.end(),
                      [&](const auto& problem) { return problem.field == name; });
}

TEST_P(OneSetOfRules, InitTakesWhatValidateTakes) {
  const std::vector<std::string> values = {"acme",
                                           "Acme",
                                           "a",
                                           "ab",
                                           "a b",
                                           " acme ",
                                           "-acme",
                                           "acme_prod",
                                           std::string(63, 'a'),
                                           std::string(64, 'a'),
                                           std::string(65, 'a'),
                                           std::string(128, 'a'),
                                           std::string(3000, 'a'),
                                           "5439",
                                           "0",
                                           "65535",
                                           "65536",
                                           "-1",
                                           "+5439",
                                           "5439.0",
                                           "0x10",
                                           "99999999999999999999",
                                           "us-east-1",
                                           "us-east",
                                           "US-EAST-1",
                                           "eu-central-1 ",
                                           "s3://acme/x",
                                           "acme/x",
                                           "acme..b",
                                           "1.2.3.4",
                                           "::1",
                                           "[::1]:5439",
                                           "h:5439",
                                           "h:0",
                                           "h:99999",
                                           "h:",
                                           ":5439",
                                           "h/dev",
                                           "h/dev/x",
                                           std::string(kHost),
                                           std::string(kHost) + ":5440/dev",
                                           "jdbc:redshift://" + std::string(kHost),
                                           "https://" + std::string(kHost),
                                           "redshift://u:p@h/d",
                                           "user@h",
                                           "h..x",
                                           ".h",
                                           "h.",
                                           "h_x",
                                           "arn:aws:iam::123456789012:role/r",
                                           "arn:aws:iam::123456789012:user/u",
                                           "arn:aws:iam::1:role/r",
                                           "arn:aws-cn:iam::123456789012:role/a/b",
                                           "AKIAIOSFODNN7EXAMPLE",
                                           "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
                                           "IAMR:reader",
                                           "IAM:a@b.c",
                                           "ü",
                                           "\xC3\xBC\xFF",
                                           "a\tb",
                                           "a\x01"
                                           "b",
                                           "null",
                                           "true",
                                           "~",
                                           "'",
                                           "\"",
                                           "\\",
                                           "#x",
                                           "a: b",
                                           "{a}",
                                           "[a]",
                                           "*a",
                                           "&a",
                                           "!a",
                                           "%a",
                                           "@a",
                                           "`a`",
                                           "$HOST",
                                           "${HOST}",
                                           "${SET}",
                                           "${SET:-x}",
                                           "${file:nope}",
                                           "$$a",
                                           "$a-b",
                                           "a=b",
                                           "a,b",
                                           "a;b",
                                           "a?b",
                                           "a+b",
                                           "a.b",
                                           "dev",
                                           "1dev",
                                           "dev_1",
                                           "d/v"};
  const Field field = GetParam();
  const FieldInfo& info = InfoOf(field);
  const auto environment = [](std::string_view name) -> std::optional<std::string> {
    return name == "SET" ? std::optional<std::string>("acme") : std::nullopt;
  };
  for (const std::string& value : values) {
    Dialogue::Options options = Fresh();
    options.references.environment = environment;
    options.pasted = false;
    Dialogue dialogue(options);
    const bool init = dialogue.Answer(field, value).accepted;
    EXPECT_EQ(init, IsValid(info, value, environment)) << info.flag << " " << value;
  }
}

TEST(Dialogue, NeverRepeatsASecret) {
  Dialogue dialogue(Fresh());
  for (const std::string text : {"", "short", "has blanks in it, quite some"}) {
    const Reply reply = dialogue.AnswerSecret(base::Secret(text));
    EXPECT_FALSE(reply.accepted);
    if (!text.empty()) {
      EXPECT_THAT(reply.text + reply.remedy, Not(HasSubstr(text)));
    }
  }
  EXPECT_TRUE(dialogue.AnswerSecret(base::Secret(std::string(40, 'k'))).accepted);
  EXPECT_EQ(dialogue.secret().Reveal(), std::string(40, 'k'));
}

TEST(NewFile, PassesItsOwnReader) {
  Dialogue dialogue(Fresh());
  AskedFor(dialogue, Field::kTables, {{Field::kExternalId, "123"}, {Field::kUsername, "IAMR:x"}});
  ASSERT_TRUE(dialogue.Answer(Field::kTables, "sales.orders, sales.\"a b\"").accepted);
  ASSERT_FALSE(dialogue.Next());
  const std::string text = NewFile(dialogue.answers(), {.root = "", .ssl_root_cert = "ca.pem"}, "");
  const auto loaded = config::Parse(text, "sluice.yaml", NoVariable);
  EXPECT_THAT(loaded.problems, IsEmpty()) << text;
  EXPECT_EQ(loaded.config.redshift.workgroup, "analytics");
  EXPECT_EQ(loaded.config.redshift.username, "IAMR:x");
  ASSERT_EQ(loaded.config.streams.size(), 2U);
  EXPECT_EQ(loaded.config.streams[1].stream.table->table, "a b");
}

constexpr std::string_view kExisting = R"(# of the team
name: acme
staging: { bucket: acme-staging, region: us-east-1 }  # ours
redshift:
  # the big one
  host: analytics.123456789012.us-east-1.redshift-serverless.amazonaws.com
  workgroup: analytics
  database: dev
auth:
  role_arn: arn:aws:iam::123456789012:role/r  # by ann
  external_id: "42"
destination: { type: duckdb, path: a.duckdb }
streams:
  - table: sales.orders  # first
)";

TEST(ExistingFile, IsUntouchedIfEveryAnswerIsItsOwn) {
  const Present present = ReadPresent(kExisting);
  Dialogue::Options options = Fresh();
  options.presets = present.answers;
  options.existing = true;
  Dialogue dialogue(options);
  while (const auto question = dialogue.Next()) {
    if (question->info.field == Field::kPort) {
      EXPECT_EQ(question->preset, "5439");
    } else if (question->info.field != Field::kUsername) {
      ASSERT_TRUE(question->preset) << question->info.title;
    }
    ASSERT_TRUE(dialogue.Answer(question->info.field, "").accepted);
  }
  const std::string text =
      config::EditYaml(kExisting, ChangesOf(kExisting, dialogue.answers(), {}, ""));
  // The port that was a default is told now; nothing else differs.
  std::string without = text;
  const auto port = without.find("  port: 5439\n");
  ASSERT_NE(port, std::string::npos);
  without.erase(port, 13);
  EXPECT_EQ(without, kExisting);
}

std::string ExistingWith(std::string_view destination) {
  std::string text(kExisting);
  const std::string from = "{ type: duckdb, path: a.duckdb }";
  return text.replace(text.find(from), from.size(), destination);
}

std::string WithDestination(const std::string& text, std::string_view answer) {
  Answers answers = ReadPresent(text).answers;
  answers[Field::kDestinationPath] = answer;
  return config::EditYaml(text, ChangesOf(text, answers, {}, ""));
}

TEST(Destination, IsToldByOneAnswer) {
  const auto parsed = [](std::string_view answer) {
    const std::string text = WithDestination(std::string(kExisting), answer);
    const auto loaded = config::Parse(text, "/c/sluice.yaml", NoVariable);
    EXPECT_THAT(loaded.problems, IsEmpty()) << text;
    return loaded.config.destination.kind;
  };
  const auto postgres =
      std::get<config::PostgresDestination>(parsed("postgresql://me@db.acme.com:5433/warehouse"));
  EXPECT_EQ(postgres.host, "db.acme.com");
  EXPECT_EQ(postgres.port, 5433);
  EXPECT_EQ(postgres.user, "me");
  EXPECT_EQ(postgres.database, "warehouse");
  EXPECT_EQ(std::get<config::LakeDestination>(parsed("s3://acme-lake/a")).bucket, "acme-lake");
  EXPECT_EQ(std::get<config::LakeDestination>(parsed("lake/")).folder, "/c/lake/");
  EXPECT_EQ(std::get<config::DuckDbDestination>(parsed("b.duckdb")).path, "/c/b.duckdb");
}

TEST(Destination, RefusesWhatIsNoneAndNeverRepeatsAPassword) {
  for (const char* answer : {"postgresql://me@/d", "postgres://db/d", "postgres://me@db:x/d",
                             "mysql://me@db/d", "s3://A_B/c", "postgresql://me:pass@db/d"}) {
    Dialogue dialogue(Fresh());
    const Reply reply = dialogue.Answer(Field::kDestinationPath, answer);
    EXPECT_FALSE(reply.accepted) << answer;
    EXPECT_FALSE(reply.remedy.empty()) << answer;
    EXPECT_THAT(reply.text + reply.remedy, Not(HasSubstr("pass@")));
  }
}

TEST(Destination, OfAnExistingFileIsItsOwnAnswer) {
  for (const char* destination :
       {"{ type: postgres, host: db, port: 5433, database: d, user: u, sslmode: require }",
        "{ type: lake, path: lake, keep_versions: 5 }", "{ type: lake, path: s3://acme-lake/x }"}) {
    const std::string text = ExistingWith(destination);
    const Present present = ReadPresent(text);
    EXPECT_FALSE(present.has_destination) << destination;
    EXPECT_EQ(WithDestination(text, present.answers.at(Field::kDestinationPath)), text);
  }
  const std::string socket =
      ExistingWith("{ type: postgres, host: /run/postgresql, database: d, user: u }");
  EXPECT_TRUE(ReadPresent(socket).has_destination);
  Dialogue::Options options = Fresh();
  options.presets = ReadPresent(socket).answers;
  options.has_destination = true;
  Dialogue dialogue(options);
  ASSERT_TRUE(dialogue.Answer(Field::kDestinationPath, "").accepted);
  EXPECT_EQ(WithDestination(socket, dialogue.answers().at(Field::kDestinationPath)), socket);
}

TEST(Destination, OfAnotherTypeTakesItsFieldsAlong) {
  const std::string text = WithDestination(
      ExistingWith("{ type: postgres, host: db, database: d, user: u, connections: 4, schema: s }"),
      "a.duckdb");
  EXPECT_THAT(text, HasSubstr("type: duckdb"));
  EXPECT_THAT(text, HasSubstr("schema: s"));
  for (const char* gone : {"host", "connections", "user"}) {
    EXPECT_THAT(text.substr(text.find("destination")), Not(HasSubstr(gone)));
  }
  EXPECT_THAT(config::Parse(text, "f", NoVariable).problems, IsEmpty()) << text;
}

TEST(ExistingFile, ChangesItsWayToLogInAndKeepsItsComments) {
  Answers answers = ReadPresent(kExisting).answers;
  answers[Field::kAuth] = "keys";
  answers[Field::kAccessKeyId] = "AKIAIOSFODNN7EXAMPLE";
  answers[Field::kBucket] = "other-bucket";
  const std::string text =
      config::EditYaml(kExisting, ChangesOf(kExisting, answers, {}, "${file:acme.secret}"));
  EXPECT_THAT(text, HasSubstr("auth:\n  access_key_id: AKIAIOSFODNN7EXAMPLE\n  secret_access_key: "
                              "\"${file:acme.secret}\"\ndestination:"));
  EXPECT_THAT(text, HasSubstr("{ bucket: other-bucket, region: us-east-1 }  # ours"));
  for (const char* comment : {"# of the team", "# the big one", "# first"}) {
    EXPECT_THAT(text, HasSubstr(comment));
  }
}

}  // namespace
}  // namespace sluice::init
