// The questions of `sluice init`, one after the other: which is next, is an answer good, what
// follows from it. Pure: no terminal, no file, no network; any answer takes far below 50 ms.
#pragma once
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/secret.h"
#include "config/references.h"
#include "redshift/endpoint.h"

namespace sluice::init {

// In the order of the set-up guide's form, then the destination.
enum class Field {
  kName,
  kWorkgroup,
  kHost,
  kPort,
  kDatabase,
  kUsername,
  kRegion,  // asked only if the host does not tell it
  kBucket,
  kBucketRegion,
  kAuth,  // "role", "keys", "profile", "default_chain"
  kRoleArn,
  kExternalId,
  kAccessKeyId,
  kSecretStore,  // "environment", "file", "keep"
  kSecret,       // goes to AnswerSecret
  kProfile,
  kDestinationPath,
  kTables,  // "sales.orders sales.lines"; asked only for a new file
};

struct FieldInfo {
  Field field;
  std::string_view flag;   // "--name"
  std::string_view group;  // where it stands in the file
  std::string_view key;
  std::string_view title;
  std::string_view help;     // one line
  std::string_view example;  // may be empty
};
const FieldInfo& InfoOf(Field field);

// Answers as they were given: references (${NAME}) not replaced. No secret is among them.
using Answers = std::map<Field, std::string>;

struct Question {
  const FieldInfo& info;
  std::optional<std::string> preset;  // taken for an empty answer
  bool optional = false;              // an empty answer without a preset is good, too
  bool secret = false;
  std::vector<std::pair<std::string_view, std::string_view>> choices;  // word, meaning; or none
};

// What came of an answer.
struct Reply {
  bool accepted = true;
  std::string text;    // refused: why. Accepted: what should be known, or nothing
  std::string remedy;  // refused: what to write
};

// The answer that leaves an existing destination alone.
inline constexpr std::string_view kDestinationAsItIs = "as it is";

class Dialogue {
 public:
  struct Options {
    Answers presets;  // what an existing file says
    bool existing = false;
    bool has_secret = false;                // the existing file refers to one
    bool has_destination = false;           // the existing file has one that no answer tells
    std::optional<std::string> aws_region;  // of the environment
    config::ReferenceSources references;    // of ${NAME} in answers
    // An answer that was pasted may be an endpoint where a workgroup is asked for; a flag may not.
    bool pasted = true;
  };
  explicit Dialogue(Options options);

  // The next question; nullopt when all are answered.
  std::optional<Question> Next() const;
  // For the question that Next() gives, or for any other if it comes from a flag. Blanks around an
  // answer and line ends of a copied one do not count. Empty: the preset. "-" clears an optional
  // preset.
  Reply Answer(Field field, std::string_view text);
  Reply AnswerSecret(base::Secret secret);
  // What `config validate` says of the answer once it stands in the file: there is one set of
  // rules.
  Reply Verdict(Field field, const std::string& text) const;
  // Leaves a question unanswered, to see which follow.
  void Skip(Field field) { answers_[field] = ""; }

  const Answers& answers() const { return answers_; }
  const base::Secret& secret() const { return secret_; }

 private:
  bool IsAsked(Field field) const;
  std::optional<std::string> Preset(Field field) const;
  Reply AnswerWorkgroup(const std::string& text);
  Reply AnswerHost(const std::string& text);
  Reply AnswerPort(const std::string& text);
  Reply AnswerDestination(const std::string& text);
  Reply Accept(Field field, std::string text, std::string note = {});
  std::string Of(Field field) const;

  const Options options_;
  Answers answers_;
  base::Secret secret_;
  bool secret_given_ = false;
  std::optional<redshift::Endpoint> endpoint_;  // of the host, once it is known
};

}  // namespace sluice::init
