"""Roles attached to a namespace, which `IAM_ROLE` in UNLOAD names.

https://docs.aws.amazon.com/redshift/latest/mgmt/authorizing-redshift-service.html
"""

from __future__ import annotations

from collections.abc import Callable

from redshift_sandbox.contracts import AccessKeys, AwsError
from redshift_sandbox.identity.assume import AssumeRoleRequest, SessionIssuer
from redshift_sandbox.identity.directory import Directory
from redshift_sandbox.identity.model import Session, Workgroup

# Users report that AWS refuses a role without the second one, so the sandbox demands both (stricter than documented).
_SERVICES = ("redshift.amazonaws.com", "redshift-serverless.amazonaws.com")
_SESSION_NAME = "RedshiftIamRoleSession"


class NamespaceRoles:
    """Implements unload.runner.RoleKeys for one workgroup. That every database user may use the attached roles is
    Redshift's default (ASSUMEROLE for PUBLIC), and the only setting here."""

    def __init__(self, directory: Directory, issuer: SessionIssuer, workgroup: Callable[[], Workgroup]) -> None:
        self._directory = directory
        self._issuer = issuer
        self._workgroup = workgroup

    def __call__(self, db_user: str, role_chain: tuple[str, ...]) -> AccessKeys | None:
        """Keys of the last role of the chain; an empty chain means the namespace's default. None if the first is
        not attached or a trust policy refuses."""
        workgroup = self._workgroup()
        namespace = self._directory.find_namespace(workgroup.account, workgroup.region, workgroup.namespace)
        assert namespace is not None
        default = namespace.default_iam_role_arn
        chain = role_chain or ((default,) if default is not None else ())
        if not chain or chain[0] not in namespace.iam_roles:
            return None
        try:
            session = self._first(chain[0], workgroup, db_user)
            for arn in chain[1:]:
                session = self._next(session, arn)
        except AwsError:
            return None
        return AccessKeys(session.access_key_id, session.secret, session.token)

    def _first(self, arn: str, workgroup: Workgroup, db_user: str) -> Session:
        """The service sends the database user as ExternalId. No form of the workgroup's ARN is known to work as
        aws:SourceArn in a trust policy, so none is sent."""
        user = f"arn:aws:redshift:{workgroup.region}:{workgroup.account}:dbuser:"
        user += f"serverless-{workgroup.account}-{workgroup.id}/{db_user}"
        context = {"sts:ExternalId": user, "aws:SourceAccount": workgroup.account}
        return self._issuer.assume_role_for_service(arn, _SERVICES, context, _SESSION_NAME).session

    def _next(self, session: Session, arn: str) -> Session:
        caller = self._directory.caller(session.access_key_id)
        assert caller is not None
        return self._issuer.assume_role(caller, AssumeRoleRequest(arn, _SESSION_NAME)).session
