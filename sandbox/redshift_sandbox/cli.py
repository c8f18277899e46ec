"""The command `redshift-sandbox`: up, down, status, psql, shop, doctor. Exit codes: 0 done, 1 failed, 2 wrong use."""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from redshift_sandbox import processes, screen

_EPILOG = """examples:
  redshift-sandbox up --dir /tmp/sandbox --data tpch:0.1,types
  redshift-sandbox psql --dir /tmp/sandbox -- -c 'SELECT count(*) FROM tpch.lineitem'
  redshift-sandbox shop step --seed 7 --steps 20 --dir /tmp/sandbox
  redshift-sandbox down --dir /tmp/sandbox
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Parses the command line and runs one command."""
    given = _parser().parse_args(arguments)
    commands = {"up": _up, "serve": _serve, "down": _down, "status": _status, "psql": _psql, "shop": _shop,
                "doctor": _doctor}  # fmt: skip
    if given.dir is not None:
        given.dir = given.dir.resolve()
    return commands[given.command](given)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="redshift-sandbox", description="An Amazon Redshift Serverless on one machine.", epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    commands = parser.add_subparsers(dest="command", required=True, metavar="{up,down,status,psql,shop,doctor}")
    up = commands.add_parser("up", help="start a sandbox and return when it is ready")
    _add_start_options(up)
    up.add_argument("--foreground", action="store_true", help="stay in the foreground until interrupted")
    serve = commands.add_parser("serve")  # the background process of `up`; not for users
    _add_start_options(serve)
    serve.add_argument("--ready-fd", type=int)
    down = commands.add_parser("down", help="stop exactly what `up` started")
    status = commands.add_parser("status", help="say whether it runs, and where")
    status.add_argument("--json", action="store_true", help="print the state as JSON")
    psql = commands.add_parser("psql", help="run psql with credentials minted for the reader")
    psql.add_argument("rest", nargs=argparse.REMAINDER, metavar="-- PSQL ARGUMENTS")
    shop = commands.add_parser("shop", help="change the tables of the data set shop")
    shop.add_argument("action", choices=("step", "settle", "status"),
                      help="make changes, commit the open transactions, or only look")  # fmt: skip
    shop.add_argument("--seed", type=int,
                      help="seed of the random changes; a new one starts a new writer (default: go on)")  # fmt: skip
    shop.add_argument("--steps", type=int, default=1, help="number of changes (default: %(default)s)")
    shop.add_argument("--kind", help="make only this kind of change, such as update")
    shop.add_argument("--table", help="change only this table, such as orders")
    _add_doctor_options(commands.add_parser("doctor", help="try whether an endpoint behaves as the sandbox does"))
    for command in (up, serve, down, status, psql, shop):
        command.add_argument("--dir", type=Path, required=True, help="the sandbox's directory")
    return parser


def _add_start_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--data", default="tpch:0.01,types", help="tpch:SCALE, types, shop (default: %(default)s)")
    parser.add_argument("--port", type=int, default=0, help="port of Redshift (default: the last one, or any free one)")
    parser.add_argument("--aws-port", type=int, default=0, help="port of the AWS services (default: the same)")
    parser.add_argument("--bare", action="store_true", help="set nothing up: no role, policy, user or grant")
    parser.add_argument("--developer", action="store_true",
                        help="for your own tests: one user who may do everything, a bucket, a role for COPY and UNLOAD")
    parser.add_argument("--seed", type=int, default=0, help="seed of random values, such as slice numbers")


def _add_doctor_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--dir", type=Path, help="try the sandbox that runs in this directory")
    parser.add_argument("--host", help="try this endpoint; the password is read from PGPASSWORD")
    parser.add_argument("--port", type=int, default=5439)
    parser.add_argument("--database", default="dev")
    parser.add_argument("--user", help="database user")
    parser.add_argument("--sslrootcert", default="system", help="file with certificates (default: the system's)")
    parser.add_argument("--s3", default="", help="s3://bucket/prefix/ where UNLOAD may write; else it is not tried")
    parser.add_argument("--iam-role", default="default", help="role of UNLOAD: an ARN, or `default`")
    parser.add_argument("--pay", action="store_true", help="go on although a live workgroup costs money")


# -- up -------------------------------------------------------------------------------------------


def _up(given: argparse.Namespace) -> int:
    from redshift_sandbox.data.sets import UnknownDataSet, parse_data_sets  # slow to import, as world is

    try:
        parse_data_sets(given.data)
    except UnknownDataSet as error:
        print(error, file=sys.stderr)
        return 2
    state = processes.running(given.dir)
    if state is not None:
        print(screen.welcome(given.dir, state, was_running=True))
        return 0
    given.dir.mkdir(parents=True, exist_ok=True)
    if given.foreground:
        given.ready_fd = None
        return _serve(given)
    return _up_in_background(given)


def _up_in_background(given: argparse.Namespace) -> int:
    reading, writing = os.pipe()
    command = [sys.executable, "-m", "redshift_sandbox.cli", "serve", "--dir", str(given.dir), "--data", given.data,
               "--port", str(given.port), "--aws-port", str(given.aws_port), "--seed", str(given.seed),
               "--ready-fd", str(writing), *(["--bare"] if given.bare else []),
               *(["--developer"] if given.developer else [])]  # fmt: skip
    with (given.dir / "sandbox.log").open("ab") as log:
        child = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, pass_fds=[writing], start_new_session=True
        )
    os.close(writing)
    failure = _follow(reading)
    if failure is None:
        state = processes.running(given.dir)
        if state is not None:
            print(screen.welcome(given.dir, state, was_running=False))
            return 0
    child.wait()
    print(f"The sandbox did not start: {failure or 'it ended early'}\nSee {given.dir / 'sandbox.log'}", file=sys.stderr)
    return 1


