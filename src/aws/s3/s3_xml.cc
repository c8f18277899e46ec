#include "aws/s3/s3_xml.h"

#include "aws/time_text.h"
#include "aws/xml.h"
#include "base/text.h"

namespace sluice::aws {
namespace {

std::optional<int> HexDigit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return std::nullopt;
}

// As in a form: S3 writes a blank as '+' (and a '+' as %2B).
std::string UrlDecode(std::string_view text) {
  std::string decoded;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%' && i + 2 < text.size()) {
      const auto high = HexDigit(text[i + 1]);
      const auto low = HexDigit(text[i + 2]);
      if (high && low) {
        decoded += static_cast<char>(*high * 16 + *low);
        i += 2;
        continue;
      }
    }
    decoded += text[i] == '+' ? ' ' : text[i];
  }
  return decoded;
}

// Decodes names as the whole document says they are encoded.
class Names {
 public:
  explicit Names(const XmlNode& root) : url_(root.Text("EncodingType") == "url") {}
  std::string operator()(std::string_view text) const {
    return url_ ? UrlDecode(text) : std::string(text);
  }

 private:
  const bool url_;
};

std::optional<ObjectInfo> ReadObject(const XmlNode& node, const Names& names) {
  const auto bytes = base::ParseNumber<std::uint64_t>(node.Text("Size"));
  const auto modified = ParseIsoTime(node.Text("LastModified"));
  if (node.Text("Key").empty() || !bytes || !modified) return std::nullopt;
  return ObjectInfo{names(node.Text("Key")), *bytes, std::string(node.Text("ETag")), *modified};
}

}  // namespace

std::optional<ObjectPage> ReadObjectPage(std::string_view text) {
  const auto root = ParseXml(text);
  if (!root || root->name != "ListBucketResult") return std::nullopt;
  const Names names(*root);
  ObjectPage page;
  for (const XmlNode& node : root->children) {
    if (node.name != "Contents") continue;
    auto object = ReadObject(node, names);
    if (!object) return std::nullopt;
    page.objects.push_back(std::move(*object));
  }
  if (root->Text("IsTruncated") == "true") {
    page.next = root->Text("NextContinuationToken");
    // Going on without a token would list the first page for ever.
    if (page.next.empty()) return std::nullopt;
  }
  return page;
}

std::optional<UploadPage> ReadUploadPage(std::string_view text) {
  const auto root = ParseXml(text);
  if (!root || root->name != "ListMultipartUploadsResult") return std::nullopt;
  const Names names(*root);
  UploadPage page;
  for (const XmlNode& node : root->children) {
    if (node.name != "Upload") continue;
    if (node.Text("Key").empty() || node.Text("UploadId").empty()) return std::nullopt;
    page.uploads.push_back({names(node.Text("Key")), std::string(node.Text("UploadId"))});
  }
  page.truncated = root->Text("IsTruncated") == "true";
  page.next_key = names(root->Text("NextKeyMarker"));
  page.next_upload_id = root->Text("NextUploadIdMarker");
  if (page.truncated && page.next_key.empty()) return std::nullopt;
  return page;
}

std::string DeleteBody(std::span<const std::string> keys) {
  std::string body =
      R"(<Delete xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Quiet>true</Quiet>)";
  for (const std::string& key : keys) {
    body += "<Object><Key>" + XmlEscape(key) + "</Key></Object>";
  }
  return body + "</Delete>";
}

std::optional<std::vector<DeleteFailure>> ReadDeleteResult(std::string_view text) {
  const auto root = ParseXml(text);
  if (!root || root->name != "DeleteResult") return std::nullopt;
  std::vector<DeleteFailure> failures;
  for (const XmlNode& node : root->children) {
    if (node.name != "Error") continue;
    failures.push_back({std::string(node.Text("Key")), std::string(node.Text("Code")),
                        std::string(node.Text("Message"))});
  }
  return failures;
}

}  // namespace sluice::aws
