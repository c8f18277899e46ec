// A logger that keeps nothing.
#pragma once
#include "base/log.h"

namespace sluice::test {

class NullLogger final : public base::Logger {
 public:
  void Write(base::LogLevel, std::string_view, std::initializer_list<base::LogField>) override {}
};

}  // namespace sluice::test
