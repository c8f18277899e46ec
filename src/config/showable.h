// May a value stand in a message? People put secrets into wrong fields: two keys swapped, an
// address with its password, a token where a name belongs. So a value is shown only if its field
// and its form both say that it can hold none; the place in the file tells the rest. Pure; any
// thread.
#pragma once
#include <string_view>

namespace sluice::config {

// What a field's value looks like when it is worth showing. All else stays unseen.
enum class Form {
  kNever,
  kNumber,    // "70000"
  kDuration,  // "10 min"
  kRegion,    // "us_east_1"
  kWords,     // "Acme Corp!"
  kTable,     // "dev.sales.orders"
};

// Has `value` that form, and nothing in it that a secret may have?
bool IsShowable(std::string_view value, Form form);

// A word that people make up as the name of a field: "prot", "roleArn", "Workgroup name",
// "aws:team".
bool IsShowableKey(std::string_view key);

// Key material beyond doubt: an AWS key ID, the 40 signs of a secret access key, a JSON web token,
// a PEM block. No name, ARN or path of a configuration looks like that.
bool HoldsKeyMaterial(std::string_view value);

// All that: `user:password@`, the words that announce a secret, a long text without sense too.
bool MayHoldSecret(std::string_view value);

}  // namespace sluice::config
