"""What a transaction sees, views whose tables are dropped, sessions that are idle."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator

import psycopg
import pytest

from redshift_sandbox import account
from redshift_sandbox.testing import RunningSandbox, fault, fresh_name, start_sandbox

Prefix = Callable[[], str]
ME = f'"{account.ROLE_DB_USER}"'


@pytest.fixture
def schema(sandbox: RunningSandbox) -> Iterator[str]:
    """With the tables `t` and `other`, one row each."""
    name = fresh_name("snapshots_")
    sandbox.admin(f"CREATE SCHEMA {name}; GRANT USAGE ON SCHEMA {name} TO {ME}")
    for table in ("t", "other"):
        make(sandbox, f"{name}.{table}")
    yield name


@pytest.fixture(scope="module")
def later() -> Iterator[RunningSandbox]:
    """One whose clock may be moved: after that, clients of a shared sandbox would always be late."""
    with start_sandbox("types") as running:
        running.login()
        yield running


def make(sandbox: RunningSandbox, table: str) -> None:
    sandbox.admin(f"CREATE TABLE {table} (a int); GRANT SELECT ON {table} TO {ME}; INSERT INTO {table} VALUES (1)")


def count(connection: psycopg.Connection[object], table: str) -> int:
    row = connection.execute(f"SELECT count(*) FROM {table}".encode()).fetchone()
    assert row is not None
    return int(str(row[0]))  # type: ignore[index]


def count_extended(connection: psycopg.Connection[object], table: str) -> int:
    """By the extended protocol, with an unnamed statement."""
    result = connection.pgconn.exec_params(f"SELECT count(*) FROM {table}".encode(), [])
    assert result.status == psycopg.pq.ExecStatus.TUPLES_OK, result.error_message
    return int(result.get_value(0, 0) or b"-1")


@pytest.mark.parametrize("before", [[], ["SELECT 1"]])
def test_the_extended_protocol_takes_the_snapshot_at_the_first_table_too(
    sandbox: RunningSandbox, schema: str, before: list[str]
) -> None:
    table = f"{schema}.t"
    with sandbox.connect() as connection:
        connection.execute("BEGIN")
        for statement in before:
            connection.execute(statement.encode())
        sandbox.admin(f"INSERT INTO {table} VALUES (2)")
        assert count_extended(connection, table) == 2
        sandbox.admin(f"INSERT INTO {table} VALUES (3)")
        assert count_extended(connection, table) == 2
        connection.execute("COMMIT")
        connection.execute("BEGIN")
        assert count_extended(connection, f"{schema}.other") == 1
        sandbox.admin(f"DROP TABLE {table}")
        make(sandbox, table)
        gone = connection.pgconn.exec_params(f"SELECT count(*) FROM {table}".encode(), [])
        assert b"1018" in gone.error_message
        connection.execute("ROLLBACK")
        assert count_extended(connection, table) == 1


def test_the_extended_protocol_takes_one_statement(sandbox: RunningSandbox, schema: str) -> None:
    with sandbox.connect() as connection:
        refused = connection.pgconn.exec_params(f"SELECT 1; DROP TABLE {schema}.t".encode(), [])
        assert b"cannot insert multiple commands" in refused.error_message
        assert count(connection, f"{schema}.t") == 1


@pytest.mark.parametrize("before", [[], ["SELECT 1"], ["SELECT current_user", "SELECT count(*) FROM svv_all_schemas"]])
def test_b33_snapshot_at_the_first_table_and_not_before(
    sandbox: RunningSandbox, schema: str, before: list[str]
) -> None:
    table = f"{schema}.t"
    with sandbox.connect() as connection:
        connection.execute("BEGIN")
        for statement in before:
            connection.execute(statement.encode())
        sandbox.admin(f"INSERT INTO {table} VALUES (2)")
        assert count(connection, table) == 2, "a commit in between is seen"
        sandbox.admin(f"INSERT INTO {table} VALUES (3)")
        assert count(connection, table) == 2, "later ones are not"
        connection.execute("COMMIT")
        assert count(connection, table) == 3


def test_a_transaction_that_is_started_again_keeps_its_mode(sandbox: RunningSandbox, schema: str) -> None:
    with sandbox.connect() as connection:
        connection.execute("BEGIN READ ONLY")
        connection.execute("SELECT 1")
        count(connection, f"{schema}.t")
        with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
            connection.execute(f"INSERT INTO {schema}.t VALUES (2)".encode())
        connection.execute("ROLLBACK")
        assert connection.info.transaction_status == psycopg.pq.TransactionStatus.IDLE


@pytest.mark.parametrize("how", ["SELECT", "UNLOAD"])
@pytest.mark.parametrize("again", [True, False])
def test_b33_after_the_table_was_dropped(
    sandbox: RunningSandbox, schema: str, prefix: Prefix, how: str, again: bool
) -> None:
    table = f"{schema}.t"
    with sandbox.connect() as connection:
        connection.execute("BEGIN")
        count(connection, f"{schema}.other")
        sandbox.admin(f"DROP TABLE {table}")
        if again:
            make(sandbox, table)
        with pytest.raises(psycopg.Error) as caught:
            if how == "SELECT":
                count(connection, table)
            else:
                sandbox.unload(connection, f"SELECT a FROM {table}", prefix())
        assert (caught.value.sqlstate, caught.value.diag.message_primary) == ("XX000", "1018")
        assert caught.value.diag.message_detail == "Relation does not exist"
        connection.execute("ROLLBACK")
        if again:
            assert count(connection, table) == 1


def test_tables_that_never_existed_have_the_ordinary_error(sandbox: RunningSandbox, schema: str) -> None:
    with sandbox.connect() as connection:
        connection.execute("BEGIN")
        count(connection, f"{schema}.t")
        with pytest.raises(psycopg.errors.UndefinedTable):
            count(connection, f"{schema}.nothing")


def test_tables_of_ones_own_transaction_are_no_strangers(sandbox: RunningSandbox, schema: str) -> None:
    sandbox.admin(f"GRANT CREATE ON SCHEMA {schema} TO {ME}")
    with sandbox.connect() as connection:
        connection.execute("BEGIN")
        count(connection, f"{schema}.t")
        connection.execute(f"CREATE TABLE {schema}.mine AS SELECT * FROM {schema}.t".encode())
        assert count(connection, f"{schema}.mine") == 1
        connection.execute("ROLLBACK")


def test_b34_idle_sessions_end_and_busy_ones_do_not(later: RunningSandbox) -> None:
    sandbox = later
    with fault(sandbox, "gateway.idle_timeout", {"seconds": 600, "transaction_seconds": 3600}):
        idle, held = sandbox.connect(), sandbox.connect()
        idle.execute("SELECT 1")
        held.execute("BEGIN")
        sandbox.world.clock.advance(500)
        idle.execute("SELECT 1")
        sandbox.world.clock.advance(601)
        ended = {idle.info.backend_pid}
        while ended & {one["session_id"] for one in sandbox.world.gateway.sessions()}:
            pass
        with pytest.raises(psycopg.OperationalError, match="idle-session timeout"):
            idle.execute("SELECT 1")
        held.execute("SELECT 1")
        held.execute("COMMIT")
        held.close()
        with contextlib.suppress(psycopg.Error):
            idle.close()


def test_b34_a_transaction_left_open_is_paid_for(later: RunningSandbox) -> None:
    sandbox = later
    meter = sandbox.world.meter
    with sandbox.connect() as connection:
        meter.reset()
        connection.execute("BEGIN")
        sandbox.world.clock.advance(1000)
        report = meter.report()["total"]
        assert report["transaction_seconds"] >= 1000 and report["billed_seconds"] >= 1000
        connection.execute("COMMIT")
        sandbox.world.clock.advance(1000)
        assert meter.report()["total"]["billed_seconds"] < 1100


def test_b30_a_late_binding_view_outlives_its_table(sandbox: RunningSandbox, schema: str, prefix: Prefix) -> None:
    view = f"{schema}.v"
    table = f"CREATE TABLE {schema}.named (a int, b varchar(7), c numeric(9,2))"
    sandbox.admin(f"{table}; GRANT SELECT ON {schema}.named TO {ME}")
    sandbox.admin(f"INSERT INTO {schema}.named VALUES (1, 'it''s \\\\', 2.5)")
    query = f"SELECT a, b, c, 'x''y'::varchar(5) AS \"d d\" FROM {schema}.named"
    sandbox.admin(f"CREATE VIEW {view} AS {query} WITH NO SCHEMA BINDING; GRANT SELECT ON {view} TO {ME}")
    with sandbox.connect() as connection:
        assert connection.execute(f'SELECT a, b, "d d" FROM {view}'.encode()).fetchall() == [(1, "it's \\", "x'y")]
        cursor = connection.execute(f"SELECT * FROM {view} LIMIT 0".encode())
        assert cursor.description is not None
        assert [c.type_code for c in cursor.description] == [23, 1043, 1700, 1043]
        sandbox.admin(f"DROP TABLE {schema}.named")
        named = connection.execute(
            f"SELECT table_type FROM svv_all_tables WHERE schema_name = '{schema}' AND table_name = 'v'".encode()
        )
        assert named.fetchall() == [("VIEW",)]
        for statement in (f"SELECT * FROM {view} LIMIT 0", sandbox.unload_text(f"SELECT a FROM {view}", prefix())):
            with pytest.raises(psycopg.errors.UndefinedTable, match=f'relation "{schema}.named" does not exist'):
                connection.execute(statement.encode())
        sandbox.admin(f"{table}; GRANT SELECT ON {schema}.named TO {ME}")
        assert connection.execute(f"SELECT a FROM {view}".encode()).fetchall() == []
        sandbox.admin(f"CREATE OR REPLACE VIEW {view} AS SELECT a FROM {schema}.named WITH NO SCHEMA BINDING")


@pytest.mark.parametrize("how", ["SELECT", "UNLOAD"])
def test_b30_a_datashare_has_its_own_error_for_missing_relations(
    sandbox: RunningSandbox, prefix: Prefix, how: str
) -> None:
    text = "SELECT * FROM tpch.no_such_table"
    statement = text if how == "SELECT" else sandbox.unload_text(text, prefix())
    with sandbox.connect() as connection, fault(sandbox, "gateway.datashare"):
        with pytest.raises(psycopg.Error) as caught:
            connection.execute(statement.encode())
        assert caught.value.sqlstate == "XX000"
        assert caught.value.diag.message_primary == "Relation no_such_table does not exist in the database."


def test_an_unload_ends_though_somebody_waits_to_drop_its_table(
    sandbox: RunningSandbox, schema: str, prefix: Prefix
) -> None:
    table, where = f"{schema}.t", prefix()
    with sandbox.connect() as connection, fault(sandbox, "unload.slow_per_file", {"seconds": 1.2}):
        connection.execute("BEGIN")
        count(connection, table)
        dropping = threading.Thread(target=sandbox.admin, args=(f"DROP TABLE {table}",))
        waits = threading.Timer(0.4, dropping.start)
        waits.start()
        done = sandbox.unload(connection, f"SELECT a FROM {table}", where)
        waits.join()
        assert dropping.is_alive(), "it waits for the transaction"
        connection.execute("COMMIT")
        dropping.join(20)
    assert done.tag == "UNLOAD" and f"{where}manifest" in sandbox.objects(where)
    assert sandbox.admin(f"SELECT to_regclass('{table}')") == [(None,)]
