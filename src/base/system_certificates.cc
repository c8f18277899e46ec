#include "base/system_certificates.h"

#include <unistd.h>

#include <algorithm>
#include <array>

namespace sluice::base {
namespace {

// https://go.dev/src/crypto/x509/root_linux.go lists the same places.
constexpr std::array kBundles = {
    "/etc/ssl/certs/ca-certificates.crt",  // Debian, Ubuntu, Arch, Gentoo
    "/etc/pki/tls/certs/ca-bundle.crt",    // Fedora, Red Hat, Amazon Linux
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
    "/etc/ssl/ca-bundle.pem",  // SUSE
    "/etc/ssl/cert.pem",       // Alpine
};

}  // namespace

std::string SystemCertificates(const std::function<bool(const char* path)>& is_there) {
  const auto found = std::find_if(kBundles.begin(), kBundles.end(), is_there);
  return found == kBundles.end() ? kBundles.front() : *found;
}

std::string SystemCertificates() {
  return SystemCertificates([](const char* path) { return access(path, R_OK) == 0; });
}

}  // namespace sluice::base
