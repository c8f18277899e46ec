"""What a data set is, and how the list on the command line names it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    import psycopg


@dataclass(frozen=True)
class TableName:
    schema: str
    table: str

    def quoted(self) -> str:
        return ".".join('"' + part.replace('"', '""') + '"' for part in (self.schema, self.table))


class DataSet(Protocol):
    """Tables of one schema, made once and then kept in a template."""

    @property
    def name(self) -> str:
        """As on the command line, e.g. `tpch:0.1`; part of the template's file name."""
        ...

    @property
    def schema(self) -> str: ...

    def load(self, connection: psycopg.Connection[Any]) -> None:
        """Creates schema and tables, fills them. `connection` is autocommit and acts as their owner."""
        ...

    def granted(self) -> list[TableName]:
        """The tables a reader may select from, in the order a configuration lists them."""
        ...


class UnknownDataSet(ValueError):
    """The list of data sets is not understood; the text says what is."""


def parse_data_sets(text: str) -> list[DataSet]:
    """`tpch:0.1,types` -> data sets, in a fixed order. Throws UnknownDataSet."""
    from redshift_sandbox.data.shop import Shop
    from redshift_sandbox.data.tpch import Tpch
    from redshift_sandbox.data.types import Types

    found: dict[str, DataSet] = {}
    for item in filter(None, (part.strip() for part in text.split(","))):
        kind, _, argument = item.partition(":")
        if kind == "tpch":
            found["tpch"] = Tpch(_scale(argument or "0.01"))
        elif kind == "types" and not argument:
            found["types"] = Types()
        elif kind == "shop" and (not argument or (argument.isdecimal() and 1 <= int(argument) <= 100_000)):
            found["shop"] = Shop(int(argument or 40))
        else:
            raise UnknownDataSet(
                f'unknown data set "{item}"; known are tpch:SCALE (such as tpch:0.1), types and shop (shop:ORDERS)'
            )
    return [found[kind] for kind in sorted(found)]


def _scale(text: str) -> float:
    try:
        scale = float(text)
    except ValueError:
        scale = 0.0
    if not 0.001 <= scale <= 100:
        raise UnknownDataSet(f'"{text}" is no scale factor; tpch takes 0.001 to 100, such as tpch:0.1')
    return scale
