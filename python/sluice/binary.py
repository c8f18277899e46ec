"""Where the program is: SLUICE_BINARY, else the one that came with this package, else the PATH's."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path

from .errors import BinaryNotFound, made_here

BUNDLED = Path(__file__).resolve().parent / "bin" / "sluice"
VARIABLE = "SLUICE_BINARY"
# In the first bytes of the command that pip makes of this package's entry point.
_OWN_SCRIPT = b"sluice.__main__"


def find_binary(environment: Mapping[str, str] | None = None) -> Path:
    """Throws BinaryNotFound. Who sets the variable means it: it is not passed over for another program."""
    variables = os.environ if environment is None else environment
    named = variables.get(VARIABLE, "")
    if named:
        if not _runs(Path(named)):
            remedy = f"Let {VARIABLE} name the program sluice, or unset it."
            raise made_here(BinaryNotFound, "not_found", f"{VARIABLE}={named}", "is no program that can be run", remedy)
        return Path(named)
    for candidate in (BUNDLED, *_on_path(variables)):
        if _runs(candidate):
            return candidate
    raise made_here(
        BinaryNotFound,
        "not_found",
        "sluice",
        "the program is not in this package, and not on the PATH",
        f"Install a wheel that carries it (`make dist` builds one), or let {VARIABLE} name the program.",
    )


def _on_path(variables: Mapping[str, str]) -> Iterator[Path]:
    return (Path(folder) / "sluice" for folder in variables.get("PATH", os.defpath).split(os.pathsep) if folder)


def _runs(path: Path) -> bool:
    """This package's own command is left out: it would call itself for ever."""
    if not path.is_file() or not os.access(path, os.X_OK):
        return False
    with path.open("rb") as file:
        head = file.read(4096)
    return not (head.startswith(b"#!") and _OWN_SCRIPT in head)
