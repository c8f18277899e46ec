"""Short plays of one misfortune each, for the crash test and for the defects that only they bring to light."""

from __future__ import annotations

import contextlib
import io
import json
import socket
import threading
from collections.abc import Callable
from typing import Any

import pyarrow.parquet as pq
from history import Event, Player
from redshift_sandbox.aws.s3_model import StoredObject

Script = Callable[[Player], None]


def a_part_is_not_what_the_manifest_says(player: Player) -> None:
    """A row is missing from a staged part: found by the counts, and read again."""
    _begin(player)
    assert player.kill_at("unloaded")
    part, manifest = _staged(player, ".parquet")[0], _staged(player, "manifest")[0]
    table = pq.read_table(part.file)
    shorter = io.BytesIO()
    pq.write_table(table.slice(0, table.num_rows - 1), shorter)
    listed = json.loads(manifest.file.read_bytes())
    for entry in listed["entries"]:
        if entry["url"].endswith(part.key):
            entry["meta"]["content_length"] = len(shorter.getvalue())
    listed["meta"]["content_length"] += len(shorter.getvalue()) - part.size
    player.harness.put_object(part.key, shorter.getvalue())
    player.harness.put_object(manifest.key, json.dumps(listed).encode())
    player.play([Event("sync")])


def a_part_lies_there_that_the_manifest_does_not_list(player: Player) -> None:
    _begin(player)
    assert player.kill_at("unloaded")
    part = _staged(player, ".parquet")[0]
    player.harness.put_object(part.key.replace(".parquet", "_again.parquet"), part.file.read_bytes())
    player.play([Event("sync")])


def a_column_widens_after_a_death(player: Player) -> None:
    """What the dead sync had unloaded would still load, but is not what is asked for: it is read again."""
    _begin(player)
    assert player.kill_at("unloaded")
    player.play([Event("widen", word="wide"), Event("insert", word="new"), Event("sync")])


def a_column_narrows(player: Player) -> None:
    """Its old values would not fit: refused, and taken when it is as wide again."""
    _begin(player)
    player.play([Event("narrow", word="n"), Event("sync")])


def a_row_is_dated_in_the_future(player: Player) -> None:
    """It hides no later row, and is not deleted by the merge that reads everything."""
    _begin(player)
    player.play([Event("put", 9, 1, "future"), Event("sync"), Event("insert", word="new"), Event("sync")])
    player.play([Event("sync", word="--full"), Event("insert", word="new"), Event("sync")])


def a_row_comes_late(player: Player) -> None:
    """It says what its key was before what is there: a history knows that already, a merge takes it."""
    _begin(player)
    player.play([Event("sync"), Event("put", 2, 1, "late"), Event("insert", word="new"), Event("sync")])


def a_key_comes_back(player: Player) -> None:
    """Its next version does not begin before the one that ended."""
    _begin(player)
    player.play([Event("sync"), Event("delete", 2), Event("insert", word="new"), Event("sync")])
    player.play([Event("put", 2, 1, "new"), Event("sync"), Event("mark", 2, 1), Event("sync")])
    player.play([Event("put", 2, 2, "new"), Event("sync")])


def keys_follow_one_another(player: Player) -> None:
    """Wherever ranges of the key begin and end, there is a row."""
    player.play([*(Event("put", key, 1, "new") for key in range(12)), Event("sync")])


def rows_are_written_while_a_sync_runs(player: Player) -> None:
    """What came is what the watermark says, and the next sync brings the rest."""
    _begin(player)
    for _ in range(4 if player.mode.incremental else 0):  # a full refresh has no watermark to tell
        player.play([Event("busy_sync"), Event("sync")])


def the_answer_to_commit_is_lost(player: Player) -> None:
    """The destination is asked what became of it; nothing is repeated."""
    _begin(player)
    with _Commits(player, lose_answer=True) as commits:
        player.play([Event("sync")])
    assert commits.seen > 0


def commit_becomes_a_rollback(player: Player) -> None:
    """PostgreSQL answers so to the COMMIT of a transaction that had failed: a success with another tag."""
    _begin(player)
    with _Commits(player, lose_answer=False) as commits:
        player.play([Event("sync")])
    assert commits.seen > 0


SCRIPTS: dict[str, Script] = {
    script.__name__: script
    for script in (
        a_part_is_not_what_the_manifest_says, a_part_lies_there_that_the_manifest_does_not_list,
        a_column_widens_after_a_death, a_column_narrows, a_row_is_dated_in_the_future,
        a_row_comes_late, a_key_comes_back, keys_follow_one_another,
        rows_are_written_while_a_sync_runs, the_answer_to_commit_is_lost, commit_becomes_a_rollback,
    )
}  # fmt: skip
# Those that need a server between which and the program one can stand.
BETWEEN = (the_answer_to_commit_is_lost, commit_becomes_a_rollback)
# Those in which a history differs from a merge.
OF_HISTORY = (a_row_comes_late, a_key_comes_back)


def _begin(player: Player) -> None:
    player.play([Event("put", key, 1, "new") for key in range(6)])
    player.play([Event("sync"), *(Event("put", key, 2, "new") for key in range(3)), Event("insert", word="new")])


def _staged(player: Player, ending: str) -> list[StoredObject]:
    keys = [key for key in player.harness.objects() if key.endswith(ending)]
    found = [player.harness.sandbox.aws.store.find(player.harness.bucket, key) for key in keys]
    return [one for one in found if one is not None]


class _Commits:
    """Stands between the program and its PostgreSQL, and spoils the first COMMIT."""

    _COMMIT = b"Q\0\0\0\x0bCOMMIT\0"
    _ROLLBACK = b"Q\0\0\0\x0dROLLBACK\0"

    def __init__(self, player: Player, *, lose_answer: bool) -> None:
        self.seen = 0
        self._lose_answer = lose_answer
        self._settings: dict[str, Any] = player.harness.settings["destination"]
        self._port = int(self._settings["port"])
        self._listener = socket.create_server(("127.0.0.1", 0))

    def __enter__(self) -> _Commits:
        self._settings["port"] = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._settings["port"] = self._port
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                server = socket.create_connection(("127.0.0.1", self._port))
                lost = threading.Event()
                threading.Thread(target=self._ask, args=(client, server, lost), daemon=True).start()
                threading.Thread(target=self._answer, args=(client, server, lost), daemon=True).start()

    def _ask(self, client: socket.socket, server: socket.socket, lost: threading.Event) -> None:
        with contextlib.suppress(OSError):
            while data := client.recv(1 << 16):
                if self._COMMIT in data:
                    self.seen += 1
                    if self.seen == 1 and self._lose_answer:
                        lost.set()
                    elif self.seen == 1:
                        data = data.replace(self._COMMIT, self._ROLLBACK)
                server.sendall(data)
        _end(client, server)

    @staticmethod
    def _answer(client: socket.socket, server: socket.socket, lost: threading.Event) -> None:
        with contextlib.suppress(OSError):
            while data := server.recv(1 << 16):
                if lost.is_set():
                    break
                client.sendall(data)
        _end(client, server)


def _end(*sockets: socket.socket) -> None:
    for one in sockets:
        with contextlib.suppress(OSError):
            one.shutdown(socket.SHUT_RDWR)
        one.close()
