"""Errors of networks, certificates and authentication, as standard clients see them."""

from __future__ import annotations

import socket
import time
from typing import Any

import psycopg
import pytest

from redshift_sandbox.network import closed_port, foreign_port, mute_port, silent_port
from redshift_sandbox.testing import RunningSandbox, fault


def _refusal(sandbox: RunningSandbox, **keywords: Any) -> str:
    user, password = sandbox.login()
    with pytest.raises(psycopg.OperationalError) as caught:
        sandbox.connect(**{"user": user, "password": password, **keywords})
    return str(caught.value)


def test_closed_port_refuses(sandbox: RunningSandbox) -> None:
    assert "Connection refused" in _refusal(sandbox, port=closed_port())


def test_silent_port_neither_accepts_nor_refuses(sandbox: RunningSandbox) -> None:
    with silent_port() as port:
        started = time.monotonic()
        assert "timeout" in _refusal(sandbox, port=port, connect_timeout=2)
        assert time.monotonic() - started >= 2
        with socket.socket() as direct, pytest.raises(TimeoutError):
            direct.settimeout(0.5)
            direct.connect(("127.0.0.1", port))


def test_mute_port_accepts_and_is_silent(sandbox: RunningSandbox) -> None:
    with mute_port() as port, socket.create_connection(("127.0.0.1", port), 1) as direct:
        direct.settimeout(0.3)
        with pytest.raises(TimeoutError):
            direct.recv(1)


def test_a_server_of_another_kind(sandbox: RunningSandbox) -> None:
    with foreign_port() as port:
        assert "received invalid response to SSL negotiation: H" in _refusal(sandbox, port=port)


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("expired", "certificate verify failed"),
        ("unknown_authority", "certificate verify failed"),
        ("wrong_name", 'does not match host name "localhost"'),
    ],
)
def test_b17_certificates(sandbox: RunningSandbox, kind: str, text: str) -> None:
    with fault(sandbox, "gateway.certificate", {"kind": kind}):
        assert text in _refusal(sandbox)
    sandbox.connect().close()


def test_tls_refused(sandbox: RunningSandbox) -> None:
    with fault(sandbox, "gateway.tls_refused"):
        assert "server does not support SSL" in _refusal(sandbox)


@pytest.mark.parametrize("code", [3, 5])
def test_minted_passwords_serve_both_ways_to_ask_for_them(sandbox: RunningSandbox, code: int) -> None:
    with fault(sandbox, "gateway.auth_code", {"code": code}):
        sandbox.connect().close()
        assert "IAM authentication failed" in _refusal(sandbox, password="wrong")


def test_digest_of_redshifts_own(sandbox: RunningSandbox) -> None:
    with fault(sandbox, "gateway.auth_code", {"code": 13}):
        assert "authentication method 13 not supported" in _refusal(sandbox)


def test_b21_reset_after_some_bytes(sandbox: RunningSandbox) -> None:
    with fault(sandbox, "gateway.reset_after_bytes", {"bytes": 20_000}, count=1):
        connection = sandbox.connect()
        assert connection.execute("SELECT 1").fetchone() == (1,)
        with pytest.raises(psycopg.OperationalError):
            connection.execute("SELECT repeat('x', 100000)")
        assert connection.closed
    sandbox.connect().close()
