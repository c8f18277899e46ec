// Where an attempt's objects lie: <root><connection>/<run>/<stream>/<attempt>/
// Pure. Only below OwnRoot() do we ever list or delete: others wiped neighbours' files
// (https://github.com/aws/aws-sdk-pandas/issues/914).
#pragma once
#include <cstdint>
#include <string>
#include <string_view>

namespace sluice::staging {

// "sluice/acme/": everything this connection writes. One name, one root: letters, digits, '-' and
// '_' stand as they are, every other byte as "=C3". (Until version 0.1 it was a slug, which two
// names could share: sync/elsewhere.h cleans what lies there.) Throws kInvalidConfig if `root` is
// empty, does not end in '/', or holds a component that begins with '_' or '.' (hidden to
// Redshift's readers) or a character outside [A-Za-z0-9._=-].
std::string OwnRoot(std::string_view root, std::string_view connection);

// "sluice/acme/20260101T000000Z-0123456789abcdef/": what one run writes.
std::string RunPrefix(std::string_view root, std::string_view connection, std::string_view run);

// The run's prefix plus stream and attempt; ends in '/'. The attempt carries 64 random bits:
// without ALLOWOVERWRITE the server refuses a prefix under which anything lies, and tests it as a
// string.
std::string AttemptPrefix(std::string_view run_prefix, std::string_view stream,
                          std::string_view attempt);

// A name as a key component: characters outside [A-Za-z0-9-] become '-', a leading '-' is kept off,
// at most 64 characters; never empty. Not reversible: the ledger knows what it stood for.
std::string Slug(std::string_view name);

// The run's id inside a key below `own_root`, or empty if the key has none.
std::string_view RunOfKey(std::string_view own_root, std::string_view key);

}  // namespace sluice::staging
