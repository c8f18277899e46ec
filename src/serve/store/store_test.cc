// Goal: what the service knows survives, belongs to its tenant alone, and its secrets cannot be
// read in the file nor moved within it; a run is queued, begun and ended once.
#include "serve/store/store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <fstream>
#include <thread>

#include "serve/store/schema.h"
#include "serve/store/seal.h"
#include "tests/support/fake_clock.h"
#include "tests/support/matchers.h"
#include "tests/support/temp_dir.h"

namespace sluice::serve {
namespace {

using base::ErrorCode;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;

using namespace std::chrono_literals;

constexpr std::chrono::hours kHour(1);

class StoreTest : public testing::Test {
 protected:
  StoreTest() { Open(); }

  void Open() {
    store_.reset();
    store_ = Store::Open(dir_.path(), keyring_, clock_);
  }

  Resource AddSource(const std::string& tenant, const std::string& name = "src") {
    return store_->Add({.kind = Kind::kSource,
                        .tenant = tenant,
                        .name = name,
                        .fields = {{"host", "h.example.com"}},
                        .secrets = {{"secret_access_key", base::Secret("top-secret-value")}}});
  }
  Resource AddDestination(const std::string& tenant, const std::string& name = "dst") {
    return store_->Add({.kind = Kind::kDestination,
                        .tenant = tenant,
                        .name = name,
                        .fields = {{"type", "duckdb"}}});
  }
  Resource AddPipeline(const std::string& tenant, const std::string& source,
                       const std::string& destination, const std::string& name = "pip") {
    return store_->Add({.kind = Kind::kPipeline,
                        .tenant = tenant,
                        .name = name,
                        .fields = {{"source", source},
                                   {"destination", destination},
                                   {"schedule", {{"cron", "@hourly"}}}}});
  }
  // A tenant with a pipeline of its own.
  Resource WithPipeline(const std::string& name) {
    const std::string tenant = store_->AddTenant(name, std::nullopt).id;
    return AddPipeline(tenant, AddSource(tenant).id, AddDestination(tenant).id);
  }
  NewRun Manual(const Resource& pipeline) {
    return {.tenant = pipeline.tenant, .pipeline = pipeline.id};
  }
  // All bytes that lie in the folder.
  std::string Bytes() {
    std::string bytes;
    for (const auto& entry : std::filesystem::directory_iterator(dir_.path())) {
      if (!entry.is_regular_file()) continue;
      std::ifstream in(entry.path(), std::ios::binary);
      bytes.append(std::istreambuf_iterator<char>(in), {});
    }
    return bytes;
  }
  sqlite::Database Raw() {
    return {dir_.path() / "service.db", sqlite::Open::kExisting, ExplainStore};
  }

