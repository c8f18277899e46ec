// JSON of AWS, of containers and of credential_process: any bytes are a document, keys, or an
// error whose code its header names.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "aws/json_text.h"
#include "aws/keys/credential_process.h"
#include "aws/keys/keys_json.h"
#include "base/error.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace sluice;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (const auto json = aws::JsonText::Parse(text)) {
    json->String("workgroup/endpoint/address");
    json->Number("expiration");
    json->Bool("workgroup/publiclyAccessible");
    json->Strings("namespace/iamRoles");
  }
  try {
    aws::ReadKeysJson(text, "Token", "a test", {});
  } catch (const base::Error&) {
  }
  if (const auto words = aws::SplitCommand(text); words && words->empty()) abort();
  return 0;
}
