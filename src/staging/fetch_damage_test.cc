// Goal: bytes that changed between S3 and the part's file never come out, whatever S3 tells of them
// and however the part is fetched; and what S3 tells is not misread as damage.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <fstream>
#include <random>

#include "staging/fetch.h"
#include "tests/support/digests.h"
#include "tests/support/fake_clock.h"
#include "tests/support/fake_object_store.h"
#include "tests/support/matchers.h"
#include "tests/support/temp_dir.h"

namespace sluice::staging {
namespace {
using aws::DigestKind;
using aws::ObjectDigest;
using base::ErrorCode;
using testing::AllOf;
using testing::HasSubstr;
using testing::Pair;
using testing::UnorderedElementsAre;

const base::Call kDamageCall;
const std::string kKey = "p/0000.parquet";

std::string FileContents(const std::filesystem::path& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

std::string Text(std::size_t size, std::uint64_t seed) {
  std::mt19937_64 random(seed);
  std::string text(size, '\0');
  for (char& c : text) c = static_cast<char>(random());
  return text;
}

// Of pieces of these sizes, as S3 has of an upload in parts.
ObjectDigest OfPieces(DigestKind kind, const std::string& body,
                      const std::vector<std::uint64_t>& sizes) {
  std::string joined;
  std::size_t at = 0;
  for (const auto size : sizes) {
    joined += test::DigestOf(kind, std::string_view(body).substr(at, size)).bytes;
    at += size;
  }
  ObjectDigest digest = test::DigestOf(kind, joined);
  digest.pieces = static_cast<std::uint32_t>(sizes.size());
  digest.told = SpellDigest(digest, digest.bytes);
  return digest;
}

class FetchDamageTest : public testing::Test {
 protected:
  FetchDamageTest() { Put(Text(1000, 1)); }
  void Put(const std::string& body) {
    body_ = body;
    store_.Add(kKey, body);
    manifest_.parts = {{kKey, body.size(), 1}};
  }
  // Inverts a byte of the object, in the first `times` bodies that carry it.
  void Flip(std::uint64_t at, int times = 1 << 30) {
    flips_left_ = times;
    store_.on_the_way = [this, at](const std::string&, std::uint64_t offset, std::string& body) {
      if (at < offset || at - offset >= body.size() || flips_left_-- <= 0) return;
      body[at - offset] = static_cast<char>(~body[at - offset]);
    };
  }
  std::unique_ptr<Fetch> MakeFetch(std::uint64_t range_bytes) {
    auto fetch = std::make_unique<Fetch>(store_, disk_, FetchOptions{dir_.path(), range_bytes},
                                         [](std::uint64_t) {});
    return fetch;
  }
  // The one part's bytes as they come out, released.
  std::string Bring(Fetch& fetch) {
    fetch.Expect(manifest_, store_.List("p/", kDamageCall));
    return Take(fetch);
  }
  std::string Take(Fetch& fetch) {
    const auto batch = fetch.Next(kDamageCall, clock_);
    if (batch.empty()) return "(none)";
    std::string bytes = FileContents(batch.at(0).file);
    fetch.Release(batch);
    return bytes;
  }
  void TellPieces(DigestKind kind, const std::vector<std::uint64_t>& sizes) {
    store_.digest_of = [=](const std::string&, const std::string& body) {
      return OfPieces(kind, body, sizes);
    };
    store_.piece_sizes[kKey] = sizes;
  }

  test::TempDir dir_;
  test::FakeClock clock_;
  test::FakeObjectStore store_;
  base::ByteBudget disk_{100'000};
  Manifest manifest_;
  std::string body_;
  int flips_left_ = 0;
};

// G31: A byte of a part that changed on its way from S3 is found before a row of it is loaded,
// where S3 tells a checksum of the part or an ETag that is an MD5; the part is fetched once more,
// and then refused.
TEST_F(FetchDamageTest, RefusesAPartThatTwiceIsNotWhatS3Tells) {
  for (const std::uint64_t range : {5000, 400, 64}) {
    for (const std::uint64_t at : {0, 399, 400, 999}) {
      Flip(at);
      const auto fetch = MakeFetch(range);
      EXPECT_THAT(
          [&] { Bring(*fetch); },
          testing::Throws<base::Error>(testing::AllOf(
              testing::Property(&base::Error::code, ErrorCode::kCorrupt),
              testing::Property(&base::Error::info,
                                AllOf(testing::Field(&base::ErrorInfo::reason, aws::kDamaged),
                                      testing::Field(&base::ErrorInfo::subject, HasSubstr(kKey)),
                                      testing::Field(&base::ErrorInfo::message,
                                                     HasSubstr(test::DefaultDigest(body_).told)),
                                      testing::Field(&base::ErrorInfo::remedy,
                                                     HasSubstr("Nothing was committed")))))))
          << range << " " << at;
    }
  }
}

TEST_F(FetchDamageTest, FetchesADamagedPartOnceMore) {
  for (const std::uint64_t range : {5000, 64}) {
    Flip(500, 1);
    const auto fetch = MakeFetch(range);
    EXPECT_EQ(Bring(*fetch), body_);
    EXPECT_EQ(fetch->refetched(), 1u);
    EXPECT_EQ(fetch->bytes_complete(), body_.size());
    EXPECT_THAT(fetch->verified(), UnorderedElementsAre(Pair("crc64nvme", 1u)));
    EXPECT_TRUE(fetch->Next(kDamageCall, clock_).empty());
    EXPECT_EQ(disk_.bytes_used(), 0u);
  }
}

TEST_F(FetchDamageTest, ADamagedPrefetchIsTheFirstOfTwoTries) {
  Flip(3, 1);
  auto fetch = MakeFetch(64);
  fetch->Prefetch(store_.List("p/", kDamageCall));
  EXPECT_EQ(Bring(*fetch), body_);
  Flip(3, 2);
  fetch = MakeFetch(64);
  fetch->Prefetch(store_.List("p/", kDamageCall));
  EXPECT_THAT([&] { Bring(*fetch); }, test::ThrowsError(ErrorCode::kCorrupt));
}

TEST_F(FetchDamageTest, ComparesWithEveryKindOfChecksum) {
  for (const auto kind :
       {DigestKind::kCrc64Nvme, DigestKind::kCrc32c, DigestKind::kCrc32, DigestKind::kSha256,
        DigestKind::kSha1, DigestKind::kSha512, DigestKind::kMd5}) {
    store_.digest_of = [=](const std::string&, const std::string& body) {
      return test::DigestOf(kind, body);
    };
    for (const std::uint64_t range : {5000, 64}) {
      store_.on_the_way = nullptr;
      auto fetch = MakeFetch(range);
      EXPECT_EQ(Bring(*fetch), body_);
      EXPECT_THAT(fetch->verified(), UnorderedElementsAre(Pair(ToString(kind), 1u)));
      Flip(77, 1);
      fetch = MakeFetch(range);
      EXPECT_EQ(Bring(*fetch), body_) << ToString(kind);
      Flip(77);
      fetch = MakeFetch(range);
      EXPECT_THAT([&] { Bring(*fetch); }, test::ThrowsError(ErrorCode::kCorrupt)) << ToString(kind);
    }
  }
}

TEST_F(FetchDamageTest, ComparesWithTheDigestOfPieces) {
  const std::vector<std::vector<std::uint64_t>> shapes = {
      {1000}, {500, 500}, {300, 300, 300, 100}, {999, 1}, {400, 100, 500}, {1, 998, 1}};
  for (const auto kind : {DigestKind::kMd5, DigestKind::kCrc32, DigestKind::kSha256}) {
    for (const auto& sizes : shapes) {
      TellPieces(kind, sizes);
      store_.on_the_way = nullptr;
      auto fetch = MakeFetch(64);
      EXPECT_EQ(Bring(*fetch), body_) << sizes.size();
      EXPECT_THAT(fetch->verified(), UnorderedElementsAre(Pair(ToString(kind), 1u)));
      Flip(999);
      fetch = MakeFetch(64);
      EXPECT_THAT([&] { Bring(*fetch); }, test::ThrowsError(ErrorCode::kCorrupt)) << sizes.size();
    }
  }
}

// A service that does not know part numbers tells the whole object's size: no proof of damage.
TEST_F(FetchDamageTest, DoesNotGuessPiecesThatNobodyTells) {
  TellPieces(DigestKind::kMd5, {600, 400});
  store_.piece_sizes.clear();
  const auto fetch = MakeFetch(64);
  EXPECT_EQ(Bring(*fetch), body_);
  EXPECT_THAT(fetch->verified(), UnorderedElementsAre(Pair("none", 1u)));
}

TEST_F(FetchDamageTest, GoesOnWhereS3TellsNothingAndCountsIt) {
  store_.digest_of = [](const std::string&, const std::string&) { return ObjectDigest{}; };
  const auto fetch = MakeFetch(64);
  EXPECT_EQ(Bring(*fetch), body_);
  EXPECT_THAT(fetch->verified(), UnorderedElementsAre(Pair("none", 1u)));
}

TEST_F(FetchDamageTest, AsksForTheDigestOnceAPartAndNeverForSmallOnes) {
  const auto heads = [&] {
    const auto log = store_.log();
    return std::count(log.begin(), log.end(), "start_head " + kKey);
  };
  Bring(*MakeFetch(5000));
  EXPECT_EQ(heads(), 0);
  Bring(*MakeFetch(64));
  EXPECT_EQ(heads(), 1);
}

TEST_F(FetchDamageTest, APartThatIsGoneWhenItsDigestIsAskedForVanished) {
  store_.before = [](const std::string& operation, const std::string&) {
    if (operation == "start_head") {
      throw base::Error({.code = ErrorCode::kConflict, .operation = "head"});
    }
  };
  EXPECT_THAT([&] { Bring(*MakeFetch(64)); },
              test::ThrowsErrorWith(ErrorCode::kCorrupt, &base::ErrorInfo::reason, kVanished));
}

// G32: A part's file that no longer holds what was received when its rows have been read is found
// before the commit.
TEST_F(FetchDamageTest, RefusesTheRowsOfAFileThatChangedOnDisk) {
  for (const std::uint64_t at : {0, 500, 999}) {
    const auto fetch = MakeFetch(64);
    fetch->Expect(manifest_, store_.List("p/", kDamageCall));
    const auto batch = fetch->Next(kDamageCall, clock_);
    {
      std::fstream file(batch.at(0).file, std::ios::in | std::ios::out | std::ios::binary);
      file.seekp(static_cast<std::streamoff>(at));
      file.put(static_cast<char>(~body_[at]));
    }
    EXPECT_THAT([&] { fetch->Release(batch); },
                test::ThrowsErrorWith(ErrorCode::kCorrupt, &base::ErrorInfo::reason, kDamagedHere));
    EXPECT_EQ(disk_.bytes_used(), 0u);
  }
}

TEST_F(FetchDamageTest, RefusesTheRowsOfAFileThatWasCut) {
  const auto fetch = MakeFetch(64);
  fetch->Expect(manifest_, store_.List("p/", kDamageCall));
  const auto batch = fetch->Next(kDamageCall, clock_);
  std::filesystem::resize_file(batch.at(0).file, 999);
  EXPECT_THAT([&] { fetch->Release(batch); }, test::ThrowsError(ErrorCode::kCorrupt));
}

// G33: A changed byte in a manifest or a list never makes rows appear or disappear, and a list that
// does not end is given up.
TEST_F(FetchDamageTest, AListWithAChangedByteBringsTheSameOrNothing) {
  store_.Add("p/0001.parquet", "abc");
  manifest_.parts.push_back({"p/0001.parquet", 3, 1});
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937_64 random(seed);
    auto listed = store_.List("p/", kDamageCall);
    auto& object = listed[random() % listed.size()];
    const auto bit = static_cast<char>(1 << random() % 8);
    switch (random() % 3) {
      case 0: object.key[random() % object.key.size()] ^= bit; break;
      case 1: object.etag[random() % object.etag.size()] ^= bit; break;
      default: object.bytes ^= 1ULL << random() % 12;
    }
    std::sort(listed.begin(), listed.end(),
              [](const auto& a, const auto& b) { return a.key < b.key; });
    const auto fetch = MakeFetch(64);
    fetch->Prefetch(listed);
    try {
      fetch->Expect(manifest_, listed);
      std::size_t parts = 0;
      for (;;) {
        const auto batch = fetch->Next(kDamageCall, clock_);
        if (batch.empty()) break;
        parts += batch.size();
        fetch->Release(batch);
      }
      FAIL() << parts << " parts came, although every field of a list counts";
    } catch (const base::Error& error) {
      ASSERT_EQ(error.code(), ErrorCode::kCorrupt) << error.what();
    }
  }
}

// What can happen on the way: a bit, a byte, a run of bytes, two pieces exchanged, a stretch of
// zeros, a stretch that is another stretch.
void Damage(std::string& body, std::mt19937_64& random) {
  const auto below = [&](std::size_t n) { return static_cast<std::size_t>(random() % n); };
  const std::size_t at = below(body.size());
  const std::size_t run = std::min(1 + below(64), body.size() - at);
  switch (below(6)) {
    case 0: body[at] = static_cast<char>(body[at] ^ (1 << below(8))); break;
    case 1: body[at] = static_cast<char>(random()); break;
    case 2:
      std::generate_n(body.begin() + static_cast<std::ptrdiff_t>(at), run,
                      [&] { return static_cast<char>(random()); });
      break;
    case 3: std::swap(body[at], body[below(body.size())]); break;
    case 4: std::fill_n(body.begin() + static_cast<std::ptrdiff_t>(at), run, '\0'); break;
    default: body.replace(at, run, body.substr(below(body.size() - run + 1), run));
  }
}

// Real parts, as Redshift's stand-in writes them, damaged at random on the way: what comes out is
// what is in the bucket, or nothing.
TEST_F(FetchDamageTest, NeverHandsOutOtherBytesThanTheBucketHolds) {
  const std::filesystem::path folder = SLUICE_TEST_DATA "/parquet";
  std::vector<std::string> parts;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    parts.push_back(FileContents(entry.path()));
    ASSERT_GT(parts.back().size(), 100u);
  }
  ASSERT_GE(parts.size(), 5u);
  int refused = 0;
  int repaired = 0;
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937_64 random(seed);
    Put(parts[random() % parts.size()]);
    int damages = 1 + static_cast<int>(random() % 3);
    store_.on_the_way = [&](const std::string&, std::uint64_t, std::string& body) {
      if (damages-- > 0 && !body.empty()) Damage(body, random);
    };
    const auto fetch = MakeFetch(std::array{64u, 1000u, 100'000u}[random() % 3]);
    try {
      ASSERT_EQ(Bring(*fetch), body_);
      repaired += fetch->refetched() > 0 ? 1 : 0;
    } catch (const base::Error& error) {
      ASSERT_EQ(error.code(), ErrorCode::kCorrupt) << error.what();
      ++refused;
    }
  }
  EXPECT_GT(repaired, 50);
  EXPECT_GT(refused, 5);
}

}  // namespace
}  // namespace sluice::staging
