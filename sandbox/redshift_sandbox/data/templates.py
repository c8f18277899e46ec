"""Keeps a PostgreSQL cluster for each combination of data sets, so that only the first start has to load rows.

The template is a finished data directory; a new sandbox gets a copy of it (by reflink if the file system can do it).
Its name ends in a hash of everything that makes it, so a change of the program makes a new one.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from psycopg import sql

from redshift_sandbox.data.dataset import DataSet
from redshift_sandbox.pg import postgres as pg

Notify = Callable[[str], None]


def cache_home() -> Path:
    """Where templates are kept: REDSHIFT_SANDBOX_CACHE, else the user's cache directory."""
    chosen = os.environ.get("REDSHIFT_SANDBOX_CACHE")
    if chosen:
        return Path(chosen)
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "redshift-sandbox"


class SeededPostgres(pg.Postgres):
    """A Postgres whose new clusters contain the data sets already. An existing cluster in `directory` is kept as it is:
    its rows may have been changed on purpose."""

    def __init__(self, directory: Path, cache: Path, data_sets: Sequence[DataSet], notify: Notify) -> None:
        super().__init__(directory, cache)
        self._data_sets = list(data_sets)
        self._notify = notify

    def start(self, timeout_seconds: float = 60.0) -> None:
        """Throws PostgresError also if the cluster that is there lacks one of the data sets."""
        names = [data_set.name for data_set in self._data_sets]
        marker = self._directory / "data-sets"
        if (self._directory / "data").exists() and marker.exists():
            held = marker.read_text().split()
            if not set(names) <= set(held):
                raise pg.PostgresError(
                    f"this directory has the data sets {', '.join(held) or 'none'}, not {', '.join(names)}; "
                    "take another directory, or delete this one to start again"
                )
        else:
            self._directory.mkdir(parents=True, exist_ok=True)
            marker.write_text("\n".join(names) + "\n")
        super().start(timeout_seconds)

    def _template(self, cache: Path) -> Path:
        bare = super()._template(cache)
        if not self._data_sets:
            return bare
        names = "+".join(data_set.name for data_set in self._data_sets)
        seeded = cache / f"data-{names}-{_recipe()}"
        if not seeded.exists():
            self._notify(f"loading {names.replace('+', ', ')} for the first time; later starts copy it from {cache}")
            self._build(cache, seeded)
        return seeded

    def _build(self, cache: Path, seeded: Path) -> None:
        for old in cache.glob(seeded.name.rpartition("-")[0] + "-" + "?" * 16):
            shutil.rmtree(old, ignore_errors=True)
        fresh = Path(tempfile.mkdtemp(prefix="redshift-sandbox-load-", dir=cache))
        try:
            fresh.chmod(0o711)
            loader = pg.Postgres(fresh, cache)
            loader.start()
            try:
                load(loader, self._data_sets)
            finally:
                loader.stop(timeout_seconds=300)
            finished = (fresh / "data").resolve()
            part = cache / f"{seeded.name}.{os.getpid()}.part"
            _move(finished, part)
            pg.keep_first(part, seeded)
        finally:
            shutil.rmtree(fresh, ignore_errors=True)


def load(postgres: pg.Postgres, data_sets: Sequence[DataSet]) -> None:
    """Fills a running cluster; the tables belong to its administrator, as after a set-up by the customer."""
    with postgres.admin() as connection:
        connection.execute(sql.SQL("SET SESSION AUTHORIZATION {}").format(sql.Identifier(pg.ADMIN)))
        for data_set in data_sets:
            data_set.load(connection)
        connection.execute("RESET SESSION AUTHORIZATION")
        connection.execute("VACUUM (FREEZE, ANALYZE)")
        connection.execute("CHECKPOINT")


def _recipe() -> str:
    """A hash of everything that decides what a template contains."""
    package = Path(__file__).parent.parent
    sources = [*sorted((package / "pg").rglob("*.py")), *sorted((package / "pg").rglob("*.sql")),
               *sorted((package / "data").glob("*.py"))]  # fmt: skip
    digest = hashlib.sha256(str(os.getuid()).encode())
    for source in sources:
        digest.update(source.read_bytes())
    return digest.hexdigest()[:16]


def _move(source: Path, target: Path) -> None:
    try:
        source.rename(target)
    except OSError:  # another file system
        subprocess.run(["cp", "-a", "--reflink=auto", "--", str(source), str(target)], check=True)
        shutil.rmtree(source)
