// A certificate and its key in files: read at the start, and again when they change, as
// certificates are renewed every few weeks and a service should not be restarted for that.
#pragma once
#include <array>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>

#include "base/log.h"

namespace sluice::serve {

// What sockets by TLS are made of (socket.h).
class TlsContext;

// Throws base::Error kInvalidConfig (of `serve --tls-cert`) if the files are no certificate chain
// and its key, kNotFound or kPermission if they cannot be read.
std::shared_ptr<TlsContext> ReadTlsFiles(const std::filesystem::path& certificate,
                                         const std::filesystem::path& key);

// Of one thread. REQUIRES: the log outlives it.
class TlsFiles {
 public:
  // Throws what ReadTlsFiles throws.
  TlsFiles(std::filesystem::path certificate, std::filesystem::path key, base::Logger& log);

  // For new connections; those that are there keep theirs.
  const std::shared_ptr<TlsContext>& context() const { return context_; }
  // Reads the files if they changed, and stay as they are since the last look: one of the two is
  // always written first. What is wrong with them is logged once, and what was read before stays.
  void Look();

 private:
  // What tells two contents of a file apart without reading it, of both files.
  using Stamp = std::array<std::int64_t, 10>;
  Stamp StampNow() const;

  const std::filesystem::path certificate_;
  const std::filesystem::path key_;
  base::Logger& log_;
  Stamp read_;                  // of what was read last
  std::optional<Stamp> fresh_;  // of what the last look found, and has not read
  std::shared_ptr<TlsContext> context_;
};

}  // namespace sluice::serve
