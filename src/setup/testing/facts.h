// What the tests of this room begin with: everything known, pattern A by role.
#pragma once
#include "setup/facts.h"

namespace sluice::setup {

inline Facts KnownFacts() {
  Facts facts;
  facts.connection = "acme";
  facts.account = "123456789012";
  facts.region = "us-east-1";
  facts.workgroup = "analytics";
  facts.workgroup_id = "11112222-3333-4444-5555-666677778888";
  facts.namespace_id = "99992222-3333-4444-5555-666677778888";
  facts.identity_arn = "arn:aws:iam::123456789012:role/teams/sluice-reader";
  facts.principal_arn = "arn:aws:iam::210987654321:user/sluice-base";
  facts.external_id = "acme-42";
  facts.db_user = "IAMR:sluice-reader";
  facts.database = "dev";
  facts.schemas = {{.name = "sales", .tables = {"orders", "or\"ders"}}};
  facts.bucket = "acme-sluice-staging";
  facts.bucket_region = "us-east-1";
  facts.root = "sluice/";
  facts.our_address = "203.0.113.7";
  facts.security_group = "sg-0123456789abcdef0";
  return facts;
}

}  // namespace sluice::setup
