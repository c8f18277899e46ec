// What an UNLOAD leaves in a bucket, as far as sync looks at it: parts of 20 bytes, which no
// destination of the tests reads, and the manifest that lists them.
#pragma once
#include <cstdint>
#include <string>

#include "tests/support/fake_object_store.h"

namespace sluice::test {

inline constexpr std::uint64_t kPartBytes = 20;

// REQUIRES: `prefix` ends in '/'; the bucket is "b". No part: UNLOAD writes no manifest then.
inline void AddUnloaded(FakeObjectStore& store, const std::string& prefix, std::uint64_t parts,
                        std::uint64_t rows_each) {
  std::string entries;
  for (std::uint64_t i = 0; i < parts; ++i) {
    const std::string key = prefix + "000" + std::to_string(i) + "_part_00.parquet";
    store.Add(key, std::string(kPartBytes, 'x'));
    entries += (i ? "," : "") + ("{\"url\":\"s3://b/" + key) +
               "\",\"meta\":{\"content_length\":" + std::to_string(kPartBytes) +
               ",\"record_count\":" + std::to_string(rows_each) + "}}";
  }
  if (parts == 0) return;
  store.Add(prefix + "manifest",
            "{\"entries\":[" + entries +
                "],\"meta\":{\"content_length\":" + std::to_string(parts * kPartBytes) +
                ",\"record_count\":" + std::to_string(parts * rows_each) + "}}");
}

// The prefix that an UNLOAD to bucket "b" names.
inline std::string PrefixOf(std::string_view unload) {
  const auto at = unload.find("s3://b/") + 7;
  return std::string(unload.substr(at, unload.find('\'', at) - at));
}

}  // namespace sluice::test
