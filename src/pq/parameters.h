// Connection parameters that are all ours: nothing of the environment, of service or password
// files, or of ~/.postgresql slips in. libpq reads those silently for every keyword that is not
// set, and treats an empty value in its arrays as not set.
// https://www.postgresql.org/docs/15/libpq-connect.html#LIBPQ-CONNECT-PQCONNECTDBPARAMS
#pragma once
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/secret.h"

namespace sluice::pq {

struct Parameters {
  // Keyword -> value, without the password. An empty value means "empty", not "the default".
  std::map<std::string, std::string> values;
  base::Secret password;
};

// What PQconnectStartParams takes, with expand_dbname = 1. Wiped when it dies.
class ParameterArrays {
 public:
  explicit ParameterArrays(const Parameters& parameters);
  const char* const* keywords() const { return keyword_pointers_.data(); }
  const char* const* values() const { return value_pointers_.data(); }

 private:
  void Add(std::string keyword, std::string value);
  std::vector<std::string> keywords_;
  std::vector<base::Secret> values_;
  std::vector<const char*> keyword_pointers_;
  std::vector<const char*> value_pointers_;
};

// Variables that libpq obeys although no keyword can override them (PGDATESTYLE, PGTZ and PGGEQO
// become start-up parameters, PGSERVICE must name a service that exists). nullopt if none is set.
std::optional<std::string> DisturbingVariable();

}  // namespace sluice::pq
