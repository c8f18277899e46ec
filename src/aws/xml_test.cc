// Goal: a reply of AWS is read whole or not at all; nothing sent to us can crash, stall or fill us.
#include "aws/xml.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sluice::aws {
namespace {

constexpr std::string_view kList =
    R"(<?xml version="1.0" encoding="UTF-8"?><ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Name>acme</Name><Contents><Key>a&amp;b</Key><Size>1</Size></Contents><Contents><Key>über</Key><Size>2</Size></Contents></ListBucketResult>)";

TEST(ParseXml, ReadsNestedTextAndRepeatedElements) {
  const auto root = ParseXml(kList);
  ASSERT_TRUE(root);
  EXPECT_EQ(root->name, "ListBucketResult");
  EXPECT_EQ(root->Text("Contents/Key"), "a&b");
  EXPECT_EQ(root->children.size(), 3u);
  EXPECT_EQ(root->children[2].Text("Key"), "über");
  EXPECT_EQ(root->Text("Contents/None"), "");
  EXPECT_EQ(root->Child("None"), nullptr);
}

TEST(ParseXml, RefusesEveryTextCutShort) {
  for (std::size_t i = 0; i < kList.size(); ++i) {
    EXPECT_FALSE(ParseXml(kList.substr(0, i))) << "cut at " << i;
  }
}

TEST(ParseXml, SurvivesEveryByteDamaged) {
  for (std::size_t i = 0; i < kList.size(); ++i) {
    for (const char damage : {'\0', '<', '>', '&', '\xff', '"'}) {
      std::string text(kList);
      text[i] = damage;
      (void)ParseXml(text);
    }
  }
}

TEST(ParseXml, RefusesDocumentTypesAndTheirEntities) {
  EXPECT_FALSE(ParseXml("<!DOCTYPE a [<!ENTITY e 'x'>]><a>&e;</a>"));
  EXPECT_FALSE(ParseXml("<!DOCTYPE a SYSTEM 'file:///etc/passwd'><a/>"));
  EXPECT_FALSE(ParseXml("<a>&undefined;</a>"));
}

TEST(ParseXml, RefusesDepthCountAndSizeBeyondTheBounds) {
  std::string deep;
  for (int i = 0; i < 33; ++i) deep += "<a>";
  for (int i = 0; i < 33; ++i) deep += "</a>";
  EXPECT_FALSE(ParseXml(deep));
  std::string wide = "<a>";
  for (int i = 0; i < 200001; ++i) wide += "<b/>";
  EXPECT_FALSE(ParseXml(wide + "</a>"));
  EXPECT_FALSE(ParseXml("<a>" + std::string(16 << 20, 'x') + "</a>"));
}

TEST(XmlEscape, RoundTripsThroughTheParser) {
  const std::string hard = "a&b<c>d\"e'f\r\n\tü";
  const auto root = ParseXml("<k>" + XmlEscape(hard) + "</k>");
  ASSERT_TRUE(root);
  EXPECT_EQ(root->text, hard);
}

}  // namespace
}  // namespace sluice::aws
