"""`sluice` and `python -m sluice`: the program itself, in place of this process, so that signals and exit codes are
its own."""

from __future__ import annotations

import os
import sys
from typing import NoReturn

from .binary import find_binary
from .errors import BinaryNotFound


def main() -> NoReturn:
    try:
        program = find_binary()
    except BinaryNotFound as error:
        print(f"sluice: {error}", file=sys.stderr)
        sys.exit(1)
    os.execv(program, ["sluice", *sys.argv[1:]])


if __name__ == "__main__":
    main()
