#include "columnar/engine_handles.h"

#include <type_traits>
#include <variant>

namespace sluice::columnar {
namespace {

EngineErrorKind KindOfError(duckdb_error_type type) {
  switch (type) {
    case DUCKDB_ERROR_CONVERSION:
    case DUCKDB_ERROR_OUT_OF_RANGE:
    case DUCKDB_ERROR_DECIMAL: return EngineErrorKind::kConversion;
    case DUCKDB_ERROR_INVALID_INPUT:
    case DUCKDB_ERROR_SERIALIZATION: return EngineErrorKind::kInvalidInput;
    case DUCKDB_ERROR_TRANSACTION: return EngineErrorKind::kTransaction;
    case DUCKDB_ERROR_CATALOG:
    case DUCKDB_ERROR_DEPENDENCY: return EngineErrorKind::kCatalog;
    case DUCKDB_ERROR_IO: return EngineErrorKind::kIo;
    case DUCKDB_ERROR_INTERRUPT: return EngineErrorKind::kInterrupt;
    case DUCKDB_ERROR_FATAL: return EngineErrorKind::kFatal;
    case DUCKDB_ERROR_OUT_OF_MEMORY: return EngineErrorKind::kOutOfMemory;
    case DUCKDB_ERROR_PERMISSION: return EngineErrorKind::kPermission;
    case DUCKDB_ERROR_INTERNAL: return EngineErrorKind::kInternal;
    default: return EngineErrorKind::kOther;
  }
}

EngineErrorKind KindFromText(std::string_view text) {
  const auto starts = [&](std::string_view with) { return text.substr(0, with.size()) == with; };
  if (starts("Catalog Error")) return EngineErrorKind::kCatalog;
  if (starts("IO Error")) return EngineErrorKind::kIo;
  if (starts("TransactionContext Error")) return EngineErrorKind::kTransaction;
  if (starts("Invalid Input Error")) return EngineErrorKind::kInvalidInput;
  if (starts("FATAL Error")) return EngineErrorKind::kFatal;
  if (starts("Out of Memory Error")) return EngineErrorKind::kOutOfMemory;
  if (starts("INTERRUPT Error")) return EngineErrorKind::kInterrupt;
  return EngineErrorKind::kOther;
}

}  // namespace

void ThrowEngine(duckdb_error_type type, const char* text, const Task& task) {
  throw base::Error(ToErrorInfo(KindOfError(type), text == nullptr ? "" : text, task));
}

Statement::Statement(duckdb_connection connection, const std::string& sql, const Task& task) {
  if (duckdb_prepare(connection, sql.c_str(), &statement_) == DuckDBError) {
    // The message is all that a failed preparation tells: its type stands at its beginning.
    const char* text = duckdb_prepare_error(statement_);
    const std::string copy = text == nullptr ? "" : text;
    duckdb_destroy_prepare(&statement_);
    throw base::Error(ToErrorInfo(KindFromText(copy), copy, task));
  }
}

void Statement::Bind(idx_t index, const Value& value, const Task& task) {
  const duckdb_state state = std::visit(
      [&](const auto& v) {
        using T = std::decay_t<decltype(v)>;
        if constexpr (std::is_same_v<T, std::monostate>) {
          return duckdb_bind_null(statement_, index);
        } else if constexpr (std::is_same_v<T, bool>) {
          return duckdb_bind_boolean(statement_, index, v);
        } else if constexpr (std::is_same_v<T, std::int64_t>) {
          return duckdb_bind_int64(statement_, index, v);
        } else if constexpr (std::is_same_v<T, std::uint64_t>) {
          return duckdb_bind_uint64(statement_, index, v);
        } else {
          return duckdb_bind_varchar_length(statement_, index, v.data(), v.size());
        }
      },
      value);
  if (state == DuckDBError) ThrowEngine(DUCKDB_ERROR_INTERNAL, "", task);
}

Pending::Pending(const Statement& statement, Delivery delivery) {
  // A failure is told by whoever executes it.
  if (delivery == Delivery::kStreams) {
    duckdb_pending_prepared_streaming(statement.get(), &pending_);
  } else {
    duckdb_pending_prepared(statement.get(), &pending_);
  }
}

}  // namespace sluice::columnar
