"""Login: passwords, users that are created at login, TLS, start-up parameters."""

from __future__ import annotations

import os
import struct
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psycopg
import pytest
from gateway_raw import GSSENC_REQUEST, RawClient, fields, startup
from gateway_world import PASSWORD, USER, World

from redshift_sandbox.contracts import LoginVerdict


def refusal(world: World, **changes: Any) -> str:
    with pytest.raises(psycopg.OperationalError) as caught:
        world.connect(**changes).close()
    return str(caught.value)


def fresh_user() -> str:
    return "IAMR:Fresh-" + os.urandom(5).hex()


def test_b13_password_counts_at_login_only(world: World) -> None:
    with world.connect() as before:
        world.passwords.verdicts[USER, PASSWORD] = LoginVerdict("expired")
        assert before.execute("SELECT 1").fetchone() == (1,)
        assert "FATAL:  IAM Authentication token has expired" in refusal(world)


@pytest.mark.parametrize("password", ["wrong", PASSWORD.lower()])
def test_b14_wrong_password(world: World, password: str) -> None:
    assert f'FATAL:  IAM authentication failed for user "{USER}"' in refusal(world, password=password)


def test_a_chosen_fatal_follows_the_right_password_alone(world: World) -> None:
    world.faults.once["gateway.login_fatal"] = {"message": 'Cannot connect to shared database "s".'}
    assert "IAM authentication failed" in refusal(world, password="wrong")
    assert 'FATAL:  Cannot connect to shared database "s".' in refusal(world)


def test_b14_empty_password(world: World) -> None:
    # libpq never sends an empty password, so the test sends the bytes itself.
    with RawClient(world.port) as client:
        client.encrypt()
        kind, body = client.login({"user": USER, "database": "dev"}, "")[-1]
        assert (kind, fields(body)["M"]) == (b"E", f'IAM authentication failed for user "{USER}"')


def test_b14_without_tls(world: World) -> None:
    text = refusal(world, sslmode="disable", sslrootcert=None)
    assert f'FATAL:  password authentication failed for user "{USER}"' in text


def test_b15_unknown_user_is_created_with_public_rights_only(world: World, schema: str) -> None:
    world.admin(f"CREATE TABLE {schema}.t (a int)")
    user = fresh_user()
    with world.connect(user=user) as connection:
        assert connection.execute("SELECT current_user").fetchone() == (user,)
        with pytest.raises(psycopg.errors.InsufficientPrivilege, match=f"denied for schema {schema}"):
            connection.execute(f"SELECT * FROM {schema}.t")
        groups = "SELECT count(*) FROM pg_group g JOIN pg_user u ON u.usesysid = ANY(g.grolist) WHERE u.usename = %s"
        assert connection.execute(groups, (user,)).fetchone() == (0,)


def test_b15_prepared_user_keeps_grants_and_case_counts(world: World, schema: str) -> None:
    user = fresh_user()
    world.admin(f'CREATE TABLE {schema}.t (a int); CREATE USER "{user}" PASSWORD DISABLE')
    world.admin(f'GRANT USAGE ON SCHEMA {schema} TO "{user}"; GRANT SELECT ON {schema}.t TO "{user}"')
    with world.connect(user=user) as connection:
        assert connection.execute(f"SELECT * FROM {schema}.t").fetchall() == []
    with world.connect(user=user.lower()) as connection, pytest.raises(psycopg.errors.InsufficientPrivilege):
        connection.execute(f"SELECT * FROM {schema}.t")


def test_many_first_logins_at_once(world: World) -> None:
    user = fresh_user()

    def log_in(_: int) -> object:
        with world.connect(user=user) as connection:
            return connection.execute("SELECT current_user").fetchone()

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(log_in, range(8))) == {(user,)}


def test_b16_existing_roles_are_granted_and_unknown_ones_ignored(world: World, schema: str) -> None:
    user, role = fresh_user(), "r" + os.urandom(5).hex()
    world.admin(f"CREATE TABLE {schema}.t (a int); CREATE ROLE {role}")
    world.admin(f"GRANT USAGE ON SCHEMA {schema} TO ROLE {role}; GRANT SELECT ON {schema}.t TO ROLE {role}")
    world.passwords.verdicts[user, PASSWORD] = LoginVerdict("ok", db_roles=(role, "no_such_role"))
    with world.connect(user=user) as connection:
        assert connection.execute(f"SELECT * FROM {schema}.t").fetchall() == []


def test_b12_login_as_an_existing_user(world: World) -> None:
    plain = "plain_" + os.urandom(5).hex()
    world.passwords.verdicts["IAM:" + plain, PASSWORD] = LoginVerdict("ok", login_as=plain)
    assert f'FATAL:  user "IAM:{plain}" does not exist' in refusal(world, user="IAM:" + plain)
    world.admin(f"CREATE USER {plain} PASSWORD DISABLE")
    with world.connect(user="IAM:" + plain) as connection:
        assert connection.execute("SELECT current_user").fetchone() == (plain,)


def test_b17_verify_full_needs_the_name_in_the_certificate(world: World) -> None:
    with world.connect() as connection:
        assert connection.pgconn.ssl_in_use
    assert "does not match host name" in refusal(world, host="127.0.0.1")
    assert "certificate verify failed" in refusal(world, sslrootcert="system")


