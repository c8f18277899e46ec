"""UNLOAD through the gateway, with an unloader that only counts rows."""

from __future__ import annotations

import threading

import psycopg
import pytest
from gateway_world import USER, World
from psycopg import pq

from redshift_sandbox.contracts import SessionContext, SqlError

UNLOAD = "UNLOAD ('SELECT * FROM generate_series(1, 5)') TO 's3://b/p/'"


def count(connection: psycopg.Connection[object]) -> object:
    row = connection.execute("SELECT pg_last_unload_count()").fetchone()
    return row[0] if isinstance(row, tuple) else None


@pytest.mark.parametrize("prepare", [False, True])
def test_b46_notice_tag_and_count(world: World, prepare: bool) -> None:
    notices: list[tuple[str | None, str | None]] = []
    with world.connect() as connection:
        connection.add_notice_handler(lambda said: notices.append((said.severity, said.message_primary)))
        assert count(connection) == 0
        assert connection.execute(UNLOAD, prepare=prepare).statusmessage == "UNLOAD"
        assert notices == [("INFO", "UNLOAD completed, 5 record(s) unloaded successfully.")]
        assert count(connection) == 5
        with pytest.raises(psycopg.errors.SyntaxError):
            connection.execute("UNLOAD nonsense", prepare=prepare)
        assert count(connection) == 5


def test_count_outlives_a_rollback(world: World) -> None:
    with world.connect() as connection:
        connection.execute("BEGIN")
        connection.execute(UNLOAD)
        assert count(connection) == 5
        connection.execute("ROLLBACK")
        assert count(connection) == 5


def test_unload_between_other_statements_of_one_query(world: World) -> None:
    with world.connect() as connection:
        cursor = connection.execute(f"SELECT 1; BEGIN; {UNLOAD}; SELECT 2; COMMIT")
        tags = [cursor.statusmessage]
        while cursor.nextset():
            tags.append(cursor.statusmessage)
        assert tags == ["SELECT 1", "BEGIN", "UNLOAD", "SELECT 1", "COMMIT"]
        assert connection.info.transaction_status == pq.TransactionStatus.IDLE


def test_failed_unload_aborts_the_transaction_and_the_rest_of_the_query(world: World) -> None:
    bad = "UNLOAD ('SELECT * FROM nowhere_to_be_found') TO 's3://b/p/'"
    with world.connect() as connection:
        connection.execute("BEGIN")
        for prepare in (False, True):
            with pytest.raises(psycopg.Error):
                connection.execute(bad, prepare=prepare)
            assert connection.info.transaction_status == pq.TransactionStatus.INERROR
            with pytest.raises(psycopg.errors.InFailedSqlTransaction):
                connection.execute(UNLOAD, prepare=prepare)
            connection.execute("ROLLBACK")
            connection.execute("BEGIN")
        connection.execute("ROLLBACK")


def test_unload_reads_the_transactions_snapshot(world: World, schema: str) -> None:
    world.admin(f'CREATE TABLE {schema}.t (a int); GRANT SELECT ON {schema}.t TO "{USER}"')
    with world.connect() as connection:
        connection.execute("BEGIN")
        assert connection.execute(f"SELECT count(*) FROM {schema}.t").fetchone() == (0,)
        world.admin(f"INSERT INTO {schema}.t VALUES (1)")
        connection.execute(f"UNLOAD ('SELECT * FROM {schema}.t') TO 's3://b/p/'")
        assert count(connection) == 0
        connection.execute("COMMIT")
        connection.execute(f"UNLOAD ('SELECT * FROM {schema}.t') TO 's3://b/p/'")
        assert count(connection) == 1


def test_unload_runs_as_the_user_with_the_sessions_settings(world: World, schema: str) -> None:
    seen: list[tuple[object, ...]] = []

    def look(session: SessionContext, _: str) -> None:
        with psycopg.connect(session.backend_dsn()) as connection:
            sql = "SELECT current_user, current_setting('search_path'), current_setting('TimeZone')"
            seen.append(connection.execute(sql).fetchone() or ())
        seen.append((session.user, session.database, session.in_transaction, session.identifier_case_sensitive()))

    world.unloader.hook = look
    with world.connect() as connection:
        connection.execute(f"SET search_path TO {schema}, public; SET timezone TO 'Asia/Tokyo'")
        connection.execute(UNLOAD)
    assert seen == [(USER, f"{schema}, public", "Asia/Tokyo"), (USER, "dev", False, False)]


def test_b39_read_only_transaction(world: World) -> None:
    with world.connect() as connection:
        connection.execute("BEGIN READ ONLY")
        with pytest.raises(psycopg.errors.ReadOnlySqlTransaction, match=r"^transaction is read-only$"):
            connection.execute(UNLOAD)


def wait_until_cancelled(session: SessionContext, _: str) -> None:
    pause = threading.Event()
    for _attempt in range(1000):
        if session.cancelled():
            raise SqlError("57014", "cancelled")
        pause.wait(0.01)


@pytest.mark.parametrize("prepare", [False, True])
def test_cancel_reaches_an_unload(world: World, prepare: bool) -> None:
    started = threading.Event()

    def hook(session: SessionContext, sql: str) -> None:
        started.set()
        wait_until_cancelled(session, sql)

    world.unloader.hook = hook
    with world.connect() as connection:

        def cancel() -> None:
            started.wait(20)
            connection.cancel_safe()

        thread = threading.Thread(target=cancel)
        thread.start()
        with pytest.raises(psycopg.errors.QueryCanceled, match=r"^Query \(\d+\) canceled on user's request$"):
            connection.execute(UNLOAD, prepare=prepare)
        thread.join()
        world.unloader.hook = None
        assert connection.execute(UNLOAD).statusmessage == "UNLOAD"


def test_statement_timeout_of_an_unload_follows_the_sandbox_clock(world: World) -> None:
    def hook(session: SessionContext, sql: str) -> None:
        world.clock.advance(120)
        wait_until_cancelled(session, sql)

    world.unloader.hook = hook
    with world.connect() as connection:
        connection.execute("SET statement_timeout TO 60000")
        with pytest.raises(psycopg.errors.QueryCanceled):
            connection.execute(UNLOAD)


def test_b47_unload_goes_on_without_its_client(world: World) -> None:
    finished = threading.Event()

    def hook(session: SessionContext, _: str) -> None:
        session.notice("INFO", "still here")
        finished.set()

    world.unloader.hook = hook
    world.faults.once["gateway.drop_during_statement"] = {}
    with world.connect() as connection, pytest.raises(psycopg.OperationalError):
        connection.execute(UNLOAD)
    assert finished.wait(20)
