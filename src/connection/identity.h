// Whom a configuration's `auth` makes us: a part of connection.cc.
#pragma once
#include <memory>
#include <string>

#include "aws/keys/credentials.h"
#include "aws/keys/unload_keys.h"
#include "base/clock.h"
#include "base/environment.h"
#include "config/config.h"
#include "http/transport.h"

namespace sluice::aws {
class Sts;
}

namespace sluice::connection {

std::string ProfileName(const config::Config& config);  // empty: none is named

// The identity before any role is assumed. What is given must outlive the provider.
std::shared_ptr<aws::CredentialProvider> BaseProvider(const config::Config& config,
                                                      const base::Environment& environment,
                                                      aws::Sts& sts, http::Transport& transport,
                                                      const base::Clock& clock);

// `base`, or the role that it assumes.
std::shared_ptr<aws::CredentialProvider> Provider(const config::Config& config,
                                                  std::shared_ptr<aws::CredentialProvider> base,
                                                  aws::Sts& sts, const base::Clock& clock);

// What keys an UNLOAD may be given.
aws::UnloadKeysOptions UnloadOptionsOf(const config::Config& config);

}  // namespace sluice::connection