  test::TempDir dir_;
  test::FakeClock clock_;
  Keyring keyring_{{NewKey()}};
  std::unique_ptr<Store> store_;
};

TEST_F(StoreTest, KeepsWhatWasAdded) {
  const Tenant tenant = store_->AddTenant("Acme", 3);
  const Resource source = AddSource(tenant.id);
  Open();
  EXPECT_EQ(store_->GetTenant(tenant.id).parallel_runs, 3);
  EXPECT_EQ(store_->GetTenant(tenant.id).external_id, tenant.external_id);
  const Resource read = store_->Get(Kind::kSource, tenant.id, source.id, true);
  EXPECT_EQ(read.fields, source.fields);
  EXPECT_EQ(read.secrets, source.secrets);
  EXPECT_EQ(read.version, 1);
  // Without being asked to, it opens none.
  EXPECT_TRUE(
      store_->Get(Kind::kSource, tenant.id, source.id).secrets.at("secret_access_key").empty());
  struct stat status {};
  ASSERT_EQ(stat((dir_.path() / "service.db").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777U, 0600U);
}

// G72: The service keeps each secret sealed and never shows it again: not in an answer, a file of
// its own or its log.
TEST_F(StoreTest, NoSecretLiesInItsFiles) {
  const Tenant tenant = store_->AddTenant("Acme", std::nullopt);
  Resource source = AddSource(tenant.id);
  EXPECT_THAT(Bytes(), Not(HasSubstr("top-secret-value")));
  source.secrets.at("secret_access_key") = base::Secret("changed-secret-value");
  source = store_->Update(source, source.version);
  const auto [token, text] = store_->AddToken("t", Scope::kAdmin, std::nullopt, std::nullopt);
  const base::Secret session = store_->AddSession(token.id, clock_.Utc() + kHour);
  store_->ClaimKey(token.id, "k", "request");
  store_->SaveAnswer(token.id, "k", {.status = 201, .body = text.Reveal()});
  const std::string bytes = Bytes();
  for (const std::string& secret : {std::string("secret-value"), text.Reveal(), session.Reveal(),
                                    keyring_.current().bytes.Reveal()}) {
    EXPECT_THAT(bytes, Not(HasSubstr(secret)));
  }
}

TEST_F(StoreTest, ASealedValueOpensInItsOwnPlaceAlone) {
  const Tenant tenant = store_->AddTenant("Acme", std::nullopt);
  const Resource one = AddSource(tenant.id, "one");
  const Resource two = AddSource(tenant.id, "two");
  Raw().Execute(("UPDATE secret SET sealed = (SELECT sealed FROM secret WHERE owner = '" + one.id +
                 "') WHERE owner = '" + two.id + "'")
                    .c_str());
  EXPECT_THAT([&] { store_->Get(Kind::kSource, tenant.id, two.id, true); },
              test::ThrowsError(ErrorCode::kCorrupt));
  EXPECT_EQ(store_->Get(Kind::kSource, tenant.id, one.id, true).secrets, one.secrets);
}

TEST(Seal, FindsEveryChangedDigit) {
  const Keyring keyring({NewKey()});
  const std::string place = PlaceOf({"a", "b"});
  const Sealed sealed = Seal(keyring.current(), "value", place);
  EXPECT_EQ(Unseal(keyring, sealed, place).Reveal(), "value");
  EXPECT_EQ(Unseal(keyring, Seal(keyring.current(), "", place), place).Reveal(), "");
  EXPECT_NE(Seal(keyring.current(), "value", place).text, sealed.text);
  for (std::size_t i = 0; i < sealed.text.size(); ++i) {
    Sealed changed = sealed;
    changed.text[i] = changed.text[i] == '0' ? '1' : '0';
    EXPECT_THAT([&] { Unseal(keyring, changed, place); }, test::ThrowsError(ErrorCode::kCorrupt));
    changed.text = sealed.text.substr(0, i);
    EXPECT_THAT([&] { Unseal(keyring, changed, place); }, test::ThrowsError(ErrorCode::kCorrupt));
  }
  EXPECT_THAT(
      [&] {
        Unseal(keyring, sealed, PlaceOf({"ab", ""}));
      },
      test::ThrowsError(ErrorCode::kCorrupt));
}

TEST_F(StoreTest, AWrongKeyIsToldBeforeAnythingIsRead) {
  store_.reset();
  EXPECT_THAT(
      [&] { Store::Open(dir_.path(), Keyring({NewKey()}), clock_); },
      test::ThrowsErrorWith(ErrorCode::kInvalidConfig, &base::ErrorInfo::reason, "wrong_key"));
}

TEST_F(StoreTest, AnotherTenantsThingsAreNotThere) {
  const Resource mine = WithPipeline("mine");
  const std::string other = store_->AddTenant("other", std::nullopt).id;
  const serve::Run run = store_->Enqueue(Manual(mine));
  const auto missing = test::ThrowsError(ErrorCode::kNotFound);
  EXPECT_THAT([&] { store_->Get(Kind::kPipeline, other, mine.id); }, missing);
  EXPECT_THAT([&] { store_->Get(Kind::kSource, other, SourceOf(mine)); }, missing);
  EXPECT_THAT([&] { store_->Delete(Kind::kSource, other, SourceOf(mine)); }, missing);
  EXPECT_THAT([&] { store_->GetRun(other, run.id); }, missing);
  EXPECT_THAT([&] { store_->RequestStop(other, run.id); }, missing);
  EXPECT_THAT([&] { store_->Enqueue({.tenant = other, .pipeline = mine.id}); }, missing);
  EXPECT_THAT([&] { store_->SetLastTest(other, SourceOf(mine), {}); }, missing);
  Resource stolen = mine;
  stolen.tenant = other;
  EXPECT_THAT([&] { store_->Update(stolen, std::nullopt); }, missing);
  // Nor can it be used by another's pipeline.
  EXPECT_THAT([&] { AddPipeline(other, SourceOf(mine), DestinationOf(mine)); },
              test::ThrowsError(ErrorCode::kInvalidConfig));
  EXPECT_THAT(store_->List(Kind::kSource, other, {}).items, IsEmpty());
  EXPECT_THAT(store_->Runs({.tenant = other}, {}).items, IsEmpty());
  EXPECT_THAT(store_->Standings(other, RunDetail::kState), IsEmpty());
}

TEST_F(StoreTest, AChangeRestsOnTheVersionThatWasRead) {
  const Tenant tenant = store_->AddTenant("Acme", std::nullopt);
  Resource source = AddSource(tenant.id);
  source.fields["host"] = "other.example.com";
  EXPECT_EQ(store_->Update(source, 1).version, 2);
  EXPECT_EQ(store_->Update(source, 2).version, 2);  // nothing is different
  source.fields["host"] = "third.example.com";
  EXPECT_THAT([&] { store_->Update(source, 1); },
              test::ThrowsErrorWith(ErrorCode::kConflict, &base::ErrorInfo::reason, "changed"));
  EXPECT_THAT([&] { store_->UpdateTenant(tenant.id, "New", 1, 7); },
              test::ThrowsError(ErrorCode::kConflict));
  EXPECT_EQ(store_->UpdateTenant(tenant.id, "New", 1, 1).version, 2);
}

TEST_F(StoreTest, NamesAreUniqueWithinTheirKind) {
  const std::string one = store_->AddTenant("one", std::nullopt).id;
  const std::string two = store_->AddTenant("two", std::nullopt).id;
  AddSource(one);
  AddSource(two);
  EXPECT_THAT([&] { AddSource(one); }, test::ThrowsError(ErrorCode::kInvalidConfig));
  EXPECT_THAT([&] { store_->AddTenant("one", 1); }, test::ThrowsError(ErrorCode::kInvalidConfig));
  EXPECT_THAT([&] { store_->UpdateTenant(two, "one", 1, std::nullopt); },
              test::ThrowsError(ErrorCode::kInvalidConfig));
  EXPECT_TRUE(store_->FindByName(Kind::kSource, one, "src"));
  EXPECT_FALSE(store_->FindByName(Kind::kDestination, one, "src"));
}

TEST_F(StoreTest, SqlInAFieldIsAText) {
  const std::string evil = "'; DROP TABLE run; -- \" ? ${HOME}";
  const Tenant tenant = store_->AddTenant(evil, std::nullopt);
  const Resource source = AddSource(tenant.id, evil);
  EXPECT_EQ(store_->FindTenantByName(evil)->id, tenant.id);
  EXPECT_EQ(store_->FindByName(Kind::kSource, tenant.id, evil)->id, source.id);
  EXPECT_THAT([&] { store_->GetTenant(evil); }, test::ThrowsError(ErrorCode::kNotFound));
}

TEST_F(StoreTest, WhatIsUsedIsNotDeleted) {
  const Resource pipeline = WithPipeline("Acme");
  const auto in_use =
      test::ThrowsErrorWith(ErrorCode::kConflict, &base::ErrorInfo::reason, "in_use");
  EXPECT_THAT([&] { store_->Delete(Kind::kSource, pipeline.tenant, SourceOf(pipeline)); }, in_use);
  EXPECT_THAT([&] { store_->Delete(Kind::kDestination, pipeline.tenant, DestinationOf(pipeline)); },
              in_use);
  const serve::Run run = store_->Enqueue(Manual(pipeline));
  ASSERT_TRUE(store_->Begin(run.id, clock_.Utc()));
  EXPECT_THAT([&] { store_->Delete(Kind::kPipeline, pipeline.tenant, pipeline.id); }, in_use);
  EXPECT_THAT([&] { store_->DeleteTenant(pipeline.tenant); }, in_use);
  EXPECT_TRUE(store_->End(run.id, {.state = RunState::kStopped}));
  store_->DeleteTenant(pipeline.tenant);
  for (const char* table : {"resource", "secret", "pipeline", "run"}) {
    EXPECT_EQ(Raw().Number(("SELECT count(*) FROM " + std::string(table)).c_str()), 0) << table;
  }
}

TEST_F(StoreTest, ARunIsQueuedBegunAndEndedOnce) {
  const Resource pipeline = WithPipeline("Acme");
  const serve::Run run = store_->Enqueue(Manual(pipeline));
  EXPECT_EQ(run.state, RunState::kQueued);
  EXPECT_THAT([&] { store_->Enqueue(Manual(pipeline)); },
              test::ThrowsErrorWith(ErrorCode::kConflict, &base::ErrorInfo::reason, "queued"));
  EXPECT_TRUE(store_->Begin(run.id, clock_.Utc()));
  EXPECT_FALSE(store_->Begin(run.id, clock_.Utc()));
  store_->SetProcess(run.id, {.pid = 42, .started = 4711});
  ASSERT_THAT(store_->Running(), SizeIs(1));
  EXPECT_EQ(store_->Running()[0].process->started, 4711U);
  // One may wait behind it, and begins when it has ended.
  const serve::Run second = store_->Enqueue(Manual(pipeline));
  EXPECT_FALSE(store_->Begin(second.id, clock_.Utc()));
  const RunEnd end{.state = RunState::kPartly,
                   .counts = {{"inserted", 7}},
                   .streams = Json::array({{{"stream", "a"}}}),
                   .rows = 7,
                   .amount = 0.25};
  EXPECT_TRUE(store_->End(run.id, end));
  EXPECT_FALSE(store_->End(run.id, {.state = RunState::kFailed}));
  EXPECT_TRUE(store_->Begin(second.id, clock_.Utc()));
  const serve::Run read = store_->GetRun(pipeline.tenant, run.id);
  EXPECT_EQ(read.state, RunState::kPartly);
  EXPECT_EQ(read.counts["inserted"], 7);
  EXPECT_EQ(read.streams_result.size(), 1U);
  EXPECT_EQ(read.rows, 7);
  EXPECT_FALSE(read.process);
}

TEST_F(StoreTest, ADestinationHasOneRunAtATime) {
  const Resource one = WithPipeline("Acme");
  const Resource two = AddPipeline(one.tenant, SourceOf(one), DestinationOf(one), "two");
  const serve::Run first = store_->Enqueue(Manual(one));
  const serve::Run second = store_->Enqueue(Manual(two));
  EXPECT_THAT(store_->Queue(), SizeIs(2));
  EXPECT_TRUE(store_->Begin(first.id, clock_.Utc()));
  EXPECT_FALSE(store_->Begin(second.id, clock_.Utc()));
  EXPECT_TRUE(store_->End(first.id, {.state = RunState::kFailed}));
  EXPECT_TRUE(store_->Begin(second.id, clock_.Utc()));
}

TEST_F(StoreTest, ALostRunIsQueuedAgainOnce) {
  const Resource pipeline = WithPipeline("Acme");
  NewRun scheduled = Manual(pipeline);
  scheduled.trigger = Trigger::kSchedule;
  scheduled.full = true;
  const serve::Run run = store_->Enqueue(scheduled);
  store_->Begin(run.id, clock_.Utc());
  const auto retry = store_->EndAndRetry(run.id, {.state = RunState::kFailed});
  ASSERT_TRUE(retry);
  EXPECT_EQ(retry->trigger, Trigger::kRetry);
  EXPECT_EQ(retry->retry_of, run.id);
  EXPECT_TRUE(retry->full);
  EXPECT_FALSE(store_->EndAndRetry(run.id, {.state = RunState::kFailed}));
  EXPECT_THAT(store_->Queue(), SizeIs(1));
}

TEST_F(StoreTest, WhatIsDueIsQueuedOnceHoweverOftenItIsAsked) {
  const Resource pipeline = WithPipeline("Acme");
  const base::UtcTime due = clock_.Utc() + kHour;
  store_->Plan(pipeline.id, pipeline.version, due);
  ASSERT_EQ(store_->Schedules().at(0).next_at, due);
  NewRun run = Manual(pipeline);
  run.trigger = Trigger::kSchedule;
  EXPECT_TRUE(store_->EnqueueDue(run, pipeline.version, due, due + kHour));
  EXPECT_FALSE(store_->EnqueueDue(run, pipeline.version, due, due + kHour));
  EXPECT_THAT(store_->Queue(), SizeIs(1));
  // The next one finds that one waiting: it does not pile up, and is planned on.
  EXPECT_FALSE(store_->EnqueueDue(run, pipeline.version, due + kHour, due + 2 * kHour));
  EXPECT_EQ(store_->Schedules().at(0).next_at, due + 2 * kHour);
  // A pipeline that was changed is planned anew.
  Resource changed = pipeline;
  changed.fields["schedule"]["cron"] = "@daily";
  store_->Update(changed, std::nullopt);
  EXPECT_EQ(store_->Schedules().at(0).next_at, std::nullopt);
  EXPECT_FALSE(store_->EnqueueDue(run, pipeline.version + 1, due + 2 * kHour, std::nullopt));
}

TEST_F(StoreTest, StoppingEndsWhatWaitsAndMarksWhatRuns) {
  const Resource pipeline = WithPipeline("Acme");
  const serve::Run first = store_->Enqueue(Manual(pipeline));
  store_->Begin(first.id, clock_.Utc());
  const serve::Run second = store_->Enqueue(Manual(pipeline));
  EXPECT_TRUE(store_->RequestStop(pipeline.tenant, second.id));
  EXPECT_EQ(store_->GetRun(pipeline.tenant, second.id).state, RunState::kStopped);
  EXPECT_TRUE(store_->GetRun(pipeline.tenant, second.id).ended_at);
  EXPECT_TRUE(store_->RequestStop(pipeline.tenant, first.id));
  EXPECT_TRUE(store_->Running().at(0).stop_requested);
  EXPECT_FALSE(store_->RequestStop(pipeline.tenant, second.id));
}

TEST_F(StoreTest, PagesMeetAtTheirSeams) {
  const Resource pipeline = WithPipeline("Acme");
  std::vector<std::string> ids;
  for (int i = 0; i < 5; ++i) {
    ids.insert(ids.begin(), store_->Enqueue(Manual(pipeline)).id);
    store_->End(ids.front(), {.state = i == 2 ? RunState::kFailed : RunState::kSucceeded});
  }
  std::vector<std::string> seen;
  PageRequest request{.limit = 2};
  do {
    const auto page = store_->Runs({.pipeline = pipeline.id}, request);
    for (const serve::Run& run : page.items) seen.push_back(run.id);
    request.cursor = page.next_cursor.value_or("");
  } while (!request.cursor.empty());
  EXPECT_EQ(seen, ids);
  EXPECT_THAT(store_->Runs({.state = RunState::kFailed}, {}).items, SizeIs(1));
  for (const char* cursor : {"x", "-1", "1 OR 1=1", "99999999999999999999"}) {
    EXPECT_THAT([&] { store_->Runs({}, {.cursor = cursor}); },
                test::ThrowsError(ErrorCode::kInvalidConfig));
  }
  const Standing standing = store_->Standings(pipeline.tenant, RunDetail::kCounts).at(0);
  EXPECT_EQ(standing.last_run->id, ids.front());
  EXPECT_TRUE(standing.last_success_at);
  EXPECT_EQ(store_->Sums(std::nullopt, clock_.Utc() - kHour).at(0).runs, 5);
  // The newest of a pipeline is kept.
  EXPECT_THAT(store_->PruneRuns(clock_.Utc() + kHour, 100), SizeIs(4));
  EXPECT_THAT(store_->Runs({}, {}).items, SizeIs(1));
}

TEST_F(StoreTest, APipelineStandsByItsLastRunAndByTheLastThatEnded) {
  const Resource pipeline = WithPipeline("Acme");
  const auto standing = [&](RunDetail detail) {
    return store_->Standings(pipeline.tenant, detail).at(0);
  };
  EXPECT_EQ(standing(RunDetail::kCounts).last_run, nullptr);
  const std::string first = store_->Enqueue(Manual(pipeline)).id;
  EXPECT_EQ(standing(RunDetail::kCounts).last_ended, nullptr);
  store_->End(first, {.state = RunState::kSucceeded, .counts = Json{{"inserted", 3}}});
  const std::string second = store_->Enqueue(Manual(pipeline)).id;
  EXPECT_EQ(standing(RunDetail::kCounts).last_run->id, second);
  EXPECT_EQ(standing(RunDetail::kCounts).last_ended->id, first);
  EXPECT_EQ(standing(RunDetail::kCounts).last_ended->counts.at("inserted"), 3);
  EXPECT_TRUE(standing(RunDetail::kState).last_ended->counts.is_null());
  store_->End(second, {.state = RunState::kFailed, .error = Json{{"code", "timeout"}}});
  const Standing last = standing(RunDetail::kState);
  EXPECT_EQ(last.last_ended->id, second);
  EXPECT_EQ(last.last_run, last.last_ended);
  EXPECT_EQ(last.last_ended->error.at("code"), "timeout");
}

TEST_F(StoreTest, SumsAreOfTheRunsThatEndedSinceToTheMillisecond) {
  const Resource pipeline = WithPipeline("Acme");
  const auto end = [&](RunState state, std::optional<double> billed) {
    const std::string run = store_->Enqueue(Manual(pipeline)).id;
    store_->End(run, {.state = state, .rows = 10, .bytes = 100, .billed_seconds = billed});
    return clock_.Utc();
  };
  const auto first = end(RunState::kSucceeded, std::nullopt);
  for (int minute = 0; minute < 150; minute += 25) {
    clock_.Advance(25 * 60s);
    end(minute == 0 ? RunState::kFailed : RunState::kSucceeded, 60);
  }
  store_->RequestStop(pipeline.tenant, store_->Enqueue(Manual(pipeline)).id);
  const RunSums all = store_->Sums(pipeline.tenant, first).at(0);
  EXPECT_EQ(all.tenant, pipeline.tenant);
  EXPECT_EQ(all.runs, 8);
  EXPECT_EQ(all.succeeded, 6);
  EXPECT_EQ(all.failed, 1);
  EXPECT_EQ(all.stopped, 1);
  EXPECT_EQ(all.rows, 70);
  EXPECT_EQ(all.bytes, 700);
  EXPECT_EQ(all.billed_seconds, 360);
  EXPECT_FALSE(all.amount);
  // One after the other leaves, whether its hour is over or not.
  for (int gone = 1; gone <= 6; ++gone) {
    const auto since = first + (gone - 1) * 25min + 1ms;
    EXPECT_EQ(store_->Sums(std::nullopt, since).at(0).runs, 8 - gone) << gone;
  }
  EXPECT_THAT(store_->Sums("ten_bbbbbbbbbbbb", first), IsEmpty());
  EXPECT_THAT(store_->Sums(std::nullopt, clock_.Utc() + 1ms), IsEmpty());
}

TEST_F(StoreTest, ATokenIsKnownUntilItEnds) {
  const std::string tenant = store_->AddTenant("Acme", std::nullopt).id;
  const auto [token, text] =
      store_->AddToken("form", Scope::kConnect, tenant, clock_.Utc() + kHour);
  EXPECT_THAT(text.Reveal(), testing::MatchesRegex("slc_[0-9A-Za-z]{43}"));
  EXPECT_EQ(store_->FindToken(text)->id, token.id);
  EXPECT_EQ(store_->FindToken(text)->tenant, tenant);
  EXPECT_FALSE(store_->FindToken(base::Secret("slc_nobody")));
  const base::Secret session = store_->AddSession(token.id, clock_.Utc() + 24 * kHour);
  EXPECT_EQ(store_->FindSession(session)->scope, Scope::kConnect);
  clock_.Advance(kHour);
  EXPECT_FALSE(store_->FindToken(text));
  EXPECT_FALSE(store_->FindSession(session));
  EXPECT_THAT(store_->Tokens(tenant, {}).items, IsEmpty());
}

TEST_F(StoreTest, ATokenThatIsGoneTakesItsSessionsAlong) {
  const std::string tenant = store_->AddTenant("Acme", std::nullopt).id;
  const auto [token, text] = store_->AddToken("t", Scope::kTenant, tenant, std::nullopt);
  const base::Secret session = store_->AddSession(token.id, clock_.Utc() + kHour);
  EXPECT_THAT([&] { store_->DeleteToken("ten_aaaaaaaaaaaa", token.id); },
              test::ThrowsError(ErrorCode::kNotFound));
  store_->DeleteToken(tenant, token.id);
  EXPECT_FALSE(store_->FindToken(text));
  EXPECT_FALSE(store_->FindSession(session));
  const auto [admin, admin_text] = store_->AddToken("a", Scope::kAdmin, std::nullopt, std::nullopt);
  const base::Secret own = store_->AddSession(admin.id, clock_.Utc() + kHour);
  store_->DeleteSession(own);
  EXPECT_FALSE(store_->FindSession(own));
  EXPECT_TRUE(store_->FindToken(admin_text));
}

TEST_F(StoreTest, AnIdempotencyKeyIsUsedOnce) {
  EXPECT_FALSE(store_->ClaimKey("tok_a", "k", "POST /x {}"));
  EXPECT_THAT([&] { store_->ClaimKey("tok_a", "k", "POST /x {}"); },
              test::ThrowsError(ErrorCode::kConflict));
  store_->SaveAnswer("tok_a", "k", {.status = 201, .body = "{\"id\": 1}"});
  EXPECT_EQ(store_->ClaimKey("tok_a", "k", "POST /x {}")->body, "{\"id\": 1}");
  EXPECT_EQ(store_->ClaimKey("tok_a", "k", "POST /x {}")->status, 201);
  EXPECT_THAT(
      [&] { store_->ClaimKey("tok_a", "k", "POST /y {}"); },
      test::ThrowsErrorWith(ErrorCode::kInvalidConfig, &base::ErrorInfo::reason, "key_reused"));
  EXPECT_FALSE(store_->ClaimKey("tok_b", "k", "POST /x {}"));  // another's
  store_->ForgetKey("tok_b", "k");
  EXPECT_FALSE(store_->ClaimKey("tok_b", "k", "POST /other {}"));
  // Another program opens the store while the first call has not ended.
  Store::Open(dir_.path(), keyring_, clock_);
  EXPECT_THAT([&] { store_->ClaimKey("tok_b", "k", "POST /other {}"); },
              test::ThrowsError(ErrorCode::kConflict));
  store_->ForgetUnanswered();  // a call that died is not waited for
  EXPECT_FALSE(store_->ClaimKey("tok_b", "k", "POST /x {}"));
  EXPECT_TRUE(store_->ClaimKey("tok_a", "k", "POST /x {}"));
  clock_.Advance(25 * kHour);
  EXPECT_FALSE(store_->ClaimKey("tok_a", "k", "POST /x {}"));
}

TEST_F(StoreTest, AMessageWaitsUntilItIsDelivered) {
  const std::string tenant = store_->AddTenant("Acme", std::nullopt).id;
  const Resource alert = store_->Add(
      {.kind = Kind::kAlert, .tenant = tenant, .name = "a", .fields = {{"kind", "slack"}}});
  store_->AddMessage({.id = "m",
                      .tenant = tenant,
                      .alert = alert.id,
                      .event = "failed",
                      .payload = {{"run", "r"}},
                      .next_at = clock_.Utc()});
  ASSERT_THAT(store_->DueMessages(clock_.Utc(), 10), SizeIs(1));
  store_->PutOffMessage("m", clock_.Utc() + kHour);
  EXPECT_THAT(store_->DueMessages(clock_.Utc(), 10), IsEmpty());
  clock_.Advance(kHour);
  EXPECT_EQ(store_->DueMessages(clock_.Utc(), 10).at(0).attempts, 1);
  store_->EndMessage("m");
  EXPECT_THAT(store_->DueMessages(clock_.Utc(), 10), IsEmpty());
}

TEST_F(StoreTest, TheAuditLogTellsTheNewestFirst) {
  store_->Audit({.at = clock_.Utc(), .tenant = "ten_a", .action = "source.create", .subject = "s"});
  store_->Audit({.at = clock_.Utc(), .action = "token.create", .subject = "t"});
  EXPECT_EQ(store_->AuditLog(std::nullopt, {}).items.at(0).action, "token.create");
  EXPECT_THAT(store_->AuditLog("ten_a", {}).items, SizeIs(1));
  store_->PruneAudit(clock_.Utc() + kHour);
  EXPECT_THAT(store_->AuditLog(std::nullopt, {}).items, IsEmpty());
}

// What another process does to the file meanwhile.
TEST_F(StoreTest, AFullDiskIsToldAndLosesNothing) {
  const Tenant tenant = store_->AddTenant("Acme", std::nullopt);
  store_.reset();
  sqlite::Database raw = Raw();
  raw.Execute("PRAGMA journal_mode=DELETE");
  const std::int64_t pages = raw.Number("PRAGMA page_count");
  raw.Execute(("PRAGMA max_page_count=" + std::to_string(pages)).c_str());
  EXPECT_THAT(
      [&] {
        sqlite::Statement(raw, "INSERT INTO audit(at, action, subject) VALUES(1, ?, 's')")
            .Bind(std::string(1U << 20U, 'x'))
            .Step();
      },
      test::ThrowsError(ErrorCode::kNoSpace));
  Open();
  EXPECT_EQ(store_->GetTenant(tenant.id).name, "Acme");
}

TEST(ExplainStore, TellsWhatToDo) {
  const auto code = [](int sqlite) { return ExplainStore("/d/service.db", sqlite, "x").code; };
  EXPECT_EQ(code(SQLITE_BUSY), ErrorCode::kUnavailable);
  EXPECT_TRUE(ExplainStore("/d/service.db", SQLITE_BUSY, "x").retryable);
  EXPECT_EQ(code(SQLITE_FULL), ErrorCode::kNoSpace);
  EXPECT_EQ(code(SQLITE_READONLY), ErrorCode::kPermission);
  EXPECT_EQ(code(SQLITE_CORRUPT), ErrorCode::kCorrupt);
  EXPECT_EQ(code(SQLITE_NOTADB), ErrorCode::kCorrupt);
}

TEST_F(StoreTest, MigratesFromEachVersionAndRefusesWhatItDoesNotKnow) {
  const Resource pipeline = WithPipeline("Acme");
  for (int i = 0; i < 2; ++i) {
    store_->End(store_->Enqueue(Manual(pipeline)).id, {.state = RunState::kSucceeded});
  }
  for (std::int64_t version = 0; version <= kSchemaVersion; ++version) {
    const test::TempDir dir;
    {
      sqlite::Database old(dir.path() / "service.db", sqlite::Open::kOrCreate, ExplainStore);
      Migrate(old, version);
      if (version > 0) {
        old.Execute("INSERT INTO tenant VALUES(1, 'ten_aaaaaaaaaaaa', 'old', NULL, 'x', 1, 0, 0)");
      }
    }
    const auto store = Store::Open(dir.path(), keyring_, clock_);
    EXPECT_THAT(store->Tenants({}).items, SizeIs(version > 0 ? 1 : 0));
  }
  store_.reset();
  // What had ended before its hours were summed is in their sums.
  Raw().Execute("DROP TRIGGER run_ended;DROP TABLE run_hour;PRAGMA user_version=1");
  Open();
  EXPECT_EQ(store_->Sums(std::nullopt, clock_.Utc() - kHour).at(0).succeeded, 2);
  store_.reset();
  Raw().Execute("PRAGMA user_version=99");
  EXPECT_THAT([&] { Open(); }, test::ThrowsErrorWith(ErrorCode::kCorrupt, &base::ErrorInfo::message,
                                                     HasSubstr("newer sluice")));
  const test::TempDir foreign;
  sqlite::Database(foreign.path() / "service.db", sqlite::Open::kOrCreate, ExplainStore)
      .Execute("CREATE TABLE t(x)");
  EXPECT_THAT([&] { Store::Open(foreign.path(), keyring_, clock_); },
              test::ThrowsError(ErrorCode::kCorrupt));
  const test::TempDir text;
  std::ofstream(text.path() / "service.db") << std::string(5000, 'x');
  EXPECT_THAT([&] { Store::Open(text.path(), keyring_, clock_); },
              test::ThrowsError(ErrorCode::kCorrupt));
}

TEST_F(StoreTest, ThreadsReadWhileOthersWrite) {
  const Resource pipeline = WithPipeline("Acme");
  std::vector<std::jthread> threads;
  for (int i = 0; i < 3; ++i) {
    threads.emplace_back([&, i] {
      for (int n = 0; n < 20; ++n) {
        AddSource(pipeline.tenant, std::to_string(i) + "-" + std::to_string(n));
        store_->List(Kind::kSource, pipeline.tenant, {.limit = 500});
      }
    });
  }
  threads.clear();
  EXPECT_THAT(store_->List(Kind::kSource, pipeline.tenant, {.limit = 500}).items, SizeIs(61));
}

}  // namespace
}  // namespace sluice::serve
