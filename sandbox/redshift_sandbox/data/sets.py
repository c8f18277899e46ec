"""All data sets, and how the list on the command line names them."""

from __future__ import annotations

from redshift_sandbox.data.dataset import DataSet
from redshift_sandbox.data.shop import Shop
from redshift_sandbox.data.tpch import Tpch
from redshift_sandbox.data.types import Types


class UnknownDataSet(ValueError):
    """The list of data sets is wrong; the text says what is allowed."""


def parse_data_sets(text: str) -> list[DataSet]:
    """`tpch:0.1,types` -> data sets, in a fixed order. Throws UnknownDataSet."""
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
                f'unknown data set "{item}"; there are tpch:SCALE (such as tpch:0.1), types and shop (shop:ORDERS)'
            )
    return [found[kind] for kind in sorted(found)]


def _scale(text: str) -> float:
    try:
        scale = float(text)
    except ValueError:
        scale = 0.0
    if not 0.001 <= scale <= 100:
        raise UnknownDataSet(f'"{text}" is not a scale factor; tpch takes 0.001 to 100, such as tpch:0.1')
    return scale
