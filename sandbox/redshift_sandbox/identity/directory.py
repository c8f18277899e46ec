"""The accounts' principals, keys, sessions and workgroups, and the principal of each key id.

Thread-safe: one lock guards every table. Documents are replaced, never changed in place, so a Caller
stays consistent while the tables change.
"""

from __future__ import annotations

import datetime as dt
import re
import secrets
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from redshift_sandbox.contracts import AwsError, Clock
from redshift_sandbox.identity.model import (
    AccessKey,
    Caller,
    Namespace,
    Policy,
    Role,
    Session,
    User,
    Workgroup,
    new_secret,
    unique_id,
)
from redshift_sandbox.identity.oidc import OidcIssuer, OidcProvider
from redshift_sandbox.identity.policy_document import parse_policy

_ROLE_ARN = re.compile(r"arn:aws[a-z-]*:iam::(\d{12}):role(/(?:.*/)?)([^/]+)")
_NAME = re.compile(r"[\w+=,.@-]{1,64}")
_ACCOUNT = re.compile(r"\d{12}")

PolicySet = Mapping[str, str | Policy]


@dataclass(frozen=True)
class Credential:
    """What belongs to a key id: how to verify a signature, and the caller after that."""

    access_key_id: str
    secret: str = field(repr=False)
    token: str | None = field(repr=False)  # None for long-term keys
    expires: dt.datetime | None


