"""The gateway: a Redshift on one TCP port, in front of the private PostgreSQL.

    gateway = Gateway(postgres, passwords, clock, faults, meter, log, tls, unloader)
    port = gateway.start("127.0.0.1")     # 0 as port: any free one
    gateway.admin_execute('GRANT SELECT ON t TO "IAMR:x"')
    gateway.stop()

Its faults are listed in faults.py.
"""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Callable
from typing import Any

from redshift_sandbox.contracts import Clock, Faults, LoginPasswords, SqlError, Unloader
from redshift_sandbox.gateway import backend as backends
from redshift_sandbox.gateway import login, wire
from redshift_sandbox.gateway.admin import admin_execute
from redshift_sandbox.gateway.aliases import Aliases
from redshift_sandbox.gateway.backend import Backend
from redshift_sandbox.gateway.column_rights import ColumnRights
from redshift_sandbox.gateway.exchange import greeting_parameters
from redshift_sandbox.gateway.hub import Hub, Log
from redshift_sandbox.gateway.long_names import LongNames
from redshift_sandbox.gateway.records import HISTORY_VIEWS, Records
from redshift_sandbox.gateway.session import Session
from redshift_sandbox.gateway.stream import farewell
from redshift_sandbox.gateway.users import Users
from redshift_sandbox.meter import Meter
from redshift_sandbox.pg import Postgres

# Makes the TLS context that shows the certificate of a kind; "" is the ordinary one.
Certificates = Callable[[str], ssl.SSLContext]

# Of a workgroup: https://docs.aws.amazon.com/redshift/latest/mgmt/amazon-redshift-limits.html
_CONNECTIONS_MAX = 2000
_STOP_SECONDS = 10.0


