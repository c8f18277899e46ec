#include "serve/http/parser.h"

#include <algorithm>
#include <boost/asio/buffer.hpp>
#include <boost/beast/http/error.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>

#include "base/text.h"

namespace sluice::serve {

namespace beast_http = boost::beast::http;

struct RequestParser::Parts {
  beast_http::request_parser<beast_http::string_body> parser;
  bool told_continue = false;
  int refusal = 0;
};

namespace {

int StatusOf(const boost::system::error_code& error) {
  if (error == beast_http::error::header_limit) return 431;
  if (error == beast_http::error::body_limit) return 413;
  if (error == beast_http::error::bad_version) return 505;
  return 400;
}

// What a target may hold here: a path of this server, visible ASCII. "*", an authority or a whole
// address belong to proxies.
bool IsPath(std::string_view target) {
  return target.starts_with('/') && std::all_of(target.begin(), target.end(), [](char c) {
           return c > ' ' && c < '\x7f' && c != '#' && c != '\\';
         });
}

// The parser takes a body in an encoding that it does not know for none, and what is in it for the
// next request.
bool IsTaken(const beast_http::request<beast_http::string_body>& message) {
  const auto target = message.target();
  if (!IsPath({target.data(), target.size()})) return false;
  const auto encodings = message.count(beast_http::field::transfer_encoding);
  const auto encoding = message[beast_http::field::transfer_encoding];
  return encodings == 0 ||
         (encodings == 1 && base::EqualFolded({encoding.data(), encoding.size()}, "chunked"));
}

}  // namespace

RequestParser::RequestParser(const ParserLimits& limits) : parts_(std::make_unique<Parts>()) {
  parts_->parser.eager(true);
  parts_->parser.header_limit(static_cast<std::uint32_t>(limits.header_bytes_max));
  parts_->parser.body_limit(limits.body_bytes_max);
}
RequestParser::~RequestParser() = default;

RequestParser::Fed RequestParser::Feed(std::string_view bytes) {
  Fed fed;
  if (parts_->refusal != 0) return {.state = State::kRefused};
  while (fed.used < bytes.size() && !parts_->parser.is_done()) {
    boost::system::error_code error;
    const std::string_view rest = bytes.substr(fed.used);
    const std::size_t used =
        parts_->parser.put(boost::asio::buffer(rest.data(), rest.size()), error);
    fed.used += used;
    if (error == beast_http::error::need_more) return fed;
    if (error) {
      parts_->refusal = StatusOf(error);
      fed.state = State::kRefused;
      return fed;
    }
    if (used == 0) break;
  }
  if (parts_->parser.is_header_done() && !IsTaken(parts_->parser.get())) {
    parts_->refusal = 400;
    fed.state = State::kRefused;
  } else if (parts_->parser.is_done()) {
    fed.state = State::kDone;
  }
  return fed;
}

bool RequestParser::HeaderDone() const { return parts_->parser.is_header_done(); }

bool RequestParser::TakeExpectsContinue() {
  if (parts_->told_continue || !HeaderDone() || parts_->parser.is_done()) return false;
  const auto value = parts_->parser.get()[beast_http::field::expect];
  parts_->told_continue = base::EqualFolded({value.data(), value.size()}, "100-continue");
  return parts_->told_continue;
}

int RequestParser::refusal() const { return parts_->refusal; }

Request RequestParser::Take() {
  auto& message = parts_->parser.get();
  Request request;
  request.method = std::string(message.method_string());
  const std::string target(message.target());
  const auto question = target.find('?');
  request.path = target.substr(0, question);
  if (question != std::string::npos) request.query = target.substr(question + 1);
  for (const auto& field : message) {
    request.fields.emplace_back(std::string(field.name_string()), std::string(field.value()));
  }
  request.body = std::move(message.body());
  return request;
}

bool RequestParser::KeepAlive() const { return parts_->parser.get().keep_alive(); }
bool RequestParser::IsHttp11() const { return parts_->parser.get().version() >= 11; }

}  // namespace sluice::serve
