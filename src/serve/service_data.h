// The service's data as a command opens it beside a service that may run. For files.cc.
#pragma once
#include <memory>
#include <string_view>

#include "serve/compose/rules.h"
#include "serve/service.h"
#include "serve/store/data_folder.h"
#include "serve/store/store.h"

namespace sluice::serve {

struct ServiceData {
  DataFolder data;
  OperatorRules rules;
  std::unique_ptr<Store> store;
};
// Throws kNotFound if there is none; what LoadKeyring and Store::Open throw.
ServiceData OpenData(const ServiceOptions& options, const base::Environment& environment,
                     const base::Clock& clock, std::string_view operation);

}  // namespace sluice::serve