class Gateway:
    """REQUIRES: `postgres` runs from start() to stop(). start() and stop() belong to one owner and may be
    called once each; the rest may be called from any thread."""

    def __init__(
        self,
        postgres: Postgres,
        passwords: LoginPasswords,
        clock: Clock,
        faults: Faults,
        meter: Meter,
        log: Log,
        tls: ssl.SSLContext | Certificates | None,
        unloader: Unloader | None = None,
    ) -> None:
        self._postgres = postgres
        self._passwords = passwords
        self._tls = tls
        self._hub = Hub(
            postgres, clock, faults, meter, unloader, log, Users(postgres), Records(postgres, clock, meter),
            ColumnRights(postgres), Aliases(postgres), LongNames(postgres),
        )  # fmt: skip
        self._contexts: dict[str, ssl.SSLContext] = {}
        self._listener: socket.socket | None = None
        self._threads: set[threading.Thread] = set()
        self._acceptor: threading.Thread | None = None

    def start(self, host: str = "127.0.0.1", port: int = 0) -> int:
        """Listens and returns the port. Throws OSError if it is in use."""
        self._listener = socket.create_server((host, port), backlog=128)
        self._acceptor = threading.Thread(target=self._accept, name="gateway-accept", daemon=True)
        self._acceptor.start()
        return int(self._listener.getsockname()[1])

    def stop(self) -> None:
        """Ends every session and returns when their threads have ended."""
        self._hub.stopping.set()
        if self._listener is not None:
            self._listener.shutdown(socket.SHUT_RDWR)
            self._listener.close()
        if self._acceptor is not None:
            self._acceptor.join(_STOP_SECONDS)
        with self._hub.mutex:
            sessions, threads = list(self._hub.sessions.values()), list(self._threads)
        for session in sessions:
            session.end()
        for thread in threads:
            thread.join(_STOP_SECONDS)
        self._hub.users.close()
        self._hub.columns.close()
        self._hub.aliases.close()

    def admin_execute(
        self, redshift_sql: str, database: str = "dev", *, user: str | None = None
    ) -> list[tuple[Any, ...]]:
        """Runs Redshift SQL as the administrator or as another user; returns the rows of the last statement."""
        self._hub.records.write_for(frozenset(name for name in HISTORY_VIEWS if name in redshift_sql.lower()), database)
        return admin_execute(self._postgres, redshift_sql, database, user=user)

    @property
    def records(self) -> Records:
        """The records of what has run, to which UNLOAD adds its own."""
        return self._hub.records

    def sessions(self) -> list[dict[str, Any]]:
        """Who is connected now."""
        with self._hub.mutex:
            return [one.facts() for one in self._hub.sessions.values()]

    def _accept(self) -> None:
        assert self._listener is not None
        while not self._hub.stopping.is_set():
            try:
                sock, _ = self._listener.accept()
            except OSError:
                return
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            thread = threading.Thread(target=self._serve, args=(sock,), name="gateway-session", daemon=True)
            with self._hub.mutex:
                self._threads.add(thread)
            thread.start()

    def _serve(self, sock: socket.socket) -> None:
        try:
            greeting = login.greet(sock, self._context(), self._hub.faults)
            if isinstance(greeting, login.CancelRequest):
                self._cancel(greeting.key)
                farewell(greeting.sock)
                return
            sock = greeting.sock
            self._log_in(greeting)
        except (OSError, wire.ProtocolError) as error:
            self._hub.log("login.broken", {"error": type(error).__name__})
            sock.close()
        finally:
            with self._hub.mutex:
                self._threads.discard(threading.current_thread())

    def _context(self) -> ssl.SSLContext | None:
        if self._tls is None or isinstance(self._tls, ssl.SSLContext):
            return self._tls
        kind = str((self._hub.faults.peek("gateway.certificate") or {}).get("kind", ""))
        with self._hub.mutex:
            if kind not in self._contexts:
                self._contexts[kind] = self._tls(kind)
            return self._contexts[kind]

    def _log_in(self, greeting: login.Greeting) -> None:
        try:
            backend, user = self._admit(greeting)
        except SqlError as error:
            self._hub.log("login.refused", {"user": greeting.db_user, "sqlstate": error.sqlstate})
            greeting.sock.sendall(wire.error_response(error))
            farewell(greeting.sock)
            return
        answer = [wire.message(b"R", b"\0\0\0\0")]
        answer += [wire.parameter_status(name, value) for name, value in greeting_parameters(backend)]
        answer += [wire.message(b"K", backend.key), wire.ready_for_query(b"I")]
        try:
            greeting.sock.sendall(b"".join(answer))
        except OSError:
            backend.sock.close()
            raise
        self._hub.log("login.accepted", {"user": greeting.db_user, "session_id": backend.pid})
        self._run(Session(self._hub, greeting, backend, user), backend.key)

    def _run(self, session: Session, key: bytes) -> None:
        with self._hub.mutex:
            self._hub.sessions[key] = session
        try:
            if not self._hub.stopping.is_set():
                session.run()
        finally:
            with self._hub.mutex:
                del self._hub.sessions[key]

    def _admit(self, greeting: login.Greeting) -> tuple[Backend, str]:
        verdict = login.authenticate(greeting, self._passwords, self._hub.faults)
        login.check_parameters(greeting.parameters)
        self._check_limit()
        user = self._hub.users.prepare(greeting.db_user, verdict)
        name = greeting.parameters.get("application_name", "")
        settings = login.settings(greeting.parameters)
        return backends.connect(self._postgres.socket_path, user, greeting.database, name, settings), user

    def _check_limit(self) -> None:
        """Each login that the fault refuses uses up one of its count."""
        with self._hub.mutex:
            sessions = len(self._hub.sessions)

        def limit_of(args: dict[str, Any]) -> int:
            return int(args.get("limit", _CONNECTIONS_MAX))

        knob = self._hub.faults.take_if("gateway.connection_limit", lambda args: sessions >= limit_of(args))
        if knob is not None or sessions >= _CONNECTIONS_MAX:
            raise login.fatal("53300", f'connection limit "{limit_of(knob or {})}" exceeded for non-bootstrap users')

    def _cancel(self, key: bytes) -> None:
        with self._hub.mutex:
            session = self._hub.sessions.get(key)
        if session is not None:
            session.cancel()
