"""A table of people whose values are nobody's business, and a stream that shapes it on its way."""

from __future__ import annotations

import hashlib
import itertools
from typing import Any

from harness import Harness, streams_of

_numbers = itertools.count(1)
SALT = "p'ep\\per-of-this-test"


def hashed(value: object) -> str:
    """As docs/SHAPE.md says."""
    return hashlib.sha256((SALT + str(value)).encode()).hexdigest()


class People:
    """A table of people, and the stream that brings it, shaped."""

    def __init__(self, harness: Harness, **stream: Any) -> None:
        self.harness = harness
        self.table = f"tpch.people_{next(_numbers)}_{harness.name.replace('-', '_')}"[:60]
        harness.variables["SLUICE_TEST_SALT"] = SALT
        harness.source(
            f'CREATE TABLE {self.table} ("PersonID" bigint, "Full Name" varchar(80), email varchar(80),'
            ' phone varchar(20), note varchar(200), password varchar(40), vip boolean, amount numeric(12,2), born date,'
            ' "order" char(6), status varchar(10), changed timestamp)'
        )
        harness.source(f'GRANT SELECT ON {self.table} TO "{harness.sandbox.facts.role_db_user}"')
        self.stream: dict[str, Any] = {"table": self.table, **stream}
        harness.settings["streams"] = [self.stream]
        self.second = 0

    @property
    def target(self) -> str:
        return self.table

    def put(self, key: int, status: str = "live", **values: str) -> None:
        self.second += 1
        row = {
            '"PersonID"': str(key), '"Full Name"': f"'Name {key}'", "email": f"'Mail{key}@é.example'",
            "phone": f"'+49 30 {key:07}'", "note": f"'note {key}'", "password": f"'hunter{key}'",
            "vip": "true" if key % 2 else "false", "amount": f"{key}.50", "born": "DATE '1990-02-03'",
            '"order"': "'ab'", "status": f"'{status}'",
            "changed": f"TIMESTAMP '2026-01-01 00:00:00' + interval '{self.second} seconds'", **values,
        }  # fmt: skip
        self.harness.source(f'DELETE FROM {self.table} WHERE "PersonID" = {key}')
        self.harness.source(f"INSERT INTO {self.table} ({', '.join(row)}) VALUES ({', '.join(row.values())})")

    def rows(self, *columns: str) -> list[tuple[Any, ...]]:
        return sorted(self.harness.there.rows(self.target, list(columns)), key=repr)

    def sync(self, *arguments: str) -> dict[str, Any]:
        found = streams_of(self.harness.sync(*arguments))[self.table]
        self.harness.assert_bucket_clean()
        return found


SHAPE: dict[str, Any] = {
    "columns": {"exclude": ["password"]},
    "rename": {"email": "mail_hash", "Full Name": "der Name"},
    "rename_all": "snake_case",
    "where": "status <> 'draft' AND (\"PersonID\" < 100 OR note LIKE '%a;b)--')",
    "cast": {"amount": "varchar", "vip": "varchar(5)", "born": "timestamp"},
    "hash": {"columns": ["email"], "salt": "${SLUICE_TEST_SALT}"},
    "mask": {"phone": "last4", "note": None, "order": "***"},
    "add": ["_synced_at", "_source"],
}
