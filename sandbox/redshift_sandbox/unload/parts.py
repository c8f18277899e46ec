"""Writes the files of one UNLOAD to local disk, as Redshift writes them.

Parquet: format 1.0, SNAPPY, 32 MB row groups (https://docs.aws.amazon.com/redshift/latest/dg/r_UNLOAD.html); every
column optional, TIMESTAMP as INT96, DECIMAL as fixed-length bytes of the smallest width (measured by others).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as parquet

from redshift_sandbox.unload.columns import Column
from redshift_sandbox.unload.variants import Variant

ROW_GROUP_BYTES = 32 * 2**20
_NEARLY_FULL = 0.95


@dataclass(frozen=True)
class Part:
    """One finished file on local disk."""

    path: Path
    rows: int
    size_bytes: int


class ParquetPart:
    """One Parquet file being written. Holds at most one row group in memory."""

    def __init__(
        self, path: Path, columns: Sequence[Column], max_bytes: int, variant: Variant | None = None
    ) -> None:  # fmt: skip
        self.rows = 0
        self._path = path
        self._max_bytes = max_bytes
        self._schema = pa.schema([column.field() for column in columns])
        self._variant = variant or Variant()
        self._pending: list[pa.RecordBatch] = []
        self._pending_bytes = 0
        self._largest_group = 0
        self._sink = pa.OSFile(str(path), "wb")
        self._writer = parquet.ParquetWriter(
            self._sink,
            self._variant.schema(self._schema),
            version="1.0",
            compression="snappy",
            use_deprecated_int96_timestamps=not self._variant.timestamps_as_int64,
            store_decimal_as_integer=self._variant.decimal_as_integer,
            store_schema=False,
        )

    def write(self, batch: pa.RecordBatch) -> None:
        """REQUIRES: no more rows than `room` said."""
        self._pending.append(batch)
        self._pending_bytes += batch.nbytes
        self.rows += batch.num_rows
        if self._pending_bytes >= _NEARLY_FULL * ROW_GROUP_BYTES:
            self._flush()

    def room(self, batch: pa.RecordBatch) -> int:
        """How many rows of a batch still fit into the present row group; at least one."""
        left = ROW_GROUP_BYTES - self._pending_bytes
        return max(1, int(batch.num_rows * left / max(1, batch.nbytes)))

    def full(self) -> bool:
        """True if one more row group as large as the largest so far might exceed the allowed size."""
        return not self._pending and self._sink.tell() + self._largest_group > self._max_bytes

    def finish(self) -> Part:
        self._flush()
        self._writer.close()
        self._sink.close()
        return Part(self._path, self.rows, self._path.stat().st_size)

    def abandon(self) -> None:
        """Closes without a valid end and removes the file."""
        self._sink.close()
        self._path.unlink(missing_ok=True)

    def _flush(self) -> None:
        if not self._pending:
            return
        before = self._sink.tell()
        table = pa.Table.from_batches(self._pending, schema=self._schema)
        self._writer.write_table(self._variant.table(table), row_group_size=max(1, table.num_rows))
        self._largest_group = max(self._largest_group, self._sink.tell() - before)
        self._pending, self._pending_bytes = [], 0
