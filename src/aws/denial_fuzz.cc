// Whatever a service, or whoever answers in its place, says of a refusal: no crash, and no word of
// the advice stays unfilled.
#include <cstdint>
#include <cstdlib>
#include <string>

#include "aws/denial.h"
#include "aws/foreign_answer.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  if (const auto denial = sluice::aws::ReadDenial(text)) {
    const auto advice = sluice::aws::AdviseOn(*denial, sluice::aws::Asker::kUs);
    if (advice.reason.empty() || advice.remedy.empty()) std::abort();
  }
  const sluice::http::Response response{
      403, {{"Location", text.substr(0, 200)}, {"Server", text.substr(0, 80)}}, text};
  const std::string what = sluice::aws::WhatAnswered(response);
  const std::string target = sluice::aws::RedirectTarget(response);
  for (const char c : what + target) {
    if (static_cast<unsigned char>(c) < 0x20) std::abort();
  }
  return 0;
}
