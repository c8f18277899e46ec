#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <set>
#include <utility>

#include "serve/base/resource_fields.h"
#include "serve/base/resources.h"
#include "serve/base/text_rules.h"
#include "serve/base/webhook_secret.h"

namespace sluice::serve {
namespace {

constexpr std::size_t kNameMax = 200;
constexpr std::size_t kTextMax = 10'000;
constexpr std::size_t kTextsMax = 200;
constexpr std::size_t kStreamsMax = 5'000;

// In an answer, and of no meaning in what is sent.
constexpr std::string_view kReadOnly[] = {"id",         "tenant",    "version", "created_at",
                                          "updated_at", "last_test", "status"};

class Reader {
 public:
  Reader(Kind kind, const Json& body, const Resource* saved) : body_(body), saved_(saved) {
    out_.kind = kind;
    if (saved == nullptr) return;
    out_.id = saved->id;
    out_.tenant = saved->tenant;
    out_.version = saved->version;
    out_.created_at = saved->created_at;
    out_.updated_at = saved->updated_at;
    out_.last_test = saved->last_test;
  }

  Resource Read() {
    if (!body_.is_object()) {
      throw Refused(KindName(out_.kind), {{"", "is no JSON object", "Send an object of fields."}});
    }
    ReadName();
    out_.fields = ReadGroup(body_, FieldsOf(out_.kind), "");
    if (out_.kind == Kind::kAlert) HideSlackAddress();
    if (out_.kind == Kind::kPipeline) TakeSalts();
    DropPresets();
    KeepSecrets();
    if (out_.kind == Kind::kAlert) MakeSecret();
    if (!problems_.empty()) throw Refused(KindName(out_.kind), std::move(problems_));
    return std::move(out_);
  }

 private:
  void Add(std::string field, std::string problem, std::string remedy) {
    problems_.push_back({std::move(field), std::move(problem), std::move(remedy)});
  }

  void ReadName() {
    const auto name = body_.find("name");
    if (name == body_.end() || name->is_null()) {
      return Add("name", "is missing", "Give it a name by which people know it.");
    }
    if (!name->is_string()) return Add("name", "is not a text", "Write it in quotes.");
    out_.name = name->get<std::string>();
    if (out_.name.size() > kNameMax) {
      Add("name", fmt::format("is longer than {} bytes", kNameMax), "Choose a shorter one.");
    } else if (!IsOneLine(out_.name) || IsBlank(out_.name)) {
      Add("name", "is empty, or holds line ends or other control characters",
          "Choose one of letters, digits and signs.");
    }
  }

  Json ReadGroup(const Json& from, std::span<const FieldForm> forms, const std::string& path) {
    Json group = Json::object();
    for (const auto& [key, value] : from.items()) {
      const std::string field = path + ShownName(key);
      const FieldForm* form = FormOf(forms, key);
      if (form != nullptr) {
        ReadField(*form, value, field, group);
      } else if (!path.empty() || !IsReadOnly(key)) {
        Add(field, "is no field of this",
            fmt::format("These are: {}{}.", path.empty() ? "name, " : "", NamesOf(forms)));
      }
    }
    return group;
  }

  static const FieldForm* FormOf(std::span<const FieldForm> forms, const std::string& key) {
    for (const FieldForm& form : forms) {
      if (form.name == key) return &form;
    }
    return nullptr;
  }

  static bool IsReadOnly(const std::string& key) {
    return key == "name" || key.ends_with("_set") ||
           std::find(std::begin(kReadOnly), std::end(kReadOnly), key) != std::end(kReadOnly);
  }

  static std::string NamesOf(std::span<const FieldForm> forms) {
    std::string names;
    for (const FieldForm& form : forms) {
      names += fmt::format("{}{}", names.empty() ? "" : ", ", form.name);
    }
    return names;
  }