class Directory:
    """To create something that exists replaces it and keeps its unique id. Raises AwsError `NoSuchEntity`,
    `ValidationError` or `MalformedPolicyDocument`, as IAM does."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._mutex = threading.RLock()
        self._users: dict[tuple[str, str], User] = {}
        self._roles: dict[tuple[str, str], Role] = {}
        self._keys: dict[str, AccessKey] = {}
        self._sessions: dict[str, Session] = {}
        self._providers: dict[tuple[str, str], OidcProvider] = {}  # by account and URL
        self._workgroups: dict[tuple[str, str], Workgroup] = {}  # by region and name
        self._namespaces: dict[tuple[str, str], Namespace] = {}
        self._caps: dict[str, Policy] = {}
        self._boundaries: dict[tuple[str, str, str], Policy] = {}  # by account, kind and name

    # What limits rights

    def set_cap(self, words: str, document: str | Policy | None) -> None:
        """A policy that every request must pass, with AWS's name for it: "service control policy", "resource
        control policy" or "VPC endpoint policy"; None removes it. It applies to all; an attachment is not modelled.
        https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html"""
        if words not in ("service control policy", "resource control policy", "VPC endpoint policy"):
            raise ValueError(f"AWS has no {words}")
        with self._mutex:
            self._caps.pop(words, None)
            if document is not None:
                self._caps[words] = parse_policy(document, kind="identity")

    def set_boundary(self, account: str, kind: str, name: str, document: str | Policy | None) -> None:
        """The permissions boundary of a "user" or "role"; None removes it."""
        with self._mutex:
            self._boundaries.pop((account, kind, name), None)
            if document is not None:
                self._boundaries[account, kind, name] = parse_policy(document, kind="identity")

    def _caps_of(self, account: str, kind: str, name: str) -> tuple[tuple[str, Policy], ...]:
        boundary = self._boundaries.get((account, kind, name))
        own = () if boundary is None else (("permissions boundary", boundary),)
        return (*self._caps.items(), *own)

    def issued_secrets(self) -> list[str]:
        """Every secret key and token: for tests that search for them where they must not be."""
        with self._mutex:
            keys = [key.secret for key in self._keys.values()]
            return keys + [text for session in self._sessions.values() for text in (session.secret, session.token)]

    # Users and their keys

    def put_user(
        self, account: str, name: str, *, path: str = "/", policies: PolicySet | None = None,
        tags: Mapping[str, str] | None = None,
    ) -> User:  # fmt: skip
        _check(account, name)
        documents = _parse_all(policies)
        with self._mutex:
            user = User(name, account, path, policies=documents, tags=dict(tags or {}))
            earlier = self._users.get((account, name))
            if earlier is not None:
                user.id = earlier.id
            self._users[account, name] = user
            return user

    def add_access_key(
        self, account: str, user: str | None, *, key_id: str | None = None, secret: str | None = None
    ) -> AccessKey:
        """A key of a user, or of the account's root if `user` is None."""
        with self._mutex:
            if user is not None:
                self.user(account, user)
            key = AccessKey(key_id or unique_id("AKIA"), secret or new_secret(), account, user)
            self._keys[key.id] = key
            return key

    def set_key_active(self, key_id: str, active: bool) -> None:
        with self._mutex:
            if key_id not in self._keys:
                raise _missing(f"The Access Key with id {key_id} cannot be found.")
            self._keys[key_id].active = active

    def user(self, account: str, name: str) -> User:
        with self._mutex:
            if (account, name) not in self._users:
                raise _missing(f"The user with name {name} cannot be found.")
            return self._users[account, name]

    def users(self) -> list[User]:
        with self._mutex:
            return list(self._users.values())

    def keys_of(self, account: str, user: str | None) -> list[AccessKey]:
        with self._mutex:
            return [k for k in self._keys.values() if (k.account, k.user) == (account, user)]

    # Roles

    def put_role(
        self, account: str, name: str, trust: str | Policy, *, path: str = "/",
        policies: PolicySet | None = None, tags: Mapping[str, str] | None = None,
        max_session_seconds: int = 3600,
    ) -> Role:  # fmt: skip
        _check(account, name)
        if not 3600 <= max_session_seconds <= 43200:
            raise AwsError("ValidationError", "MaxSessionDuration must be from 3600 to 43200 seconds.")
        role = Role(
            name, account, parse_policy(trust, kind="trust"), path,
            max_session_seconds=max_session_seconds, policies=_parse_all(policies), tags=dict(tags or {}),
        )  # fmt: skip
        with self._mutex:
            earlier = self._roles.get((account, name))
            if earlier is not None:
                role.id = earlier.id
            self._roles[account, name] = role
            return role

    def role(self, account: str, name: str) -> Role:
        with self._mutex:
            if (account, name) not in self._roles:
                raise _missing(f"The role with name {name} cannot be found.")
            return self._roles[account, name]

    def find_role(self, arn: str) -> Role | None:
        """The role with exactly this ARN, its path included."""
        match = _ROLE_ARN.fullmatch(arn)
        with self._mutex:
            role = self._roles.get((match[1], match[3])) if match else None
            return role if role is not None and role.arn == arn else None

    def set_trust(self, account: str, name: str, trust: str | Policy) -> Role:
        """Replaces a role's trust policy and leaves the rest of it as it is."""
        parsed = parse_policy(trust, kind="trust")
        with self._mutex:
            role = self.role(account, name)
            role.trust = parsed
            return role

    # Identity providers

    def put_oidc_provider(self, account: str, issuer: OidcIssuer, audiences: Sequence[str]) -> OidcProvider:
        """Adds an issuer to the account, and replaces one with the same URL."""
        provider = OidcProvider(account, issuer, tuple(audiences))
        with self._mutex:
            self._providers[account, issuer.url] = provider
        return provider

    def find_oidc_provider(self, account: str, issuer_url: str) -> OidcProvider | None:
        with self._mutex:
            return self._providers.get((account, issuer_url.rstrip("/")))

    def roles(self) -> list[Role]:
        with self._mutex:
            return list(self._roles.values())

    def tag_identity(self, account: str, kind: str, name: str, tags: Mapping[str, str]) -> None:
        """Replaces the tags of a "user" or "role"."""
        with self._mutex:
            target = self.user(account, name) if kind == "user" else self.role(account, name)
            target.tags = dict(tags)

    def put_identity_policy(
        self, account: str, kind: str, name: str, policy: str, document: str | Policy | None
    ) -> None:
        """Adds or replaces one inline policy of a "user" or "role"; None removes it."""
        parsed = None if document is None else parse_policy(document, kind="identity")
        with self._mutex:
            target = self.user(account, name) if kind == "user" else self.role(account, name)
            policies = dict(target.policies)
            if parsed is None:
                policies.pop(policy, None)
            else:
                policies[policy] = parsed
            target.policies = policies

    def delete_identity(self, account: str, kind: str, name: str) -> None:
        with self._mutex:
            if kind == "role":
                self.role(account, name)
                del self._roles[account, name]
                return
            self.user(account, name)
            del self._users[account, name]
            self._keys = {i: k for i, k in self._keys.items() if (k.account, k.user) != (account, name)}

    # Sessions

    def open_session(
        self, kind: str, account: str, principal: str, session_name: str, seconds: int, *,
        policy: Policy | None = None, tags: Mapping[str, str] | None = None,
        transitive_keys: frozenset[str] = frozenset(), token_bytes: int | None = None,
    ) -> Session:  # fmt: skip
        """Creates temporary credentials. Tokens differ in length because AWS promises no length."""
        length = token_bytes or 300 + secrets.randbelow(500)
        token = secrets.token_urlsafe(length)[:length].replace("-", "+").replace("_", "/")
        session = Session(
            kind, unique_id("ASIA"), new_secret(), token, self._clock.now() + dt.timedelta(seconds=seconds),
            account, principal, session_name, policy, dict(tags or {}), transitive_keys,
        )  # fmt: skip
        with self._mutex:
            self._sessions[session.access_key_id] = session
        return session

    def credential(self, key_id: str) -> Credential | None:
        """How to verify a request signed with this key; None if it is unknown or not active."""
        with self._mutex:
            key = self._keys.get(key_id)
            if key is not None:
                return Credential(key.id, key.secret, None, None) if key.active else None
            session = self._sessions.get(key_id)
            if session is None:
                return None
            return Credential(session.access_key_id, session.secret, session.token, session.expires)

    def caller(self, key_id: str) -> Caller | None:
        """The principal of a key with its present rights; None if the key, user or role no longer exists."""
        with self._mutex:
            key = self._keys.get(key_id)
            if key is not None:
                return self._long_term_caller(key) if key.active else None
            session = self._sessions.get(key_id)
            if session is None:
                return None
            if session.kind == "assumed-role":
                return self._role_caller(session)
            if session.kind == "user":
                return self._user_caller(session.account, session.principal, temporary=True)
            return self._federated_caller(session)

    def _long_term_caller(self, key: AccessKey) -> Caller | None:
        if key.user is None:
            return Caller("root", f"arn:aws:iam::{key.account}:root", key.account, key.account, "", None)
        return self._user_caller(key.account, key.user, temporary=False)

    def _user_caller(self, account: str, name: str, *, temporary: bool) -> Caller | None:
        user = self._users.get((account, name))
        if user is None:
            return None
        return Caller(
            "user", user.arn, user.account, user.id, user.name, tuple(user.policies.values()),
            identity_tags=dict(user.tags), temporary=temporary, caps=self._caps_of(account, "user", name),
        )  # fmt: skip

    def _role_caller(self, session: Session) -> Caller | None:
        role = self._roles.get((session.account, session.principal))
        if role is None:
            return None
        return Caller(
            "assumed-role",
            f"arn:aws:sts::{role.account}:assumed-role/{role.name}/{session.session_name}",
            role.account, f"{role.id}:{session.session_name}", role.name, tuple(role.policies.values()),
            session.policy, role.arn, dict(role.tags), session.tags, session.transitive_keys, temporary=True,
            caps=self._caps_of(role.account, "role", role.name),
        )  # fmt: skip

    def _federated_caller(self, session: Session) -> Caller | None:
        user = self._users.get((session.account, session.principal))
        if user is None:
            return None
        return Caller(
            "federated-user", f"arn:aws:sts::{session.account}:federated-user/{session.session_name}",
            session.account, f"{session.account}:{session.session_name}", session.session_name,
            # Without a policy a federated session has no rights at all:
            # https://docs.aws.amazon.com/STS/latest/APIReference/API_GetFederationToken.html
            tuple(user.policies.values()) if session.policy is not None else (),
            session.policy, session_tags=session.tags, temporary=True,
            caps=self._caps_of(session.account, "user", session.principal),
        )  # fmt: skip

    # Workgroups and namespaces

    def put_workgroup(self, workgroup: Workgroup) -> Workgroup:
        """Adds or replaces a workgroup, and creates its namespace if that is missing."""
        _check(workgroup.account, workgroup.name)
        with self._mutex:
            self._workgroups[workgroup.region, workgroup.name] = workgroup
            where = (workgroup.region, workgroup.namespace)
            if where not in self._namespaces:
                self._namespaces[where] = Namespace(workgroup.namespace, workgroup.account, workgroup.region)
            return workgroup

    def put_namespace(self, namespace: Namespace) -> Namespace:
        with self._mutex:
            self._namespaces[namespace.region, namespace.name] = namespace
            return namespace

    def find_workgroup(self, account: str, region: str, name: str) -> Workgroup | None:
        with self._mutex:
            found = self._workgroups.get((region, name))
            return found if found is not None and found.account == account else None

    def find_custom_domain(self, account: str, region: str, domain: str) -> Workgroup | None:
        with self._mutex:
            return next(
                (w for w in self._workgroups.values()
                 if (w.account, w.region, w.custom_domain) == (account, region, domain)),
                None,
            )  # fmt: skip

    def find_namespace(self, account: str, region: str, name: str) -> Namespace | None:
        with self._mutex:
            found = self._namespaces.get((region, name))
            return found if found is not None and found.account == account else None

    def workgroups(self) -> list[Workgroup]:
        with self._mutex:
            return list(self._workgroups.values())


def _check(account: str, name: str) -> None:
    if not _ACCOUNT.fullmatch(account):
        raise AwsError("ValidationError", f"account {account!r} is not 12 digits")
    if not _NAME.fullmatch(name):
        raise AwsError("ValidationError", f"the name {name!r} is not 1 to 64 of letters, digits and +=,.@-_")


def _parse_all(policies: PolicySet | None) -> dict[str, Policy]:
    return {name: parse_policy(document, kind="identity") for name, document in (policies or {}).items()}


def _missing(message: str) -> AwsError:
    return AwsError("NoSuchEntity", message, 404)
