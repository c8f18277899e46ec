"""Which database user belongs to a principal, as GetCredentials decides it. Pure."""

from __future__ import annotations

from redshift_sandbox.identity.model import Caller
from redshift_sandbox.identity.policy import Ask, authorise

USER_TAG = "RedshiftDbUser"
ROLES_TAG = "RedshiftDbRoles"


def derive_db_user(caller: Caller) -> str | None:
    """The `dbUser` of the caller, or None for a federated user, whose name AWS does not document.

    https://docs.aws.amazon.com/redshift/latest/mgmt/data-api-iam.html for the prefixes. Neither the
    path nor the session name is part of it. That the tag also works on an IAM user is assumed.
    """
    if caller.kind == "federated-user":
        return None
    if caller.kind == "root":
        return "IAM:RootIdentity"
    prefix = "IAMR:" if caller.kind == "assumed-role" else "IAM:"
    return prefix + (caller.tag(USER_TAG) or caller.name)


def derive_db_roles(caller: Caller) -> tuple[str, ...]:
    """Names of database roles to grant at login, from a colon-separated principal tag.

    For a tag of the IAM identity AWS also requires tag:GetResources and tag:GetTagKeys; a session tag is
    part of the call and needs neither.
    https://docs.aws.amazon.com/redshift/latest/mgmt/redshift-iam-access-federated-db-roles.html
    """
    by_session = any(key.lower() == ROLES_TAG.lower() for key in caller.session_tags)
    if not by_session:
        asks = (Ask("tag:GetResources", "*"), Ask("tag:GetTagKeys", "*"))
        if not all(authorise(caller, ask).allowed for ask in asks):
            return ()
    return tuple(name for name in (caller.tag(ROLES_TAG) or "").split(":") if name)