  void ReadField(const FieldForm& form, const Json& value, const std::string& field, Json& group) {
    if (form.form == Form::kSecret) return ReadSecret(value, field);
    if (value.is_null()) return;
    switch (form.form) {
      case Form::kText: return ReadText(form, value, field, group);
      case Form::kInteger:
        if (!value.is_number_integer())
          return Add(field, "is not a whole number", "Write 1, 2, ...");
        break;
      case Form::kBool:
        if (!value.is_boolean()) return Add(field, "is not a truth value", "Write true or false.");
        break;
      case Form::kTexts:
        if (!AreTexts(value)) return Add(field, "is not a list of texts", "Write [\"...\"].");
        break;
      case Form::kTextMap:
        if (!value.is_object() || !AreTexts(value)) {
          return Add(field, "is not an object of texts", "Write {\"name\": \"text\"}.");
        }
        break;
      case Form::kObject:
        if (!value.is_object()) return Add(field, "is not an object", "Write {...}.");
        return PutUnlessEmpty(form, value, group);
      case Form::kObjects:
        if (!AreObjects(value, field)) return;
        break;
      case Form::kGroup:
        if (!value.is_object()) return Add(field, "is not an object", "Write {...}.");
        PutUnlessEmpty(form, ReadGroup(value, form.group, field + "."), group);
        return;
      case Form::kSecret: return;
    }
    group[std::string(form.name)] = value;
  }

  // An answer shows what is not set as {}: sent back, that changes nothing. A schedule that tells
  // no time is told.
  static void PutUnlessEmpty(const FieldForm& form, Json value, Json& group) {
    if (value.empty() && form.name != "schedule") return;
    group[std::string(form.name)] = std::move(value);
  }

  void ReadText(const FieldForm& form, const Json& value, const std::string& field, Json& group) {
    if (!value.is_string()) return Add(field, "is not a text", "Write it in quotes.");
    const auto& text = value.get_ref<const std::string&>();
    if (text.empty()) return;
    if (text.size() > kTextMax) {
      return Add(field, fmt::format("is longer than {} bytes", kTextMax), "Write a shorter one.");
    }
    group[std::string(form.name)] = text;
  }

  bool AreTexts(const Json& value) const {
    if (!value.is_structured() || value.size() > kTextsMax) return false;
    return std::all_of(value.begin(), value.end(), [](const Json& one) {
      return one.is_string() && one.get_ref<const std::string&>().size() <= kTextMax;
    });
  }

  bool AreObjects(const Json& value, const std::string& field) {
    if (!value.is_array() || value.size() > kStreamsMax) {
      Add(field, fmt::format("is not a list of up to {} entries", kStreamsMax), "Write [{...}].");
      return false;
    }
    for (std::size_t i = 0; i < value.size(); ++i) {
      if (value[i].is_object()) continue;
      Add(fmt::format("{}[{}]", field, i), "is not an object",
          "Write {\"table\": \"schema.table\"}.");
      return false;
    }
    return true;
  }

  void ReadSecret(const Json& value, const std::string& field) {
    if (value.is_null()) {
      removed_.push_back(field);
    } else if (!value.is_string() || value.get_ref<const std::string&>().size() > kTextMax) {
      Add(field, "is not a text, or too long", "Check how it was copied; it is not shown here.");
    } else if (value.get_ref<const std::string&>().empty()) {
      // As a form sends what nobody typed.
    } else {
      out_.secrets.insert_or_assign(field, base::Secret(value.get<std::string>()));
    }
  }

  // Who has it may post there.
  void HideSlackAddress() {
    const auto url = out_.fields.find("url");
    if (url == out_.fields.end() || FieldText(out_, "kind") != "slack") return;
    // What an answer shows of it, sent back as it came.
    const base::Secret* old = saved_ == nullptr ? nullptr : FindSecret(*saved_, "url");
    const bool same = old != nullptr && *url == ShownAddress(old->Reveal());
    if (!same) out_.secrets.insert_or_assign("url", base::Secret(url->get<std::string>()));
    out_.fields.erase("url");
  }