def test_b17_tls_refused_by_knob(world: World) -> None:
    world.faults.on["gateway.tls_refused"] = {}
    assert "server does not support SSL" in refusal(world)


def test_b18_code_13_stops_stock_clients(world: World) -> None:
    world.faults.on["gateway.auth_code"] = {"code": 13}
    assert "authentication method 13 not supported" in refusal(world)


def test_b18_md5(world: World) -> None:
    world.faults.on["gateway.auth_code"] = {"code": 5}
    with world.connect() as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)
    assert "IAM authentication failed" in refusal(world, password="wrong")


def test_b19_one_byte_answers(world: World) -> None:
    with RawClient(world.port) as client:
        assert client.special(GSSENC_REQUEST) == b"N"
        client.encrypt()
        assert client.login({"user": USER, "database": "dev"}, PASSWORD)[-1] == (b"Z", b"I")


@pytest.mark.parametrize("version", [2 << 16, (3 << 16) + 2, 4 << 16])
def test_b19_protocol_3_0_only(world: World, version: int) -> None:
    with RawClient(world.port) as client:
        client.encrypt()
        client.sock.sendall(startup({"user": USER}, version))
        kind, body = client.message()
        assert kind == b"E" and fields(body)["M"].startswith("unsupported frontend protocol")


@pytest.mark.parametrize(
    ("name", "value", "sqlstate", "text"),
    [
        ("ssl_renegotiation_limit", "0", "42704", 'unrecognized configuration parameter "ssl_renegotiation_limit"'),
        ("options", "-c geqo=off", "42704", 'unrecognized configuration parameter "options"'),
        ("lc_monetary", "C", "42501", 'permission denied to set parameter "lc_monetary" to "C"'),
        ("geqo", "off", "42704", 'unrecognized configuration parameter "geqo"'),
    ],
)
def test_b19_unknown_parameters_fail_the_login(world: World, name: str, value: str, sqlstate: str, text: str) -> None:
    with RawClient(world.port) as client:
        client.encrypt()
        kind, body = client.login({"user": USER, "database": "dev", name: value}, PASSWORD)[-1]
        error = fields(body)
        assert (kind, error["S"], error["C"], error["M"]) == (b"E", "FATAL", sqlstate, text)


def test_b19_settings_of_a_session_may_come_with_the_login(world: World) -> None:
    given = {"user": USER, "database": "dev", "DateStyle": "ISO, DMY", "extra_float_digits": "2", "TimeZone": "CET"}
    with RawClient(world.port) as client:
        client.encrypt()
        told = [body for kind, body in client.login(given, PASSWORD) if kind == b"S"]
        assert b"DateStyle\0ISO, DMY\0" in told
        assert [one for one in told if one.startswith((b"TimeZone", b"extra"))] == []
        client.send(b"Q", b"SELECT '02/01/2024'::date, 0.1::float4 + 0, '2024-01-01 00:00:00Z'::timestamptz\0")
        rows = [body for kind, body in client.until_ready() if kind == b"D"]
        assert b"2024-01-02" in rows[0] and b"2024-01-01 01:00:00+01" in rows[0]


def test_a_wrong_value_of_a_setting_fails_the_login(world: World) -> None:
    with RawClient(world.port) as client:
        client.encrypt()
        kind, body = client.login({"user": USER, "database": "dev", "DateStyle": "nonsense"}, PASSWORD)[-1]
        assert (kind, fields(body)["C"]) == (b"E", "22023")


def test_b19_driver_parameters_are_accepted(world: World) -> None:
    names = ("client_protocol_version", "driver_version", "os_version", "plugin_name", "driver_discovery_version")
    given = {"user": USER, "database": "dev", "application_name": "x", "client_encoding": "UTF8"}
    with RawClient(world.port) as client:
        client.encrypt()
        assert client.login(given | dict.fromkeys(names, "2"), PASSWORD)[-1][0] == b"Z"


@pytest.mark.parametrize("length", [0, 7, 10_001, 0xFFFFFFFF])
def test_a_nonsense_startup_length_ends_the_connection(world: World, length: int) -> None:
    with RawClient(world.port) as client:
        client.sock.sendall(struct.pack(">I", length))
        assert client.sock.recv(1) == b""
    with world.connect() as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)


def test_unknown_database(world: World) -> None:
    assert 'FATAL:  database "nowhere" does not exist' in refusal(world, dbname="nowhere")


def test_b21_connection_limit(world: World) -> None:
    world.faults.once["gateway.connection_limit"] = {"limit": 0}
    assert 'connection limit "0" exceeded' in refusal(world)
    world.connect().close()  # the refused login used up its count
    world.faults.once["gateway.connection_limit"] = {"limit": 1}
    world.connect().close()
    assert "gateway.connection_limit" in world.faults.once, "no login was refused"


def test_nothing_secret_reaches_the_log(world: World) -> None:
    world.connect().close()
    refusal(world, password="guessed-secret")
    assert PASSWORD not in repr(world.log) and "guessed-secret" not in repr(world.log)
