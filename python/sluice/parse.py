"""JSON into dataclasses. Fields that a class does not know are left out, as a newer program may tell more; one that is
missing, or of another type, is an error that names it."""

from __future__ import annotations

import dataclasses
import functools
import types
import typing
from typing import Any, TypeVar

T = TypeVar("T")


class Mismatch(ValueError):
    """A document is not as this version of the package knows it."""


def json_name(field: str) -> str:
    """`from_` is `from` in JSON."""
    return field.removesuffix("_")


@functools.cache
def _fields(kind: Any) -> tuple[tuple[str, Any], ...]:
    hints = typing.get_type_hints(kind)
    return tuple((field.name, hints[field.name]) for field in dataclasses.fields(kind))


def from_json(kind: type[T], value: Any, where: str = "") -> T:
    """Throws Mismatch."""
    if not isinstance(value, dict):
        raise Mismatch(f"{where or 'the document'} is no object")
    found: dict[str, Any] = {}
    for name, hint in _fields(typing.cast(Any, kind)):
        path = f"{where}.{json_name(name)}" if where else json_name(name)
        if json_name(name) not in value:
            raise Mismatch(f"{path} is missing")
        found[name] = _value(hint, value[json_name(name)], path)
    return kind(**found)


def _value(hint: Any, value: Any, path: str) -> Any:
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin in (types.UnionType, typing.Union):
        if value is None and type(None) in arguments:
            return None
        (inner,) = (one for one in arguments if one is not type(None))
        return _value(inner, value, path)
    if origin is tuple:
        _expect(value, list, path)
        return tuple(_value(arguments[0], one, f"{path}[]") for one in value)
    if origin is dict:
        _expect(value, dict, path)
        return {name: _value(arguments[1], one, f"{path}.*") for name, one in value.items()}
    # A word that is new in a closed list is taken as it is: within a major version words may be added.
    if origin is typing.Literal:
        return _value(str, value, path)
    if dataclasses.is_dataclass(hint):
        return from_json(typing.cast(type[Any], hint), value, path)
    if hint is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    _expect(value, hint, path)
    return value


def _expect(value: Any, kind: type, path: str) -> None:
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        raise Mismatch(f"{path} is {type(value).__name__}, not {kind.__name__}")
