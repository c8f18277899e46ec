"""G3: Rows and watermark appear together or not at all.

What goes wrong with a PostgreSQL destination, one test for each: it is overcome, or it is told with its code and a
remedy; and the next run recovers.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator

import psycopg
import pytest
from between import Between, Times
from followed import Followed
from harness import Harness, wait_for
from postgres_server import PostgresServer

pytestmark = pytest.mark.faults
FULL = """
CREATE FUNCTION public.full() RETURNS event_trigger LANGUAGE plpgsql AS $$
BEGIN RAISE EXCEPTION 'could not extend file: No space left on device' USING ERRCODE = '53100'; END $$;
CREATE EVENT TRIGGER full_disk ON ddl_command_start EXECUTE FUNCTION public.full();
"""


@pytest.fixture
def followed(connect: Callable[..., Harness]) -> Followed:
    return Followed(connect(destination="postgres"))


@pytest.fixture
def session(followed: Followed, postgres_server: PostgresServer) -> Iterator[psycopg.Connection[object]]:
    """Somebody else in the destination's database."""
    database = followed.harness.settings["destination"]["database"]
    with postgres_server.connect(database) as connection:
        yield connection


def test_destination_full(followed: Followed, session: psycopg.Connection[object]) -> None:
    session.execute(FULL.encode())
    followed.ends_in_error("no_space")
    session.execute("DROP EVENT TRIGGER full_disk")
    followed.recovers()


def test_destination_locked_for_a_while(followed: Followed, session: psycopg.Connection[object]) -> None:
    """Somebody holds the table: it is waited for."""
    session.execute("BEGIN")
    session.execute(f"LOCK TABLE {followed.table} IN ACCESS EXCLUSIVE MODE".encode())
    process = followed.harness.start("sync", "--json")
    letting_go = threading.Timer(2, lambda: session.execute("COMMIT"))
    letting_go.start()
    finished = followed.harness.finish(process)
    letting_go.join()
    assert finished.exit_code == 0, finished
    followed.is_in_order()
    assert followed.unloads() == 1


def through(followed: Followed, between: Between) -> None:
    followed.harness.settings["destination"]["port"] = between.port


@pytest.mark.parametrize("when", ["before", "after"])
def test_reset_around_commit(followed: Followed, postgres_server: PostgresServer, when: str) -> None:
    """Before it: the parts are loaded again. After it: the destination is asked, and says it has them."""
    once, never = Times(1), Times()
    before, after = (once, never) if when == "before" else (never, once)
    with Between(postgres_server.port, before, after) as between:
        through(followed, between)
        stream = followed.ends_right()
    assert between.commits >= 1
    assert (stream["counts"]["inserted"], stream["counts"]["updated"]) == (1, 1), "brought once, and counted once"
    assert followed.unloads() == 1
    followed.harness.settings["destination"]["port"] = postgres_server.port
    assert followed.recovers()["counts"]["updated"] == 0


@pytest.mark.parametrize("when", ["before", "after"])
def test_destination_restarted_during_commit(followed: Followed, postgres_server: PostgresServer, when: str) -> None:
    once, never = Times(1, postgres_server.restart), Times()
    before, after = (once, never) if when == "before" else (never, once)
    with Between(postgres_server.port, before, after) as between:
        through(followed, between)
        stream = followed.ends_right()
    assert (stream["counts"]["inserted"], stream["counts"]["updated"]) == (1, 1)
    assert followed.unloads() == 1


def test_sessions_ended_while_they_load(followed: Followed, session: psycopg.Connection[object]) -> None:
    """An administrator ends our session in the middle: the parts that are staged are loaded again."""
    followed.fault("s3.slow", None, bytes_per_second=400, match=".parquet")
    process = followed.harness.start("sync", "--json")
    wait_for(lambda: followed.unloads() > 0, "UNLOAD")
    others = "FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"

    def ended() -> bool:
        rows = session.execute(f"SELECT pg_terminate_backend(pid) {others}".encode()).fetchall()
        return any(row[0] for row in rows)  # type: ignore[index]

    wait_for(ended, "a session to end")
    followed.harness.sandbox.faults.clear()
    finished = followed.harness.finish(process)
    assert finished.exit_code == 0, finished
    followed.is_in_order()


def test_destination_gone(followed: Followed, postgres_server: PostgresServer) -> None:
    with Between(postgres_server.port, Times(), Times()) as between:
        through(followed, between)
    # Nothing listens there any more.
    finished = followed.harness.run("sync", "--json")
    error = followed.error_of(finished)
    assert (finished.exit_code, error["code"]) == (1, "unreachable"), finished
    assert str(between.port) in error["subject"] + error["message"] + error["remedy"], error
    assert error["remedy"], error
    followed.is_unharmed()
    followed.harness.settings["destination"]["port"] = postgres_server.port
    followed.recovers()


def test_database_dropped_is_told_and_then_built_anew(followed: Followed, postgres_server: PostgresServer) -> None:
    database = followed.harness.settings["destination"]["database"]
    postgres_server.drop_database(database)
    finished = followed.harness.run("sync", "--json")
    error = followed.error_of(finished)
    assert (finished.exit_code, error["code"]) == (1, "not_found"), finished
    assert database in error["subject"] + error["message"] + error["remedy"], error
    followed.leaves_nothing()
    postgres_server.create_database(database)
    stream = followed.recovers()
    assert stream["counts"]["inserted"] == followed.harness.source_count(followed.table)
