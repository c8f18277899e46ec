// Bytes of one HTTP/1 request -> Request, by Boost.Beast's parser behind a door of our own: its
// headers take seconds to compile. Not thread-safe.
#pragma once
#include <cstddef>
#include <memory>
#include <string_view>

#include "serve/http/message.h"

namespace sluice::serve {

struct ParserLimits {
  std::size_t header_bytes_max = 16U << 10U;
  std::size_t body_bytes_max = 1U << 20U;
};

class RequestParser {
 public:
  enum class State {
    kMore,     // give what is left, and more behind it
    kDone,     // Take()
    kRefused,  // answer with refusal() and close: where the next request would begin is not known
  };
  struct Fed {
    State state = State::kMore;
    std::size_t used = 0;  // of the bytes that were given; the rest must be given again
  };

  explicit RequestParser(const ParserLimits& limits);
  ~RequestParser();
  RequestParser(const RequestParser&) = delete;
  RequestParser& operator=(const RequestParser&) = delete;

  Fed Feed(std::string_view bytes);
  // The header is whole: what is missing is the body's.
  bool HeaderDone() const;
  // The client waits for "100 Continue" before it sends the body. True once.
  bool TakeExpectsContinue();
  // The status that says what is wrong: 400, 413, 414, 431, 501, 505.
  int refusal() const;
  // REQUIRES: kDone, once. Without address and tls.
  Request Take();
  // REQUIRES: kDone. The connection may serve another request.
  bool KeepAlive() const;
  // The answer may be in chunks.
  bool IsHttp11() const;

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

}  // namespace sluice::serve
