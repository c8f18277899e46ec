"""UNLOAD by column grants, and what the history shows of its keys."""

from __future__ import annotations

from collections.abc import Callable

import psycopg
import pytest

from redshift_sandbox import account
from redshift_sandbox.testing import RunningSandbox, fault, fresh_name

Prefix = Callable[[], str]


def test_b31_star_in_unload_shrinks_and_an_explicit_list_fails(sandbox: RunningSandbox, prefix: Prefix) -> None:
    table = fresh_name("narrow")
    sandbox.admin(f'CREATE TABLE types.{table} (a int, secret int); INSERT INTO types.{table} VALUES (1, 2);'
                  f'GRANT SELECT (a) ON types.{table} TO "{account.ROLE_DB_USER}"')  # fmt: skip
    where = prefix()
    with sandbox.connect() as connection:
        sandbox.unload(connection, f"SELECT * FROM types.{table}", where)
        with pytest.raises(psycopg.errors.InsufficientPrivilege, match=f"permission denied for relation {table}"):
            sandbox.unload(connection, f"SELECT a, secret FROM types.{table}", prefix())
    assert [e["name"] for e in sandbox.manifest(where)["schema"]["elements"]] == ["a"]
    sandbox.admin(f"DROP TABLE types.{table}")


def _history(sandbox: RunningSandbox, marker: str) -> str:
    with sandbox.connect() as connection:
        row = connection.execute(
            "SELECT query_text FROM sys_query_history WHERE query_type = 'UNLOAD' AND query_text LIKE %s"
            " ORDER BY query_id DESC LIMIT 1", [f"%{marker}%"],
        ).fetchone()  # fmt: skip
    assert row is not None
    return str(row[0])


def test_b53_keys_are_blanked_in_the_history_unless_the_knob_shows_them(
    sandbox: RunningSandbox, prefix: Prefix
) -> None:
    keys = sandbox.role_keys()
    assert keys.session_token is not None
    for visible in (False, True):
        where = prefix()
        with sandbox.connect() as connection:
            if visible:
                with fault(sandbox, "gateway.visible_secrets"):
                    sandbox.unload(connection, "SELECT 1 AS a", where, keys=keys)
            else:
                sandbox.unload(connection, "SELECT 1 AS a", where, keys=keys)
        text = _history(sandbox, where)
        for secret in (keys.access_key_id, keys.secret_access_key, keys.session_token):
            assert (secret in text) is visible
