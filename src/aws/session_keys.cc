#include "aws/session_keys.h"

namespace sluice::aws {

std::string MaskKeyId(std::string_view access_key_id) {
  if (access_key_id.size() < 12) return "...";
  return std::string(access_key_id.substr(0, 4)) + "..." +
         std::string(access_key_id.substr(access_key_id.size() - 4));
}

}  // namespace sluice::aws
