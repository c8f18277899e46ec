"""Connections are kept for the next UNLOAD, but never so many that the database has no free ones."""

from __future__ import annotations

from typing import Any

from redshift_sandbox.unload import pool


class Connection:
    def __init__(self, dsn: str) -> None:
        self.dsn = dsn
        self.open = True

    def close(self) -> None:
        self.open = False


def use(kept: pool.Pool, dsn: str) -> Any:
    connection = kept.take("psycopg", dsn, Connection)
    kept.give("psycopg", dsn, connection)
    return connection


def test_a_connection_is_used_again_for_its_own_user() -> None:
    kept = pool.Pool()
    first = use(kept, "user=a")
    assert use(kept, "user=b") is not first
    assert use(kept, "user=a") is first
    assert kept.take("adbc", "user=a", Connection) is not first


def test_hundreds_of_users_leave_few_connections_open() -> None:
    kept = pool.Pool()
    made = [use(kept, f"user=u{number}") for number in range(500)]
    still_open = [one for one in made if one.open]
    assert still_open == made[-pool._IDLE_MAX :], "those that were used last stay"
    assert use(kept, "user=u499") is made[-1]


def test_one_user_keeps_as_many_as_run_at_once() -> None:
    kept = pool.Pool()
    taken = [kept.take("psycopg", "user=a", Connection) for _ in range(12)]
    for connection in taken:
        kept.give("psycopg", "user=a", connection)
    assert sum(one.open for one in taken) == pool._KEPT_MAX


def test_nothing_stays_open_after_close() -> None:
    kept = pool.Pool()
    idle = use(kept, "user=a")
    taken = kept.take("psycopg", "user=b", Connection)
    kept.close()
    kept.give("psycopg", "user=b", taken)
    assert not idle.open
    assert not taken.open
