"""The database side of a login: the user, created if missing, his roles, his session."""

from __future__ import annotations

import threading
from typing import Any, LiteralString

import psycopg
from psycopg import errors, sql

from redshift_sandbox.contracts import LoginVerdict
from redshift_sandbox.gateway.login import fatal
from redshift_sandbox.gateway.long_names import KEPT_BYTES_MAX as NAME_BYTES_MAX
from redshift_sandbox.gateway.principals import ROLE_PREFIX
from redshift_sandbox.pg import Postgres

_EXISTS = "SELECT 1 FROM pg_catalog.pg_roles WHERE rolname = %s AND rolcanlogin"
_ROLES = """SELECT r.rolname FROM pg_catalog.pg_roles r WHERE r.rolname = ANY(%s) AND NOT r.rolcanlogin
 AND NOT EXISTS (SELECT FROM pg_catalog.pg_auth_members m JOIN pg_catalog.pg_roles u ON u.oid = m.member
  WHERE m.roleid = r.oid AND u.rolname = %s)"""

_STILL_THERE = "SELECT rolname FROM pg_catalog.pg_roles WHERE rolname = ANY(%s)"


class Users:
    """Thread-safe. Keeps one administrator's connection, opened at the first login."""

    def __init__(self, postgres: Postgres) -> None:
        self._postgres = postgres
        self._mutex = threading.Lock()
        self._connection: psycopg.Connection[Any] | None = None
        self._granted: dict[str, set[str]] = {}  # roles granted for one login only, by user

    def prepare(self, db_user: str, verdict: LoginVerdict) -> str:
        """The role to run as: created if it is missing (a member of PUBLIC only), with the verdict's
        existing roles granted (https://docs.aws.amazon.com/redshift/latest/mgmt/serverless-migration.html).
        Throws SqlError (FATAL)."""
        name = verdict.login_as or db_user
        if len(name.encode()) > NAME_BYTES_MAX:
            raise fatal("42622", f"the user name is longer than {NAME_BYTES_MAX} bytes, which is the sandbox's limit")
        with self._mutex:
            connection = self._connect()
            if connection.execute(_EXISTS, (name,)).fetchone() is None:
                if verdict.login_as is not None:
                    raise fatal("42704", f'user "{db_user}" does not exist')
                self._create(connection, name)
            self._grant_for_login(connection, name, verdict.db_roles)
        return name

    def close(self) -> None:
        with self._mutex:
            if self._connection is not None:
                self._connection.close()
                self._connection = None

    def _connect(self) -> psycopg.Connection[Any]:
        if self._connection is None or self._connection.closed:
            self._connection = self._postgres.admin()
        return self._connection

    @staticmethod
    def _create(connection: psycopg.Connection[Any], name: str) -> None:
        try:
            connection.execute(sql.SQL("CREATE ROLE {} LOGIN").format(sql.Identifier(name)))
        except errors.DuplicateObject:
            return  # another session was first
        except errors.ReservedName as error:
            raise fatal("42939", f'user name "{name}" is reserved') from error

    def _grant_for_login(self, connection: psycopg.Connection[Any], name: str, roles: tuple[str, ...]) -> None:
        """Grants those of `roles` that exist, and revokes what an earlier login got and this one does not.
        PostgreSQL keeps memberships by user and not by session, so an earlier session that is still open
        follows the newest login; what an administrator granted stays."""
        granted = self._granted.setdefault(name, set())
        wanted = [ROLE_PREFIX + role.lower() for role in roles]
        gone = sorted(granted - set(wanted))
        for (role,) in connection.execute(_STILL_THERE, (gone,)).fetchall():
            connection.execute(_membership("REVOKE {} FROM {}", role, name))
        granted.difference_update(gone)
        for (role,) in connection.execute(_ROLES, (wanted, name)).fetchall():
            connection.execute(_membership("GRANT {} TO {}", role, name))
            granted.add(role)


def _membership(words: LiteralString, role: str, name: str) -> sql.Composed:
    return sql.SQL(words).format(sql.Identifier(role), sql.Identifier(name))