def _follow(reading: int) -> str | None:
    """Shows the progress of the child until it is ready; returns None, or why it failed."""
    with os.fdopen(reading) as lines:
        for line in lines:
            kind, _, text = line.rstrip("\n").partition(" ")
            if kind == "ready":
                return None
            if kind == "failed":
                return text
            print(text, file=sys.stderr)
    return "it ended before it was ready"


def _serve(given: argparse.Namespace) -> int:
    report = _Report(given.ready_fd)
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    try:
        return _serve_until(stop, given, report)
    except Exception as error:
        report.line("failed", str(error) or type(error).__name__)
        if given.ready_fd is not None:
            raise  # the traceback goes to the log
        return 1


def _serve_until(stop: threading.Event, given: argparse.Namespace, report: _Report) -> int:
    from redshift_sandbox.world import Options, Sandbox  # slow to import, and `down` needs none of it

    earlier = _earlier_ports(given.dir)
    options = Options(given.dir, given.data, bare=given.bare, developer=given.developer, seed=given.seed,
                      redshift_port=given.port or earlier[0], aws_port=given.aws_port or earlier[1])  # fmt: skip
    with Sandbox(options, notify=lambda text: report.line("progress", text)) as sandbox:
        _keep_ports(given.dir, sandbox.redshift_port, sandbox.aws_port)
        state = processes.own_state(given.data, options.host, sandbox.redshift_port, sandbox.aws_url)
        processes.write_state(given.dir, state)
        if given.ready_fd is None:
            print(screen.welcome(given.dir, state, was_running=False), flush=True)
        report.line("ready", "")
        stop.wait()
        processes.forget_state(given.dir)
    return 0


class _Report:
    """Reports the progress of the start to the waiting `up`, or to the terminal if there is none."""

    def __init__(self, ready_fd: int | None) -> None:
        self._fd = ready_fd

    def line(self, kind: str, text: str) -> None:
        if self._fd is None:
            if kind != "ready":
                print(text, file=sys.stderr)
            return
        os.write(self._fd, f"{kind} {text}".replace("\n", " ").encode() + b"\n")
        if kind in ("ready", "failed"):
            os.close(self._fd)
            self._fd = None


def _earlier_ports(directory: Path) -> tuple[int, int]:
    """The ports of the last start if they are free, so that a shell's variables stay valid; else 0."""
    import socket

    try:
        ports = json.loads((directory / "ports.json").read_text())
    except (OSError, ValueError):
        return 0, 0
    free = []
    for name in ("redshift", "aws"):
        try:
            socket.create_server(("127.0.0.1", int(ports[name]))).close()
            free.append(int(ports[name]))
        except (OSError, KeyError, ValueError):
            free.append(0)
    return free[0], free[1]


def _keep_ports(directory: Path, redshift: int, aws: int) -> None:
    (directory / "ports.json").write_text(json.dumps({"redshift": redshift, "aws": aws}) + "\n")


# -- the others -----------------------------------------------------------------------------------


def _down(given: argparse.Namespace) -> int:
    state = processes.running(given.dir)
    if state is None or not processes.stop(state, given.dir):
        processes.forget_state(given.dir)
        print(screen.not_running(given.dir))
        return 0
    print(screen.stopped(given.dir))
    return 0


def _status(given: argparse.Namespace) -> int:
    state = processes.running(given.dir)
    if given.json:
        print(json.dumps({"running": state is not None, **(asdict(state) if state else {})}))
    elif state is None:
        print(screen.not_running(given.dir))
    else:
        print(screen.welcome(given.dir, state, was_running=True))
    return 0 if state is not None else 1


def _psql(given: argparse.Namespace) -> int:
    state = processes.running(given.dir)
    if state is None:
        print(screen.not_running(given.dir), file=sys.stderr)
        return 1
    from redshift_sandbox.minting import psql_command

    rest = given.rest[1:] if given.rest[:1] == ["--"] else given.rest
    command, environment = psql_command(given.dir, state, rest)
    os.execvpe(command[0], command, environment)
    return 1  # not reached: the process is psql from here on


def _shop(given: argparse.Namespace) -> int:
    if processes.running(given.dir) is None:
        print(screen.not_running(given.dir), file=sys.stderr)
        return 1
    from redshift_sandbox.minting import ask_control

    wanted = {"seed": given.seed, "kind": given.kind, "table": given.table, "steps": given.steps}
    bodies: dict[str, dict[str, object] | None] = {"step": wanted, "settle": {"settle": True}, "status": None}
    status, answer = ask_control(given.dir, "shop", bodies[given.action])
    if status != 200:
        print(answer.get("error", f"the sandbox answered {status}"), file=sys.stderr)
        return 2 if status == 400 else 1
    for event in answer["events"]:
        print(event)
    rows = ", ".join(f"{name} {count}" for name, count in answer["rows"].items())
    print(f"seed {answer['seed']}; {answer['open_transactions']} transaction(s) open; rows: {rows}")
    return 0


def _doctor(given: argparse.Namespace) -> int:
    from redshift_sandbox import doctor  # slow to import

    if given.dir is None:
        return doctor.run(given, None)
    state = processes.running(given.dir)
    if state is None:
        print(screen.not_running(given.dir), file=sys.stderr)
        return 1
    from redshift_sandbox.minting import sandbox_login

    return doctor.run(given, sandbox_login(given.dir, state))


if __name__ == "__main__":
    sys.exit(main())
