"""Documents with a value in each field, made of the package's own classes; a test holds those against the contract."""

from __future__ import annotations

import dataclasses
import types
import typing
from typing import Any

from sluice.parse import json_name


def sample_of(kind: type, **own: Any) -> dict[str, Any]:
    """Its JSON, as a program would write it."""
    hints = typing.get_type_hints(kind)
    fields = {json_name(one.name): _sample(hints[one.name]) for one in dataclasses.fields(kind)}
    assert set(own) <= set(fields) | {"error"}, own
    return {**fields, **own}


def _sample(hint: Any) -> Any:
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin in (types.UnionType, typing.Union):
        return None
    if origin is tuple:
        return []
    if origin is dict:
        return {}
    if origin is typing.Literal:
        return arguments[0]
    if dataclasses.is_dataclass(hint):
        return sample_of(typing.cast(type, hint))
    return hint()
