"""Bytes that no client should send: cut, damaged, random. The gateway must go on and keep no session."""

from __future__ import annotations

import random
import struct
import threading

import pytest
from gateway_raw import RawClient, startup
from gateway_world import PASSWORD, USER, World

LOGIN = {"user": USER, "database": "dev"}


def drain(client: RawClient) -> None:
    try:
        while client.sock.recv(65536):
            pass
    except OSError:
        return


def assert_alive(world: World, before: int) -> None:
    with world.connect() as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)
    pause = threading.Event()
    for _ in range(500):
        if len(world.gateway.sessions()) <= before:
            return
        pause.wait(0.02)
    raise AssertionError("sessions are left over")


def test_startup_cut_at_every_length(world: World) -> None:
    before = len(world.gateway.sessions())
    whole = startup(LOGIN)
    for end in range(0, len(whole), 3):
        with RawClient(world.port) as client:
            client.encrypt()
            client.sock.sendall(whole[:end])
    assert_alive(world, before)


def test_messages_cut_and_damaged(world: World) -> None:
    before = len(world.gateway.sessions())
    parse = b"s\0SELECT $1::int\0\0\0"
    stream = b"P" + struct.pack(">I", len(parse) + 4) + parse + b"B\0\0\0\x0f\0s\0\0\0\0\1\0\0\0\0"
    for end in range(1, len(stream), 2):
        with RawClient(world.port) as client:
            client.encrypt()
            client.login(LOGIN, PASSWORD)
            client.sock.sendall(stream[:end])
    assert_alive(world, before)


@pytest.mark.parametrize("seed", range(10))
def test_random_bytes(world: World, seed: int) -> None:
    before = len(world.gateway.sessions())
    chance = random.Random(seed)
    with RawClient(world.port) as client:
        client.encrypt()
        client.login(LOGIN, PASSWORD)
        for _ in range(20):
            kind = chance.choice(b"PBDECHSQFdcfXZ?\0").to_bytes(1, "big")
            body = chance.randbytes(chance.randrange(40))
            try:
                client.send(kind, body)
            except OSError:
                break
        client.sock.settimeout(0.2)
        drain(client)
    assert_alive(world, before)


@pytest.mark.parametrize(
    ("kind", "body"), [(b"P", b"no end"), (b"B", b"x\0"), (b"E", b""), (b"C", b"S"), (b"Q", b"\xff\xfe\0"), (b"?", b"")]
)
def test_malformed_messages_end_the_session_with_a_reason(world: World, kind: bytes, body: bytes) -> None:
    with RawClient(world.port) as client:
        client.encrypt()
        client.login(LOGIN, PASSWORD)
        client.send(kind, body)
        answer, text = client.message()
        assert answer == b"E" and b"08P01" in text
