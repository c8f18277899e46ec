// Owner of a file descriptor: closes it when it goes.
#pragma once
#include <unistd.h>

namespace sluice::base {

// Neither copied nor moved. Below 0 it owns nothing.
class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() {
    if (fd_ >= 0) close(fd_);
  }
  int get() const { return fd_; }

 private:
  const int fd_;
};

}  // namespace sluice::base
