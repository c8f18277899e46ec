"""The principals and workgroups of the sandbox's accounts. Plain values; `directory.Directory` keeps them."""

from __future__ import annotations

import datetime as dt
import secrets
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

_ID_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"

Policy = Mapping[str, Any]


def unique_id(prefix: str) -> str:
    """An AWS-like unique id: AKIA (long-term key), ASIA (session key), AIDA (user) or AROA (role)."""
    return prefix + "".join(secrets.choice(_ID_ALPHABET) for _ in range(16))


def new_secret() -> str:
    """A secret access key: 40 characters, among them '/' and '+', which clients often encode wrongly."""
    while True:
        text = secrets.token_urlsafe(30).replace("-", "+").replace("_", "/")
        if "+" in text and "/" in text:
            return text


@dataclass
class AccessKey:
    """A long-term key of a user, or of an account's root when `user` is None."""

    id: str
    secret: str = field(repr=False)
    account: str
    user: str | None
    active: bool = True


@dataclass
class User:
    name: str
    account: str
    path: str = "/"
    id: str = field(default_factory=lambda: unique_id("AIDA"))
    policies: dict[str, Policy] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)

    @property
    def arn(self) -> str:
        return f"arn:aws:iam::{self.account}:user{self.path}{self.name}"


@dataclass
class Role:
    name: str
    account: str
    trust: Policy
    path: str = "/"
    id: str = field(default_factory=lambda: unique_id("AROA"))
    max_session_seconds: int = 3600
    policies: dict[str, Policy] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)

    @property
    def arn(self) -> str:
        return f"arn:aws:iam::{self.account}:role{self.path}{self.name}"


@dataclass(frozen=True)
class Session:
    """Temporary credentials. `kind` is "assumed-role", "federated-user", or "user" for those of GetSessionToken."""

    kind: str
    access_key_id: str
    secret: str = field(repr=False)
    token: str = field(repr=False)
    expires: dt.datetime
    account: str
    principal: str  # name of the role, or of the user whose keys were federated
    session_name: str
    policy: Policy | None = field(default=None, repr=False)
    tags: Mapping[str, str] = field(default_factory=dict)
    transitive_keys: frozenset[str] = frozenset()  # lower case


@dataclass
class Namespace:
    name: str
    account: str
    region: str
    id: str = field(default_factory=lambda: str(uuid.uuid4()))
    db_name: str = "dev"
    admin_username: str = "admin"
    iam_roles: list[str] = field(default_factory=list)
    default_iam_role_arn: str | None = None
    created: dt.datetime = field(default_factory=lambda: dt.datetime.now(dt.UTC))

    @property
    def arn(self) -> str:
        return f"arn:aws:redshift-serverless:{self.region}:{self.account}:namespace/{self.id}"


@dataclass
class Workgroup:
    name: str
    account: str
    region: str
    namespace: str
    host: str
    port: int
    id: str = field(default_factory=lambda: str(uuid.uuid4()))
    status: str = "AVAILABLE"
    publicly_accessible: bool = True
    base_capacity: int = 8
    custom_domain: str | None = None
    patch_version: str = "1.0.436211"
    tags: dict[str, str] = field(default_factory=dict)
    config_parameters: dict[str, str] = field(default_factory=dict)
    created: dt.datetime = field(default_factory=lambda: dt.datetime.now(dt.UTC))

    @property
    def arn(self) -> str:
        """The id in it is a UUID and not the name, so a policy with the name matches nothing.
        https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonredshiftserverless.html
        """
        return f"arn:aws:redshift-serverless:{self.region}:{self.account}:workgroup/{self.id}"


@dataclass(frozen=True)
class Caller:
    """The principal of one request, with its rights at this moment.

    `kind` is "root", "user", "assumed-role" or "federated-user". `grants` are the documents whose
    Allows count; None for the root of an account, who may do everything. `session_policy` limits them.
    """

    kind: str
    arn: str
    account: str
    user_id: str
    name: str  # of the user or role; "" for root
    grants: tuple[Policy, ...] | None
    session_policy: Policy | None = None
    role_arn: str | None = None  # of an assumed role: policies name one of the two forms
    identity_tags: Mapping[str, str] = field(default_factory=dict)  # on the user or role itself
    session_tags: Mapping[str, str] = field(default_factory=dict)
    transitive_keys: frozenset[str] = frozenset()
    temporary: bool = False  # credentials with a session token
    # What limits every right and grants none, as (AWS's name for it, document): a permissions boundary, policies of
    # the organization, the policy of a VPC endpoint.
    caps: tuple[tuple[str, Policy], ...] = ()

    @property
    def long_term(self) -> bool:
        return not self.temporary

    def tag(self, key: str) -> str | None:
        """A principal tag; keys compare without case and a session tag overrides the identity's.
        https://docs.aws.amazon.com/IAM/latest/UserGuide/id_session-tags.html"""
        for tags in (self.session_tags, self.identity_tags):
            for name, value in tags.items():
                if name.lower() == key.lower():
                    return value
        return None

    def context(self) -> dict[str, str]:
        """The condition keys that describe a principal."""
        keys = {
            "aws:PrincipalArn": self.role_arn or self.arn,
            "aws:PrincipalAccount": self.account,
            "aws:PrincipalType": {"root": "Account", "user": "User", "assumed-role": "AssumedRole"}.get(
                self.kind, "FederatedUser"
            ),
            "aws:userid": self.user_id,
        }
        if self.kind == "user":
            keys["aws:username"] = self.name
        for tags in (self.identity_tags, self.session_tags):
            keys.update({f"aws:PrincipalTag/{key}": value for key, value in tags.items()})
        return keys
