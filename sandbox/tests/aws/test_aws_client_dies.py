"""A client that dies in the middle of a body does not harm the server."""

from __future__ import annotations

import socket
import ssl
import struct
import threading
import time
from urllib.parse import urlsplit

import pytest
from aws_harness import Sandbox
from botocore.client import BaseClient


def test_reset_by_the_client_ends_its_thread_without_a_word(
    sandbox: Sandbox, s3: BaseClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    failed: list[object] = []
    monkeypatch.setattr(threading, "excepthook", lambda arguments: failed.append(arguments.exc_value))
    s3.put_object(Bucket="acme", Key="big", Body=bytes(32 << 20))
    signer = sandbox.client("s3", signature_version="s3v4")
    url = urlsplit(signer.generate_presigned_url("get_object", {"Bucket": "acme", "Key": "big"}))
    before = threading.active_count()
    context = ssl.create_default_context(cafile=sandbox.services.ca_file)
    for _ in range(5):
        raw = socket.create_connection(("127.0.0.1", sandbox.port), 10)
        with context.wrap_socket(raw, server_hostname="127.0.0.1") as tls:
            tls.sendall(f"GET {url.path}?{url.query} HTTP/1.1\r\nHost: 127.0.0.1:{sandbox.port}\r\n\r\n".encode())
            assert tls.recv(100).startswith(b"HTTP/1.1 200")
            tls.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    deadline = time.monotonic() + 10
    while threading.active_count() > before and time.monotonic() < deadline:
        time.sleep(0.02)
    assert (failed, threading.active_count() <= before) == ([], True)
    assert s3.get_object(Bucket="acme", Key="big")["ContentLength"] == 32 << 20
