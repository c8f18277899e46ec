"""The private PostgreSQL that holds the sandbox's rows and rights."""

from redshift_sandbox.pg.history import UnloadedFile, UnloadRecord, record_unloads
from redshift_sandbox.pg.postgres import Postgres, PostgresError

__all__ = ["Postgres", "PostgresError", "UnloadRecord", "UnloadedFile", "record_unloads"]
