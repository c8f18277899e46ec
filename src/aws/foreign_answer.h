// Whether it was AWS that answered: proxies, log-in pages of networks and other servers answer in
// AWS's stead, and their words must not be taken for a region, a right or a key. Pure; any thread.
#pragma once
#include <string>
#include <string_view>

#include "aws/errors.h"
#include "http/transport.h"

namespace sluice::aws {

// "a web page (HTML) of squid/5.7", "nothing", "another service's XML (<ListAllMyBucketsResult>)":
// of the body no more than the name of its first element, of the headers the server's name.
std::string WhatAnswered(const http::Response& response);

// True of an error status that is none of the service's: no code, no request id, and a body of
// another kind than the service's, or a redirect.
bool IsForeign(Service service, const http::Response& response, bool has_code);

// True of a 2xx reply that another server gave, apart from one of AWS's that was cut on the way.
bool IsForeignReply(Service service, const http::Response& response);

// "http://portal.example": where a redirect leads, without path and query, which may hold tokens;
// empty if it says nothing readable.
std::string RedirectTarget(const http::Response& response);

}  // namespace sluice::aws
