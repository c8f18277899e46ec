"""What a data set is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    import psycopg


@dataclass(frozen=True)
class TableName:
    schema: str
    table: str


class DataSet(Protocol):
    """The tables of one schema, created once and then kept in a template."""

    @property
    def name(self) -> str:
        """The name on the command line, e.g. `tpch:0.1`; part of the template's file name."""
        ...

    @property
    def schema(self) -> str: ...

    def load(self, connection: psycopg.Connection[Any]) -> None:
        """Creates schema and tables, fills them. `connection` is autocommit and acts as their owner."""
        ...

    def granted(self) -> list[TableName]:
        """The tables a reader may select from, in the order a configuration lists them."""
        ...
