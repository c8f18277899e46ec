// Why a write failed, in words for people. Pure; any thread.
#pragma once
#include <string>

namespace sluice::base {

// `number`: an errno. "the disk is full", "its reader closed it"; else as the system says it.
std::string WriteFailure(int number);

}  // namespace sluice::base
