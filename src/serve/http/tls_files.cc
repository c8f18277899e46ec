#include "serve/http/tls_files.h"

#include <sys/stat.h>

#include <utility>

#include "base/error.h"

namespace sluice::serve {

TlsFiles::TlsFiles(std::filesystem::path certificate, std::filesystem::path key, base::Logger& log)
    : certificate_(std::move(certificate)),
      key_(std::move(key)),
      log_(log),
      read_(StampNow()),
      context_(ReadTlsFiles(certificate_, key_)) {}

void TlsFiles::Look() {
  const Stamp now = StampNow();
  if (now == read_) return fresh_.reset();
  if (fresh_ != now) {
    fresh_ = now;
    return;
  }
  fresh_.reset();
  read_ = now;
  try {
    context_ = ReadTlsFiles(certificate_, key_);
    log_.Info("new connections get the new certificate", {{"file", certificate_.string()}});
  } catch (const base::Error& error) {
    log_.Warning("the certificate's files changed and cannot be used; the one before is kept",
                 {{"file", error.info().subject},
                  {"problem", error.info().message},
                  {"remedy", error.info().remedy}});
  }
}

// A renewal often changes where a link leads, so it is followed.
TlsFiles::Stamp TlsFiles::StampNow() const {
  Stamp stamp{};
  auto* at = stamp.data();
  for (const auto* file : {&certificate_, &key_}) {
    struct stat status {};
    if (stat(file->c_str(), &status) == 0) {
      at[0] = static_cast<std::int64_t>(status.st_ino);
      at[1] = static_cast<std::int64_t>(status.st_dev);
      at[2] = status.st_size;
      at[3] = status.st_mtim.tv_sec;
      at[4] = status.st_mtim.tv_nsec;
    }
    at += 5;
  }
  return stamp;
}

}  // namespace sluice::serve
