// Configuration, flags and what AWS said -> what src/setup writes its texts from. Pure; any thread.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "config/config.h"
#include "setup/facts.h"

namespace sluice::connection {

// The words behind `sluice setup`. Where one is absent, the configuration decides.
struct SetupFlags {
  std::string part;  // "sql", ...; empty: all
  bool offline = false;
  std::string pattern;                // "A" to "D", or empty
  std::vector<std::string> db_roles;  // pattern C
  std::vector<std::string> owners;
  bool only_streams = false;
  std::string workgroup_id;
  std::string address;
  std::string bucket_account;
};

// What AWS said; empty where it was not asked or gave no answer.
struct SetupAnswers {
  std::string base_arn;    // the caller before any role is assumed
  std::string caller_arn;  // the identity that connects
  std::string workgroup_id;
  std::string namespace_id;
  std::string db_user;
};

struct SetupFacts {
  setup::Facts facts;
  std::vector<std::string> notes;  // what a person should know beside the texts
};

// `region` is the workgroup's, `host` as pasted, `token` the text of the web identity token file,
// of which only the claims iss, aud and sub are read (empty: there is none). Throws kInvalidConfig
// if pattern B, C or D lacks what it needs, naming the flag or field.
SetupFacts MakeSetupFacts(const config::Config& config, const std::string& region,
                          const SetupFlags& flags, const SetupAnswers& answers,
                          const std::string& token);

// "arn:aws:sts::1:assumed-role/NAME/SESSION" -> "arn:aws:iam::1:role/NAME"; others as they are.
std::string PrincipalOf(const std::string& caller_arn);

}  // namespace sluice::connection
