// Where this Linux keeps the authorities that it trusts.
#pragma once
#include <functional>
#include <string>

namespace sluice::base {

// The PEM file of Debian, Red Hat, SUSE or Alpine, whichever is there; Debian's if none is, so that
// an error names a file. Libraries know one of these places alone, that of the Linux that they were
// built on. Any thread.
std::string SystemCertificates();
std::string SystemCertificates(const std::function<bool(const char* path)>& is_there);

}  // namespace sluice::base
