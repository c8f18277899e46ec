"""The protocol after login: parameters, simple and extended protocol, cancel, faults."""

from __future__ import annotations

import threading

import psycopg
import pytest
from gateway_raw import RawClient, fields
from gateway_world import PASSWORD, USER, World
from psycopg import pq

SLOW = "SELECT count(*) FROM generate_series(1, 100000) a, generate_series(1, 100000) b"


def test_b20_parameters_reported_at_login(world: World) -> None:
    with RawClient(world.port) as client:
        client.encrypt()
        said = client.login({"user": USER, "database": "dev"}, PASSWORD)
    status = dict(body[:-1].decode().split("\0") for kind, body in said if kind == b"S")
    assert status["server_version"] == "8.0.2"
    assert status["client_encoding"] == "UNICODE"
    assert "standard_conforming_strings" not in status
    assert "TimeZone" not in status


def test_b20_version_ends_in_a_nul_byte(world: World) -> None:
    with world.connect() as connection:
        assert connection.info.server_version == 80002
        row = connection.execute("SELECT 1, version(), 2").fetchone()
        assert row is not None and row[1].endswith("Redshift 1.0.436211\0")
        binary = connection.execute("SELECT version()", binary=True).fetchone()
        assert binary == (row[1],)
        kept = connection.execute("SELECT chr(1) || 'x'").fetchone()
        assert kept == ("\x01x",)


def test_pg_backend_pid_is_the_key_data(world: World) -> None:
    with world.connect() as connection:
        assert connection.execute("SELECT pg_backend_pid()").fetchone() == (connection.info.backend_pid,)


def test_b22_extended_protocol_text_and_binary(world: World) -> None:
    with world.connect() as connection:
        for binary in (False, True):
            row = connection.execute(
                "SELECT %b::int, %t::text, %s::numeric(10,2)", (7, "ä'\\", 1.25), binary=binary
            ).fetchone()
            assert row is not None and (row[0], row[1], float(row[2])) == (7, "ä'\\", 1.25)


def test_b22_named_statements_are_prepared_once_and_closed(world: World) -> None:
    with world.connect() as connection:
        connection.prepare_threshold = 0
        for number in range(3):
            assert connection.execute("SELECT %s::int * 2", (number,)).fetchone() == (number * 2,)
        assert connection.execute("SELECT count(*) FROM pg_prepared_statements").fetchone() == (2,)


def test_portal_fetched_in_pieces(world: World) -> None:
    with RawClient(world.port) as client:
        client.encrypt()
        client.login({"user": USER, "database": "dev"}, PASSWORD)
        client.send(b"P", b"s\0SELECT generate_series(1, 3)\0\0\0")
        client.send(b"D", b"Ss\0")
        client.send(b"B", b"p\0s\0\0\0\0\0\0\0")
        client.send(b"E", b"p\0\0\0\0\2")
        client.send(b"H")
        assert [client.message()[0] for _ in range(7)] == [b"1", b"t", b"T", b"2", b"D", b"D", b"s"]
        client.send(b"E", b"p\0\0\0\0\0")
        client.send(b"C", b"Ss\0")
        client.send(b"S")
        assert [kind for kind, _ in client.until_ready()] == [b"D", b"C", b"3", b"Z"]


def test_refused_statement_in_a_pipeline_skips_to_sync(world: World) -> None:
    with world.connect() as connection, connection.pipeline() as pipeline:
        first = connection.execute("SELECT 1")
        connection.execute("DISCARD ALL")
        skipped = connection.execute("SELECT 2")
        with pytest.raises(psycopg.errors.SyntaxError):
            pipeline.sync()
        assert first.fetchone() == (1,)
        with pytest.raises(psycopg.ProgrammingError):
            skipped.fetchone()
        assert connection.execute("SELECT 4").fetchone() == (4,)


def test_after_an_error_everything_is_ignored_until_sync(world: World) -> None:
    with RawClient(world.port) as client:
        client.encrypt()
        client.login({"user": USER, "database": "dev"}, PASSWORD)
        client.send(b"P", b"\0DISCARD ALL\0\0\0")
        client.send(b"H")
        assert client.message()[0] == b"E"
        # The error has arrived: what the client sends now must leave no outstanding answer.
        client.send(b"P", b"\0SELECT 1\0\0\0")
        client.send(b"B", b"\0\0\0\0\0\0\0\0")
        client.send(b"E", b"\0\0\0\0\0")
        client.send(b"S")
        assert [kind for kind, _ in client.until_ready()] == [b"Z"]
        client.send(b"Q", b"SELECT 2\0")
        assert [kind for kind, _ in client.until_ready()] == [b"T", b"D", b"C", b"Z"]
        assert world.meter.report()["total"]["active"] == 0


