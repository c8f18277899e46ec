"""Where AWS does not say how a type is written in Parquet, the fault `unload.types` writes it in another way that
readers may meet."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc


@dataclass(frozen=True)
class Variant:
    """How files are written; the defaults are the usual way."""

    plain_smallint: bool = False  # SMALLINT as INT32 without the annotation of 16 bits
    date_as_timestamp: bool = False
    timestamps_as_int64: bool = False  # TIMESTAMP and TIMESTAMPTZ as INT64 of microseconds, not as INT96
    decimal_as_integer: bool = False  # DECIMAL of up to 18 digits as INT32 or INT64
    super_null_as_json: bool = False  # NULL of a SUPER column as the JSON text null

    @classmethod
    def of(cls, knob: Mapping[str, object] | None) -> Variant:
        return cls(**{name: bool((knob or {}).get(name, False)) for name in cls.__dataclass_fields__})

    def schema(self, schema: pa.Schema) -> pa.Schema:
        return pa.schema([field.with_type(self._type(field.type)) for field in schema])

    def table(self, table: pa.Table) -> pa.Table:
        """The rows with the types of `schema`."""
        if self == Variant():
            return table
        columns = [self._column(column) for column in table.columns]
        return pa.Table.from_arrays(columns, schema=self.schema(table.schema))

    def _type(self, kind: pa.DataType) -> pa.DataType:
        if self.plain_smallint and pa.types.is_int16(kind):
            return pa.int32()
        if self.date_as_timestamp and pa.types.is_date32(kind):
            return pa.timestamp("us")
        return kind

    def _column(self, column: pa.ChunkedArray) -> pa.ChunkedArray:
        kind = column.type
        if isinstance(kind, pa.BaseExtensionType):
            if not self.super_null_as_json:
                return column
            chunks = [pc.fill_null(chunk.storage, "null") for chunk in column.chunks]
            return pa.chunked_array([pa.ExtensionArray.from_storage(kind, chunk) for chunk in chunks], kind)
        wanted = self._type(kind)
        return column if wanted == kind else pc.cast(column, wanted)