  // What an answer shows although nobody set it.
  void DropPresets() {
    if (!out_.id.empty() && FieldText(out_, "connection") == out_.id) {
      out_.fields.erase("connection");
    }
    if (out_.kind == Kind::kAlert && FieldAt(out_.fields, "paused") == Json(false)) {
      out_.fields.erase("paused");
    }
  }

  void MakeSecret() {
    if (FieldText(out_, "kind") != "webhook" || out_.secrets.contains("secret")) return;
    out_.secrets.emplace("secret", NewWebhookSecret());
  }

  void TakeSalts() {
    if (const auto defaults = out_.fields.find("defaults"); defaults != out_.fields.end()) {
      TakeSalt(*defaults, "defaults", "defaults");
    }
    const auto streams = out_.fields.find("streams");
    if (streams == out_.fields.end()) return;
    std::size_t number = 0;
    for (Json& stream : *streams) {
      TakeSalt(stream, "streams." + StreamKey(stream), fmt::format("streams[{}]", number++));
    }
  }

  void TakeSalt(Json& owner, const std::string& path, const std::string& shown) {
    const auto hash = owner.find("hash");
    if (hash == owner.end() || !hash->is_object()) return;
    const std::string secret = path + ".hash.salt";
    const auto salt = hash->find("salt");
    if (!salts_.insert(secret).second) {
      return Add(shown, "has the name of another stream", "Give each its own name: name.");
    }
    if (salt == hash->end()) return;
    if (salt->is_string()) {
      if (!salt->get_ref<const std::string&>().empty()) {
        out_.secrets.insert_or_assign(secret, base::Secret(salt->get<std::string>()));
      }
    } else if (!salt->is_null()) {
      Add(shown + ".hash.salt", "is not a text", "Write it in quotes.");
    }
    hash->erase("salt");
  }

  // Whether a kept secret still means something: keys need their id, a password its type.
  bool Belongs(std::string_view secret) {
    if (out_.kind == Kind::kPipeline) return salts_.contains(secret);
    if (secret == "secret_access_key" || secret == "session_token") {
      return out_.fields.contains("access_key_id");
    }
    if (secret == "password") return FieldText(out_, "type") == "postgres";
    if (secret == "smtp_password") return FieldText(out_, "kind") == "email";
    if (secret == "secret") return FieldText(out_, "kind") == "webhook";
    return FieldText(out_, "kind") == "slack";
  }

  void KeepSecrets() {
    if (saved_ == nullptr) return;
    const bool new_keys = out_.secrets.contains("secret_access_key");
    for (const auto& [path, value] : saved_->secrets) {
      const bool removed = std::find(removed_.begin(), removed_.end(), path) != removed_.end();
      if (removed || out_.secrets.contains(path) || !Belongs(path)) continue;
      if (path == "session_token" && new_keys) continue;  // the two come together
      if (const std::string changed = ChangedGuard(path); !changed.empty()) {
        Add(path, fmt::format("is not kept, as {} changed", changed),
            "Send it again: what is saved may go only where it was meant for.");
        continue;
      }
      out_.secrets.emplace(path, value);
    }
  }

  std::string ChangedGuard(std::string_view secret) const {
    for (const Guard& guard : GuardsOf(out_.kind)) {
      if (guard.secret != secret) continue;
      for (const std::string_view field : guard.fields) {
        if (FieldAt(out_.fields, field) != FieldAt(saved_->fields, field))
          return std::string(field);
      }
    }
    return {};
  }

  const Json& body_;
  const Resource* saved_;
  Resource out_;
  std::vector<std::string> removed_;
  std::set<std::string, std::less<>> salts_;  // of every `hash` that is there
  std::vector<FieldProblem> problems_;
};

}  // namespace

Resource ReadResource(Kind kind, const Json& body, const Resource* saved) {
  return Reader(kind, body, saved).Read();
}

}  // namespace sluice::serve
