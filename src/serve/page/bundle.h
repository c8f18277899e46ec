// The files of the built page, as web/embed.mjs writes them into a source of their own.
#pragma once
#include <span>

#include "serve/page/page.h"

namespace sluice::serve {

std::span<const PageFile> Bundle();

}  // namespace sluice::serve
