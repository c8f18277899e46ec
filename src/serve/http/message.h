// What an HTTP request asks and what is answered, without HTTP's bytes. Values.
#pragma once
#include <functional>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sluice::serve {

using HttpFields = std::vector<std::pair<std::string, std::string>>;

struct Request {
  std::string method;  // "GET"
  std::string path;    // of the target, still with its %xx; begins with '/'
  std::string query;   // behind '?', still with its %xx
  HttpFields fields;   // in their order, names as they came
  std::string body;
  std::string address;  // of whoever asks: "127.0.0.1"
  bool tls = false;

  // The first one of this name, in whatever case; nullopt if there is none.
  std::optional<std::string_view> Field(std::string_view name) const;
};

struct Response {
  int status = 200;
  HttpFields fields;  // Content-Length, Date and Connection are added
  std::string body;
};

// One piece of a stream that is asked for now and then.
struct Piece {
  std::string text;
  bool over = false;
};

// Takes what a stream tells. Of one thread at a time.
class Writer {
 public:
  virtual ~Writer() = default;
  // Waits while the reader is far behind. False: it is gone, and nothing more is of use.
  virtual bool Write(std::string_view text) = 0;
};

// What becomes of a request: `response`, if none of the functions is set.
struct Reply {
  Response response;
  // Asked four times a second and after each piece that was not empty, on a thread that others wait
  // for: never blocks. `response` is the head; its body is not sent.
  std::function<Piece()> poll = nullptr;
  // Takes long, on a thread of its own; `stop` fires when nobody waits for it any more. With
  // `streams`, `response` is the head and what it writes is the body, else what it returns is
  // answered. Throws nothing.
  std::function<Response(Writer& writer, std::stop_token stop)> work = nullptr;
  bool streams = false;
};

// Throws nothing: what goes wrong is a Response, too.
using Handler = std::function<Reply(const Request& request)>;

}  // namespace sluice::serve
