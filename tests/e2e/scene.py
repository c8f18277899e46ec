"""A set-up of one's own within the shared sandbox: role or user, keys, bucket, schema, database user.

What one test breaks in it no other test sees, but for the faults and the clock, which are the sandbox's.
"""

from __future__ import annotations

import copy
import datetime as dt
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from harness import ROOT, Finished, Harness
from redshift_sandbox import account, policies
from redshift_sandbox.aws.s3_store import Bucket
from redshift_sandbox.world import Sandbox

__all__ = ["ROOT", "Scene"]


class Scene:
    """Works as it is made: `check` is green. `auth` is "role" or "keys"."""

    def __init__(self, sandbox: Sandbox, folder: Path, name: str, auth: str = "role") -> None:
        self.sandbox, self.name, self.auth = sandbox, name, auth
        self.identity = sandbox.aws.identity
        self.harness = Harness(sandbox, folder, name, auth)
        self.schema = "s_" + name.replace("-", "_")
        self.bucket_name, self.role, self.base = f"b-{name}", f"r-{name}", f"u-{name}"
        self.role_arn = f"arn:aws:iam::{account.ACCOUNT}:role/{self.role}"
        self.base_arn = f"arn:aws:iam::{account.BASE_ACCOUNT}:user/{self.base}"
        self.user = f"IAMR:{self.role}" if auth == "role" else f"IAM:{self.base}"
        self.sandbox.aws.add_bucket(self.bucket_name, account.REGION, account.ACCOUNT)
        self.rights = policies.connecting(sandbox.workgroup_arn, self.bucket_name, account.ROOT)
        self._make_identity()
        self._make_tables()
        self._configure()

    def _make_identity(self) -> None:
        owner = account.BASE_ACCOUNT if self.auth == "role" else account.ACCOUNT
        documents = {"assume": policies.may_assume(self.role_arn)}
        if self.auth == "role":
            self.set_role()
        else:
            documents = {"rights": self.rights, "narrow": policies.federation(account.ACCOUNT)}
        self.identity.put_user(owner, self.base, policies=documents)
        self.key = self.identity.add_access_key(owner, self.base)

    def set_role(
        self, *, principal: str = "", external_id: str = "", rights: str = "", actions: list[str] | None = None
    ) -> None:
        """The role as it is right, but for what is given."""
        trust = json.loads(policies.trust(principal or self.base_arn, external_id or self.sandbox.card.external_id))
        if actions is not None:
            trust["Statement"][0]["Action"] = actions
        policies_of_role = {"sluice": rights or self.rights}
        self.identity.put_role(account.ACCOUNT, self.role, json.dumps(trust), policies=policies_of_role)

    def set_rights(self, document: str) -> None:
        self.identity.put_identity_policy(account.ACCOUNT, "role", self.role, "sluice", document)

    def change_rights(self, sid: str, **members: Any) -> None:
        """The role's policy with members of one statement replaced; None removes the statement."""
        document = json.loads(self.rights)
        statements = [s for s in document["Statement"] if s["Sid"] != sid or members]
        for statement in statements:
            if statement["Sid"] == sid:
                statement.update(members)
        self.set_rights(json.dumps({**document, "Statement": statements}))

    def deny(self, action: str, resource: str) -> None:
        document = json.loads(self.rights)
        document["Statement"].append({"Sid": "No", "Effect": "Deny", "Action": action, "Resource": resource})
        self.set_rights(json.dumps(document))

    def _make_tables(self) -> None:
        self.sql(f"CREATE SCHEMA {self.schema}")
        for table in ("orders", "customers"):
            self.sql(f"CREATE TABLE {self.schema}.{table} (id integer, name varchar(20), total numeric(18,2))")
            self.sql(f"INSERT INTO {self.schema}.{table} VALUES (1, 'a', 1.50)")
        self.sql(f'CREATE USER "{self.user}" PASSWORD DISABLE')
        self.grant()

    def grant(self) -> None:
        self.sql(f'GRANT USAGE ON SCHEMA {self.schema} TO "{self.user}"')
        self.sql(f'GRANT SELECT ON ALL TABLES IN SCHEMA {self.schema} TO "{self.user}"')

    def revoke(self) -> None:
        self.sql(f'REVOKE SELECT ON ALL TABLES IN SCHEMA {self.schema} FROM "{self.user}"')
        self.sql(f'REVOKE USAGE ON SCHEMA {self.schema} FROM "{self.user}"')

    def sql(self, statement: str) -> None:
        """As an administrator of the database."""
        self.sandbox.gateway.admin_execute(statement, account.DATABASE)

    def _configure(self) -> None:
        harness = self.harness
        harness.streams(f"{self.schema}.orders", f"{self.schema}.customers")
        self.settings["redshift"]["username"] = self.user
        self.settings["staging"]["bucket"] = self.bucket_name
        if self.auth == "role":
            self.settings["auth"]["role_arn"] = self.role_arn
            harness.variables["AWS_ACCESS_KEY_ID"] = self.key.id
            harness.variables["AWS_SECRET_ACCESS_KEY"] = self.key.secret
        else:
            harness.variables["SANDBOX_KEYS_ACCESS_KEY_ID"] = self.key.id
            harness.variables["SANDBOX_KEYS_SECRET_ACCESS_KEY"] = self.key.secret
        self._right = copy.deepcopy((harness.settings, harness.variables))

    def restore_configuration(self) -> None:
        self.harness.settings, self.harness.variables = copy.deepcopy(self._right)

    def turn_clock_back(self, seconds: float) -> None:
        """Undoes an `advance`. AWS's time never goes back, so the sandbox offers no such thing."""
        self.sandbox.clock._offset -= dt.timedelta(seconds=seconds)

    @property
    def settings(self) -> dict[str, Any]:
        return self.harness.settings

    @property
    def bucket(self) -> Bucket:
        return self.sandbox.aws.store.bucket(self.bucket_name)

    def objects(self) -> list[str]:
        return [o.key for o in self.sandbox.aws.store.list_objects(self.bucket, "", "", "", 1000).objects]

    def check(self) -> Finished:
        return self.harness.run("check", "--json")


def bad(finished: Finished) -> Iterator[dict[str, Any]]:
    """The findings that somebody must look at."""
    yield from (f for f in finished.json.get("findings", []) if f["severity"] in ("failure", "warning"))
