#include "columnar/chunk_reader.h"

#include <utility>

#include "base/error.h"
#include "columnar/engine_handles.h"

namespace sluice::columnar {
namespace {

static_assert(sizeof(BytesCell) == sizeof(duckdb_string_t));

std::optional<VectorKind> KindOfDecimal(duckdb_result* result, idx_t column) {
  duckdb_logical_type type = duckdb_column_logical_type(result, column);
  const duckdb_type internal = duckdb_decimal_internal_type(type);
  duckdb_destroy_logical_type(&type);
  switch (internal) {
    case DUCKDB_TYPE_SMALLINT: return VectorKind::kInt16;
    case DUCKDB_TYPE_INTEGER: return VectorKind::kInt32;
    case DUCKDB_TYPE_BIGINT: return VectorKind::kInt64;
    case DUCKDB_TYPE_HUGEINT: return VectorKind::kInt128;
    default: return std::nullopt;
  }
}

std::optional<VectorKind> KindOf(duckdb_result* result, idx_t column) {
  switch (duckdb_column_type(result, column)) {
    case DUCKDB_TYPE_BOOLEAN: return VectorKind::kBool;
    case DUCKDB_TYPE_SMALLINT: return VectorKind::kInt16;
    case DUCKDB_TYPE_INTEGER:
    case DUCKDB_TYPE_DATE: return VectorKind::kInt32;
    case DUCKDB_TYPE_BIGINT:
    case DUCKDB_TYPE_TIMESTAMP:
    case DUCKDB_TYPE_TIMESTAMP_TZ:
    case DUCKDB_TYPE_TIME:
    case DUCKDB_TYPE_TIME_TZ: return VectorKind::kInt64;
    case DUCKDB_TYPE_HUGEINT: return VectorKind::kInt128;
    case DUCKDB_TYPE_FLOAT: return VectorKind::kFloat32;
    case DUCKDB_TYPE_DOUBLE: return VectorKind::kFloat64;
    case DUCKDB_TYPE_VARCHAR:
    case DUCKDB_TYPE_BLOB: return VectorKind::kBytes;
    case DUCKDB_TYPE_DECIMAL: return KindOfDecimal(result, column);
    default: return std::nullopt;
  }
}

}  // namespace

void Chunk::Destroy::operator()(void* handle) const noexcept {
  auto chunk = static_cast<duckdb_data_chunk>(handle);
  duckdb_destroy_data_chunk(&chunk);
}

Chunk::Chunk(void* handle, std::span<const VectorKind> kinds) : handle_(handle) {
  auto chunk = static_cast<duckdb_data_chunk>(handle);
  rows_ = duckdb_data_chunk_get_size(chunk);
  columns_.reserve(kinds.size());
  for (idx_t i = 0; i < kinds.size(); ++i) {
    duckdb_vector vector = duckdb_data_chunk_get_vector(chunk, i);
    columns_.push_back({.kind = kinds[i],
                        .data = duckdb_vector_get_data(vector),
                        .valid = duckdb_vector_get_validity(vector)});
  }
}

// In the order in which they must die, from the last: the stop first, so that nothing interrupts
// what the connection runs next.
struct ChunkReader::Running {
  struct Interrupt {
    duckdb_connection connection;
    void operator()() const { duckdb_interrupt(connection); }
  };
  Statement statement;
  Pending pending;
  RawResult result;
  std::stop_callback<Interrupt> interrupt;

  Running(duckdb_connection connection, const std::string& sql, const Task& task,
          const std::stop_token& stop)
      : statement(connection, sql, task),
        pending(statement, Delivery::kStreams),
        // As Connection::Run: pending first, or the interrupt could be lost.
        interrupt(stop, Interrupt{connection}) {
    if (duckdb_execute_pending(pending.get(), result.get()) == DuckDBError) {
      ThrowEngine(duckdb_result_error_type(result.get()), duckdb_result_error(result.get()), task);
    }
  }
};

ChunkReader::ChunkReader(Connection& connection, const std::string& sql, const Task& task,
                         std::stop_token stop)
    : task_(task), stop_(std::move(stop)) {
  if (stop_.stop_requested()) base::ThrowCancelled(task_.operation, task_.subject);
  running_ = std::make_unique<Running>(connection.handle_->connection, sql, task_, stop_);
  duckdb_result* result = running_->result.get();
  for (idx_t i = 0; i < duckdb_column_count(result); ++i) {
    const std::optional<VectorKind> kind = KindOf(result, i);
    if (!kind) {
      throw base::Error({.code = base::ErrorCode::kInternal,
                         .operation = task_.operation,
                         .subject = task_.subject,
                         .message = "a query returned a type that is not read here"});
    }
    kinds_.push_back(*kind);
  }
}

ChunkReader::~ChunkReader() = default;

std::optional<Chunk> ChunkReader::Next() {
  if (at_end_) return std::nullopt;
  if (stop_.stop_requested()) base::ThrowCancelled(task_.operation, task_.subject);
  duckdb_result* result = running_->result.get();
  duckdb_data_chunk chunk = duckdb_fetch_chunk(*result);
  if (chunk != nullptr) return Chunk(chunk, kinds_);
  at_end_ = true;
  // The end and a failure look the same but for this.
  if (const char* text = duckdb_result_error(result); text != nullptr && *text != '\0') {
    ThrowEngine(duckdb_result_error_type(result), text, task_);
  }
  if (stop_.stop_requested()) base::ThrowCancelled(task_.operation, task_.subject);
  return std::nullopt;
}

ZonedTime SplitZonedTime(std::uint64_t bits) {
  const duckdb_time_tz_struct parts = duckdb_from_time_tz({bits});
  const duckdb_time_struct& t = parts.time;
  const std::int64_t seconds = (std::int64_t{t.hour} * 60 + t.min) * 60 + t.sec;
  return {.micros = seconds * 1'000'000 + t.micros, .offset_seconds = parts.offset};
}

}  // namespace sluice::columnar
