#include "aws/sigv4.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/sha.h>

#include <algorithm>
#include <cstdlib>
#include <map>

#include "aws/time_text.h"
#include "base/text.h"

namespace sluice::aws {
namespace {

using Digest = std::array<unsigned char, 32>;

bool IsUnreserved(char c) {
  return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' ||
         c == '.' || c == '_' || c == '~';
}

std::string Encode(std::string_view text, bool keep_slash) {
  static constexpr std::string_view kHex = "0123456789ABCDEF";
  std::string encoded;
  encoded.reserve(text.size() + 16);
  for (const char c : text) {
    if (IsUnreserved(c) || (keep_slash && c == '/')) {
      encoded += c;
      continue;
    }
    const auto byte = static_cast<unsigned char>(c);
    encoded += '%';
    encoded += kHex[byte >> 4];
    encoded += kHex[byte & 15];
  }
  return encoded;
}

std::string Hex(const unsigned char* bytes, std::size_t size) {
  static constexpr std::string_view kHex = "0123456789abcdef";
  std::string hex;
  hex.reserve(2 * size);
  for (std::size_t i = 0; i < size; ++i) {
    hex += kHex[bytes[i] >> 4];
    hex += kHex[bytes[i] & 15];
  }
  return hex;
}

Digest Hmac(const unsigned char* key, std::size_t key_size, std::string_view text) {
  Digest digest;
  unsigned size = 0;
  // Fails only if SHA-256 is not in the library at all; a wrong signature must not leave then.
  if (HMAC(EVP_sha256(), key, static_cast<int>(key_size),
           reinterpret_cast<const unsigned char*>(text.data()), text.size(), digest.data(),
           &size) == nullptr ||
      size != digest.size()) {
    std::abort();
  }
  return digest;
}

Digest Hmac(const Digest& key, std::string_view text) { return Hmac(key.data(), key.size(), text); }

// Outer blanks removed, inner runs of blanks made one.
std::string TrimHeader(std::string_view value) {
  std::string trimmed;
  for (const char c : value) {
    if (c == ' ' && (trimmed.empty() || trimmed.back() == ' ')) continue;
    trimmed += c;
  }
  if (trimmed.ends_with(' ')) trimmed.pop_back();
  return trimmed;
}

std::string RemoveDotSegments(std::string_view path) {
  std::vector<std::string_view> kept;
  for (std::size_t at = 0; at <= path.size();) {
    const std::size_t end = std::min(path.find('/', at), path.size());
    const std::string_view segment = path.substr(at, end - at);
    if (segment == "..") {
      if (!kept.empty()) kept.pop_back();
    } else if (!segment.empty() && segment != ".") {
      kept.push_back(segment);
    }
    at = end + 1;
  }
  std::string normal;
  for (const std::string_view segment : kept) normal.append("/").append(segment);
  if (normal.empty() || path.ends_with('/')) normal += '/';
  return normal;
}

std::string CanonicalPath(std::string_view path, bool s3) {
  if (s3) return UriEncodePath(path);
  return UriEncodePath(RemoveDotSegments(UriEncodePath(path)));
}

// Lower-case names in order, values of one name joined.
std::map<std::string, std::string> CanonicalHeaders(const std::vector<http::Header>& headers) {
  std::map<std::string, std::string> canonical;
  for (const http::Header& header : headers) {
    const auto [it, fresh] =
        canonical.try_emplace(base::Lower(header.name), TrimHeader(header.value));
    if (!fresh) it->second += "," + TrimHeader(header.value);
  }
  return canonical;
}

std::string SignedNames(const std::map<std::string, std::string>& canonical) {
  std::string names;
  for (const auto& [name, value] : canonical) names += (names.empty() ? "" : ";") + name;
  return names;
}

}  // namespace

std::string UriEncode(std::string_view text) { return Encode(text, false); }
std::string UriEncodePath(std::string_view path) { return Encode(path, true); }

std::string EncodeQuery(const QueryParameters& query) {
  QueryParameters encoded;
  for (const auto& [name, value] : query) encoded.emplace_back(UriEncode(name), UriEncode(value));
  std::sort(encoded.begin(), encoded.end());
  std::string text;
  for (const auto& [name, value] : encoded) {
    text += (text.empty() ? "" : "&") + name + "=" + value;
  }
  return text;
}

std::string Sha256Hex(std::string_view text) {
  Digest digest;
  SHA256(reinterpret_cast<const unsigned char*>(text.data()), text.size(), digest.data());
  return Hex(digest.data(), digest.size());
}

std::string Md5Base64(std::string_view text) {
  std::array<unsigned char, 16> digest;
  unsigned size = 0;
  if (EVP_Digest(text.data(), text.size(), digest.data(), &size, EVP_md5(), nullptr) != 1) {
    throw base::Error({.code = base::ErrorCode::kUnsupported,
                       .operation = "compute Content-MD5",
                       .message = "this machine's OpenSSL does not offer MD5",
                       .remedy =
                           "Run Sluice where OpenSSL's default provider is active; a FIPS-only "
                           "configuration leaves MD5 out, which S3 asks for on multi-delete."});
  }
  std::array<unsigned char, 25> base64;
  EVP_EncodeBlock(base64.data(), digest.data(), static_cast<int>(digest.size()));
  return reinterpret_cast<const char*>(base64.data());
}

Signer::~Signer() { OPENSSL_cleanse(cached_key_.data(), cached_key_.size()); }

std::vector<http::Header> Signer::SignedHeaders(const SigningRequest& request,
                                                const SessionKeys& keys, base::UtcTime now) const {
  std::vector<http::Header> headers = {{"X-Amz-Date", FormatAmzDate(now)}};
  if (!keys.session_token.empty()) {
    headers.push_back({"X-Amz-Security-Token", keys.session_token.Reveal()});
  }
  if (scope_.service == "s3") headers.push_back({"X-Amz-Content-Sha256", request.payload_hash});
  return headers;
}

std::string Signer::Canonical(const SigningRequest& request,
                              const std::vector<http::Header>& headers) const {
  const auto canonical = CanonicalHeaders(headers);
  std::string text = request.method + "\n" + CanonicalPath(request.path, scope_.service == "s3") +
                     "\n" + EncodeQuery(request.query) + "\n";
  for (const auto& [name, value] : canonical) text += name + ":" + value + "\n";
  return text + "\n" + SignedNames(canonical) + "\n" + request.payload_hash;
}

std::string Signer::CanonicalRequest(const SigningRequest& request, const SessionKeys& keys,
                                     base::UtcTime now) const {
  std::vector<http::Header> headers = SignedHeaders(request, keys, now);
  headers.push_back({"Host", request.host});
  headers.insert(headers.end(), request.headers.begin(), request.headers.end());
  return Canonical(request, headers);
}

std::vector<http::Header> Signer::Sign(const SigningRequest& request, const SessionKeys& keys,
                                       base::UtcTime now) const {
  std::vector<http::Header> added = SignedHeaders(request, keys, now);
  std::vector<http::Header> all = added;
  all.push_back({"Host", request.host});
  all.insert(all.end(), request.headers.begin(), request.headers.end());

  const std::string& time = added.front().value;
  const std::string date = time.substr(0, 8);
  const std::string scope = date + "/" + scope_.region + "/" + scope_.service + "/aws4_request";
  const std::string to_sign =
      "AWS4-HMAC-SHA256\n" + time + "\n" + scope + "\n" + Sha256Hex(Canonical(request, all));
  Key key = DerivedKey(keys.secret_access_key, date);
  const Digest signature = Hmac(key, to_sign);
  OPENSSL_cleanse(key.data(), key.size());

  added.push_back({"Authorization", "AWS4-HMAC-SHA256 Credential=" + keys.access_key_id + "/" +
                                        scope +
                                        ", SignedHeaders=" + SignedNames(CanonicalHeaders(all)) +
                                        ", Signature=" + Hex(signature.data(), signature.size())});
  return added;
}

Signer::Key Signer::DerivedKey(const base::Secret& secret, const std::string& date) const {
  const std::lock_guard lock(mu_);
  if (date == cached_date_ && secret == cached_secret_) return cached_key_;
  const base::Secret first("AWS4" + secret.Reveal());
  const auto* bytes = reinterpret_cast<const unsigned char*>(first.Reveal().data());
  const Digest of_day = Hmac(bytes, first.Reveal().size(), date);
  const Digest of_region = Hmac(of_day, scope_.region);
  const Digest of_service = Hmac(of_region, scope_.service);
  cached_key_ = Hmac(of_service, "aws4_request");
  cached_date_ = date;
  cached_secret_ = secret;
  return cached_key_;
}

}  // namespace sluice::aws