def test_long_pipeline(world: World) -> None:
    with world.connect() as connection, connection.pipeline():
        cursors = [connection.execute("SELECT %s::int, repeat('x', 1000)", (n,)) for n in range(2000)]
        assert [row[0] for cursor in cursors if (row := cursor.fetchone())] == list(range(2000))


def test_simple_query_with_several_statements(world: World) -> None:
    with world.connect() as connection:
        cursor = connection.execute("SELECT 'a;b' AS x; /* ; */ SELECT 2 -- ;\n; SHOW query_group;")
        assert [result.fetchall() for result in cursor.results()] == [[("a;b",)], [(2,)], [("unset",)]]
        assert connection.execute("").statusmessage is None


def test_error_in_a_transaction_aborts_it(world: World) -> None:
    with world.connect() as connection:
        connection.execute("BEGIN")
        with pytest.raises(psycopg.errors.SyntaxError):
            connection.execute("DISCARD ALL")
        assert connection.info.transaction_status == pq.TransactionStatus.INERROR
        with pytest.raises(psycopg.errors.InFailedSqlTransaction):
            connection.execute("SELECT 1")
        assert connection.execute("COMMIT").statusmessage == "ROLLBACK"


@pytest.mark.parametrize("parameters", [None, (1,)])
def test_b22_cancel_on_a_second_socket(world: World, parameters: tuple[int] | None) -> None:
    sql = SLOW if parameters is None else SLOW + " WHERE a.a > %s"
    with world.connect() as connection:
        timer = threading.Timer(0.3, connection.cancel_safe)
        timer.start()
        with pytest.raises(psycopg.errors.QueryCanceled, match=r"^Query \(\d+\) canceled on user's request$"):
            connection.execute(sql, parameters)
        timer.join()
        assert connection.execute("SELECT 1").fetchone() == (1,)


def test_b22_statement_timeout(world: World) -> None:
    with world.connect() as connection:
        connection.execute("SET statement_timeout TO 200")
        with pytest.raises(psycopg.errors.QueryCanceled, match=r"^Query \(\d+\) canceled on user's request$"):
            connection.execute(SLOW)


def test_rows_arrive_whole_in_bulk_and_when_huge(world: World) -> None:
    with world.connect() as connection:
        rows = connection.execute("SELECT g, repeat('y', g % 300) FROM generate_series(1, 50000) g").fetchall()
        assert all(len(text) == number % 300 for number, text in rows) and len(rows) == 50000
        big = connection.execute("SELECT repeat('z', 5000000)").fetchone()
        assert big is not None and len(big[0]) == 5_000_000


def test_a_long_statement_arrives_whole(world: World) -> None:
    text = "ab'c" * 500_000
    with world.connect() as connection:
        assert connection.execute("SELECT length(%s)", (text,)).fetchone() == (len(text),)


def test_error_texts_are_redshifts(world: World, schema: str) -> None:
    world.admin(f"CREATE TABLE {schema}.t (a int)")
    with world.connect() as connection:
        with pytest.raises(psycopg.errors.InsufficientPrivilege, match=r"^permission denied for relation t$"):
            connection.execute(f"SELECT a FROM {schema}.t")
        world.admin(f'GRANT SELECT ON {schema}.t TO "{USER}"')
        with pytest.raises(psycopg.errors.UndefinedColumn, match=r'^column "b" does not exist in t$'):
            connection.execute(f"SELECT b FROM {schema}.t")
        with pytest.raises(psycopg.errors.UndefinedTable) as caught:
            connection.execute("SELECT * FROM nothing")
        assert caught.value.diag.message_primary == 'relation "nothing" does not exist'
        assert caught.value.diag.severity_nonlocalized is None  # a field of later releases


def test_broken_message_gets_a_fatal_answer(world: World) -> None:
    with RawClient(world.port) as client:
        client.encrypt()
        client.login({"user": USER, "database": "dev"}, PASSWORD)
        client.sock.sendall(b"Q\0\0\0\1")
        kind, body = client.message()
        assert (kind, fields(body)["S"], fields(body)["C"]) == (b"E", "FATAL", "08P01")


def test_b21_socket_dropped_during_a_statement(world: World) -> None:
    with world.connect() as connection:
        world.faults.once["gateway.drop_during_statement"] = {}
        with pytest.raises(psycopg.OperationalError):
            connection.execute("SELECT 1")
        assert connection.closed


def test_b21_cold_start_delay_before_the_first_statement_only(world: World) -> None:
    with world.connect() as connection:
        world.clock.advance(3600)
        world.faults.on["gateway.cold_start_delay"] = {"seconds": 0.4}
        before = world.clock.now()
        connection.execute("SELECT 1")
        middle = world.clock.now()
        connection.execute("SELECT 1")
        assert (middle - before).total_seconds() >= 0.4 > (world.clock.now() - middle).total_seconds()
