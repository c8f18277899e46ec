"""The customer's administrator, who pastes what a guide or a tool prints.

    administrator = Administrator(sandbox.world)
    administrator.apply_trust("sluice-reader", trust_json)
    administrator.apply_permissions("role", "sluice-reader", policy_json)
    administrator.apply_sql('CREATE USER "IAMR:sluice-reader" PASSWORD DISABLE; ...')

Every document is taken as text or as the parsed value, and refused as AWS refuses it (contracts.AwsError).
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from redshift_sandbox import account, world
from redshift_sandbox.aws.lifecycle import rules_of_json
from redshift_sandbox.aws.s3_model import Bucket
from redshift_sandbox.contracts import AccessKeys, AwsError
from redshift_sandbox.identity.model import Role
from redshift_sandbox.identity.oidc import OidcIssuer

Document = str | Mapping[str, Any]


class Administrator:
    """Acts in the customer's account and database. Any thread may call it."""

    def __init__(self, sandbox: world.Sandbox) -> None:
        self._sandbox = sandbox
        self._identity = sandbox.aws.identity
        self._store = sandbox.aws.store

    # -- database -------------------------------------------------------------------------------

    def apply_sql(
        self, text: str, database: str = account.DATABASE, *, user: str | None = None
    ) -> list[tuple[Any, ...]]:
        """Runs a script as the namespace's administrator or as another `user`; returns its last rows."""
        return self._sandbox.gateway.admin_execute(text, database, user=user)

    # -- IAM ------------------------------------------------------------------------------------

    def apply_permissions(self, kind: str, name: str, document: Document | None, policy: str = "sluice") -> None:
        """Adds or replaces an inline policy of a "role" or "user"; None removes it. The identity must exist."""
        parsed = json.loads(document) if isinstance(document, str) else document
        self._identity.put_identity_policy(account.ACCOUNT, kind, name, policy, parsed)

    def apply_trust(self, role: str, document: Document, *, max_session_seconds: int | None = None) -> Role:
        """Creates the role, or replaces the trust policy of the one that is there."""
        parsed = json.loads(document) if isinstance(document, str) else document
        try:
            found = self._identity.set_trust(account.ACCOUNT, role, parsed)
        except AwsError as error:
            if error.code != "NoSuchEntity":
                raise
            found = self._identity.put_role(account.ACCOUNT, role, parsed)
        if max_session_seconds is not None:
            found.max_session_seconds = max_session_seconds
        return found

    def tag_role(self, role: str, tags: Mapping[str, str]) -> None:
        """Replaces the role's tags."""
        self._identity.tag_identity(account.ACCOUNT, "role", role, tags)

    def tag_user(self, user: str, tags: Mapping[str, str]) -> None:
        self._identity.tag_identity(account.ACCOUNT, "user", user, tags)

    def create_user(self, name: str) -> AccessKeys:
        """Creates an IAM user without policies, and returns its access key."""
        self._identity.put_user(account.ACCOUNT, name)
        key = self._identity.add_access_key(account.ACCOUNT, name)
        return AccessKeys(key.id, key.secret)

    def deactivate_key(self, access_key_id: str, *, active: bool = False) -> None:
        self._identity.set_key_active(access_key_id, active)

    def delete(self, kind: str, name: str) -> None:
        """Removes a "role" or "user" with its policies and keys."""
        self._identity.delete_identity(account.ACCOUNT, kind, name)

    def trust_issuer(self, issuer: OidcIssuer, audiences: Sequence[str]) -> str:
        """Registers an OpenID Connect provider in the account; returns its ARN."""
        return self._identity.put_oidc_provider(account.ACCOUNT, issuer, audiences).arn

    def attach_role(self, role_arn: str, *, default: bool = False, attached: bool = True) -> None:
        """Attaches a role to the namespace, for UNLOAD's IAM_ROLE, or detaches it."""
        namespace = self._identity.find_namespace(account.ACCOUNT, account.REGION, account.WORKGROUP)
        assert namespace is not None
        others = [arn for arn in namespace.iam_roles if arn != role_arn]
        namespace.iam_roles = [*others, role_arn] if attached else others
        if default or namespace.default_iam_role_arn == role_arn:
            namespace.default_iam_role_arn = role_arn if attached else None

    # -- bucket ---------------------------------------------------------------------------------

    def apply_bucket_policy(self, document: Document | None, bucket: str = account.BUCKET) -> None:
        """Replaces the bucket's policy; None removes it."""
        self._store.set_policy(self._bucket(bucket), document)

    def apply_lifecycle(self, document: Document | None, bucket: str = account.BUCKET) -> None:
        """Replaces the lifecycle configuration, given as `aws s3api put-bucket-lifecycle-configuration` reads it."""
        parsed = json.loads(document) if isinstance(document, str) else document
        self._bucket(bucket).lifecycle = () if parsed is None else rules_of_json(parsed)

    def apply_versioning(self, status: str = "Enabled", bucket: str = account.BUCKET) -> None:
        """Either "Enabled", "Suspended", or "": as if it had never been on."""
        if status not in ("Enabled", "Suspended", ""):
            raise ValueError(f"versioning is Enabled or Suspended, not {status!r}")
        self._bucket(bucket).versioning = status

    def apply_encryption(self, kms_key_arn: str | None, bucket: str = account.BUCKET) -> None:
        """The key of the bucket's default encryption; None for SSE-S3."""
        self._bucket(bucket).kms_key = kms_key_arn

    def _bucket(self, name: str) -> Bucket:
        return self._store.bucket(name)
