#include "columnar/database.h"

#include <duckdb.h>
#include <fmt/format.h>

#include <utility>

#include "columnar/engine_handles.h"
#include "columnar/process_start.h"
#include "columnar/sql_text.h"

// jemalloc's own (https://jemalloc.net/jemalloc.3.html), under the prefix that DuckDB gives it; not
// there in an archive without it.
extern "C" int duckdb_je_mallctl(const char* name, void* old_value, std::size_t* old_bytes,
                                 void* new_value, std::size_t new_bytes) __attribute__((weak));

namespace sluice::columnar {
namespace {

// Of jemalloc: for arenas to come, and for each that is there.
void KeepNothing() {
  if (duckdb_je_mallctl == nullptr) return;
  const auto set = [](const std::string& name) {
    ssize_t at_once = 0;
    duckdb_je_mallctl(name.c_str(), nullptr, nullptr, &at_once, sizeof at_once);
  };
  unsigned arenas = 0;
  std::size_t bytes = sizeof arenas;
  if (duckdb_je_mallctl("arenas.narenas", &arenas, &bytes, nullptr, 0) != 0) return;
  for (const char* kind : {"dirty_decay_ms", "muzzy_decay_ms"}) {
    set(fmt::format("arenas.{}", kind));
    for (unsigned i = 0; i < arenas; ++i) set(fmt::format("arena.{}.{}", i, kind));
  }
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

[[noreturn]] void ThrowNotOpened(const std::string& text, const Task& task) {
  base::ErrorInfo info = ToErrorInfo(EngineErrorKind::kIo, text, task);
  const auto holder = ParseLockHolder(text);
  if (info.code == base::ErrorCode::kConflict && holder) {
    info = HeldBy(holder, ProcessStart(holder->pid), task);
  }
  throw base::Error(info);
}

// Both as it is and as a pattern: read_parquet is given patterns (EscapeGlob), COPY a name.
std::string FolderList(const std::vector<std::filesystem::path>& folders) {
  std::string list;
  for (const std::filesystem::path& folder : folders) {
    const std::string name = std::filesystem::absolute(folder).lexically_normal().string();
    list += fmt::format("{}{}, {}", list.empty() ? "" : ", ", QuoteText(name),
                        QuoteText(EscapeGlob(name)));
  }
  return list;
}

// A value, a name or a part from outside must not make the engine read or write anything else, not
// even by a mistake of ours. The order counts: each forbids more than the one before.
void Restrict(Connection& connection, const std::vector<std::filesystem::path>& folders,
              const Task& task) {
  for (const std::string& setting :
       {fmt::format("allowed_directories = [{}]", FolderList(folders)),
        std::string("enable_external_access = false"),
        std::string(
            "allowed_configs = ['memory_limit', 'threads', 'write_buffer_row_group_count']"),
        std::string("lock_configuration = true")}) {
    connection.Run("SET GLOBAL " + setting, {}, task);
  }
}

}  // namespace

struct Database::Handle {
  duckdb_database database = nullptr;
  Handle() = default;
  Handle(const Handle&) = delete;
  Handle& operator=(const Handle&) = delete;
  ~Handle() { duckdb_close(&database); }
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
  // Every part is read once.
  config.Set("enable_external_file_cache", "false");
  if (!options.checkpoints) config.Set("checkpoint_threshold", "1TB");
  auto handle = std::make_shared<Handle>();
  const std::string file = options.file.string();
  char* text = nullptr;
  if (duckdb_open_ext(file.empty() ? nullptr : file.c_str(), &handle->database, config.get(),
                      &text) == DuckDBError) {
    const std::string copy = text == nullptr ? "" : text;
    duckdb_free(text);
    ThrowNotOpened(copy, {.operation = "open", .subject = "DuckDB file " + file});
  }
  Database database(std::move(handle));
  const Task task{.operation = "open", .subject = "DuckDB file " + file};
  Connection connection = database.Connect();
  // Casts between timestamps with and without zone mean UTC, wherever the program runs.
  connection.Run("SET GLOBAL TimeZone = 'UTC'", {}, task);
  if (!options.checkpoints) connection.Run("PRAGMA disable_checkpoint_on_shutdown", {}, task);
  if (options.folders) Restrict(connection, *options.folders, task);
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

void Database::Share(int memory_limit_mb, int threads) {
  KeepNothing();
  const Task task{.operation = "share memory", .subject = "DuckDB"};
  Connection connection = Connect();
  connection.Run(fmt::format("SET GLOBAL memory_limit = '{}MB'", memory_limit_mb), {}, task);
  connection.Run(fmt::format("SET GLOBAL threads = {}", threads), {}, task);
  connection.Run("SET GLOBAL write_buffer_row_group_count = 1", {}, task);
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
    ThrowEngine(duckdb_result_error_type(raw.get()), duckdb_result_error(raw.get()), task);
  }
  return Collect(raw, task);
}

}  // namespace sluice::columnar
