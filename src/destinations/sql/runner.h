// A database's connection, as the statements of this room need it.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace sluice::destinations::sql {

// Rows as text; nullopt is NULL.
using Rows = std::vector<std::vector<std::optional<std::string>>>;

// A value of a statement; monostate is NULL.
using Value = std::variant<std::monostate, std::int64_t, std::uint64_t, std::string>;

// A statement, and what its $1, $2, ... stand for. Dialect::Put adds a value.
struct Statement {
  std::string text;
  std::vector<Value> values;
};

// One thread at a time. An engine makes one for each task, whose operation and subject its errors
// have. Throws what the engine says, mapped.
class Runner {
 public:
  virtual ~Runner() = default;
  virtual Rows Ask(const Statement& statement) = 0;
  // How many rows INSERT, UPDATE and DELETE touched; of other statements the number says nothing.
  virtual std::uint64_t Change(const Statement& statement) = 0;
  // One after the other; an engine may send them together.
  virtual void ChangeAll(const std::vector<Statement>& statements) {
    for (const Statement& statement : statements) Change(statement);
  }

  Rows Ask(std::string text) { return Ask(Statement{std::move(text), {}}); }
  std::uint64_t Change(std::string text) { return Change(Statement{std::move(text), {}}); }
};

}  // namespace sluice::destinations::sql
