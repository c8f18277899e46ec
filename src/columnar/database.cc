#include "columnar/database.h"

#include <duckdb.h>
#include <fmt/format.h>

#include <utility>

namespace sluice::columnar {
namespace {

EngineErrorKind KindOf(duckdb_error_type type) {
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

[[noreturn]] void Throw(duckdb_error_type type, const char* text, const Task& task) {
  throw base::Error(ToErrorInfo(KindOf(type), text == nullptr ? "" : text, task));
}

class Config {
 public:
  Config() { duckdb_create_config(&config_); }
  Config(const Config&) = delete;
  Config& operator=(const Config&) = delete;
  ~Config() { duckdb_destroy_config(&config_); }

  void Set(const char* name, const std::string& value) {
    if (duckdb_set_config(config_, name, value.c_str()) == DuckDBError) {
      throw base::Error({.code = base::ErrorCode::kInternal,
                         .operation = "configure DuckDB",
                         .subject = name,
                         .message = "DuckDB refused the option"});
    }
  }
  duckdb_config get() const { return config_; }

 private:
  duckdb_config config_ = nullptr;
};

class Statement {
 public:
  Statement(duckdb_connection connection, const std::string& sql, const Task& task) {
    if (duckdb_prepare(connection, sql.c_str(), &statement_) == DuckDBError) {
      // The message is all that a failed preparation tells: its type stands at its beginning.
      const char* text = duckdb_prepare_error(statement_);
      const std::string copy = text == nullptr ? "" : text;
      duckdb_destroy_prepare(&statement_);
      throw base::Error(ToErrorInfo(KindFromText(copy), copy, task));
    }
  }
  Statement(const Statement&) = delete;
  Statement& operator=(const Statement&) = delete;
  ~Statement() { duckdb_destroy_prepare(&statement_); }

  void Bind(idx_t index, const Value& value, const Task& task) {
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
    if (state == DuckDBError) Throw(DUCKDB_ERROR_INTERNAL, "", task);
  }
  duckdb_prepared_statement get() const { return statement_; }

 private:
  static EngineErrorKind KindFromText(std::string_view text) {
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

  duckdb_prepared_statement statement_ = nullptr;
};

class Pending {
 public:
  explicit Pending(const Statement& statement) {
    duckdb_pending_prepared(statement.get(), &pending_);
  }
  Pending(const Pending&) = delete;
  Pending& operator=(const Pending&) = delete;
  ~Pending() { duckdb_destroy_pending(&pending_); }
  duckdb_pending_result get() const { return pending_; }

 private:
  duckdb_pending_result pending_ = nullptr;
};

class RawResult {
 public:
  RawResult() = default;
  RawResult(const RawResult&) = delete;
  RawResult& operator=(const RawResult&) = delete;
  ~RawResult() { duckdb_destroy_result(&result_); }
  duckdb_result* get() { return &result_; }

 private:
  duckdb_result result_{};
};

std::string CellText(duckdb_vector vector, duckdb_type type, idx_t row, const Task& task) {
  const void* data = duckdb_vector_get_data(vector);
  switch (type) {
    case DUCKDB_TYPE_BOOLEAN: return static_cast<const bool*>(data)[row] ? "true" : "false";
    case DUCKDB_TYPE_BIGINT: return std::to_string(static_cast<const std::int64_t*>(data)[row]);
    case DUCKDB_TYPE_UBIGINT: return std::to_string(static_cast<const std::uint64_t*>(data)[row]);
    case DUCKDB_TYPE_VARCHAR: {
      duckdb_string_t text = static_cast<const duckdb_string_t*>(data)[row];
      return {duckdb_string_t_data(&text), duckdb_string_t_length(text)};
    }
    default: break;
  }
  throw base::Error({.code = base::ErrorCode::kInternal,
                     .operation = task.operation,
                     .subject = task.subject,
                     .message = "a query returned a type that is not read here"});
}

void AppendRows(duckdb_result result, duckdb_data_chunk chunk, const Task& task, Result& out) {
  const idx_t columns = duckdb_data_chunk_get_column_count(chunk);
  const idx_t rows = duckdb_data_chunk_get_size(chunk);
  for (idx_t row = 0; row < rows; ++row) {
    auto& cells = out.rows.emplace_back(columns);
    for (idx_t column = 0; column < columns; ++column) {
      duckdb_vector vector = duckdb_data_chunk_get_vector(chunk, column);
      std::uint64_t* valid = duckdb_vector_get_validity(vector);
      if (valid != nullptr && !duckdb_validity_row_is_valid(valid, row)) continue;
      cells[column] = CellText(vector, duckdb_column_type(&result, column), row, task);
    }
  }
}

Result Collect(RawResult& raw, const Task& task) {
  Result out;
  out.rows_changed = duckdb_rows_changed(raw.get());
  if (duckdb_result_return_type(*raw.get()) != DUCKDB_RESULT_TYPE_QUERY_RESULT) return out;
  while (duckdb_data_chunk chunk = duckdb_fetch_chunk(*raw.get())) {
    try {
      AppendRows(*raw.get(), chunk, task, out);
    } catch (...) {
      duckdb_destroy_data_chunk(&chunk);
      throw;
    }
    duckdb_destroy_data_chunk(&chunk);
  }
  return out;
}

}  // namespace

struct Database::Handle {
  duckdb_database database = nullptr;
  Handle() = default;
  Handle(const Handle&) = delete;
  Handle& operator=(const Handle&) = delete;
  ~Handle() { duckdb_close(&database); }
};

struct Connection::Handle {
  duckdb_connection connection = nullptr;
  Handle() = default;
  Handle(const Handle&) = delete;
  Handle& operator=(const Handle&) = delete;
  ~Handle() { duckdb_disconnect(&connection); }
};

Database Database::Open(const DatabaseOptions& options) {
  Config config;
  config.Set("memory_limit", fmt::format("{}MB", options.memory_limit_mb));
  config.Set("threads", std::to_string(options.threads));
  config.Set("temp_directory", options.temp_dir.string());
  // Rows of a stream have no order, and keeping one costs memory.
  config.Set("preserve_insertion_order", "false");
  // Nothing is ever fetched from the network or read from the home folder.
  config.Set("autoinstall_known_extensions", "false");
  config.Set("autoload_known_extensions", "false");
  config.Set("allow_persistent_secrets", "false");
  auto handle = std::make_shared<Handle>();
  const std::string file = options.file.string();
  char* text = nullptr;
  if (duckdb_open_ext(file.empty() ? nullptr : file.c_str(), &handle->database, config.get(),
                      &text) == DuckDBError) {
    const std::string copy = text == nullptr ? "" : text;
    duckdb_free(text);
    throw base::Error(ToErrorInfo(EngineErrorKind::kIo, copy,
                                  {.operation = "open", .subject = "DuckDB file " + file}));
  }
  Database database(std::move(handle));
  // Casts between timestamps with and without zone mean UTC, wherever the program runs.
  database.Connect().Run("SET GLOBAL TimeZone = 'UTC'", {},
                         {.operation = "open", .subject = "DuckDB file " + file});
  return database;
}

Connection Database::Connect() {
  auto handle = std::make_shared<Connection::Handle>();
  if (duckdb_connect(handle_->database, &handle->connection) == DuckDBError) {
    throw base::Error(ToErrorInfo(EngineErrorKind::kFatal, "",
                                  {.operation = "connect", .subject = "the DuckDB database"}));
  }
  return Connection(std::move(handle));
}

Result Connection::Run(const std::string& sql, const std::vector<Value>& values, const Task& task,
                       std::stop_token stop) {
  if (stop.stop_requested()) base::ThrowCancelled(task.operation, task.subject);
  Statement statement(handle_->connection, sql, task);
  for (idx_t i = 0; i < values.size(); ++i) statement.Bind(i + 1, values[i], task);
  // Pending first, callback second: preparing to run clears an earlier interrupt, so one sent in
  // between would be lost; from here on none is.
  Pending pending(statement);
  const std::stop_callback interrupt(stop, [this] { duckdb_interrupt(handle_->connection); });
  RawResult raw;
  if (duckdb_execute_pending(pending.get(), raw.get()) == DuckDBError) {
    Throw(duckdb_result_error_type(raw.get()), duckdb_result_error(raw.get()), task);
  }
  return Collect(raw, task);
}

}  // namespace sluice::columnar
