"""The IAM documents of the ready-made principals: what the setup guide asks a customer's administrator to write."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any


def _document(statements: Sequence[dict[str, Any]]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def login(workgroup_arn: str) -> dict[str, Any]:
    """https://docs.aws.amazon.com/redshift-serverless/latest/APIReference/API_GetCredentials.html"""
    action = "redshift-serverless:GetCredentials"
    return {"Sid": "Login", "Effect": "Allow", "Action": action, "Resource": workgroup_arn}


def staging(bucket: str, root: str) -> list[dict[str, Any]]:
    """Read, write and delete below `root` (without slashes at its ends), and list the bucket."""
    return [
        {"Sid": "Bucket", "Effect": "Allow",
         "Action": ["s3:ListBucket", "s3:GetBucketLocation", "s3:ListBucketMultipartUploads"],
         "Resource": f"arn:aws:s3:::{bucket}"},
        {"Sid": "Objects", "Effect": "Allow",
         "Action": ["s3:GetObject", "s3:PutObject", "s3:DeleteObject", "s3:AbortMultipartUpload",
                    "s3:ListMultipartUploadParts"],
         "Resource": f"arn:aws:s3:::{bucket}/{root}/*"},
    ]  # fmt: skip


def connecting(workgroup_arn: str, bucket: str, root: str) -> str:
    """For the role or user that connects."""
    return _document([login(workgroup_arn), *staging(bucket, root)])


def staging_only(bucket: str, root: str) -> str:
    """For another bucket."""
    return _document(staging(bucket, root))


def federation(account: str) -> str:
    """Lets a user narrow its own keys: https://docs.aws.amazon.com/STS/latest/APIReference/API_GetFederationToken.html"""
    return _document([{"Sid": "Narrow", "Effect": "Allow", "Action": "sts:GetFederationToken",
                       "Resource": f"arn:aws:sts::{account}:federated-user/*"}])  # fmt: skip


def may_assume(role_arn: str) -> str:
    """For the base identity, in its own account: for a role of another account, both accounts must allow it."""
    return _document([{"Effect": "Allow", "Action": ["sts:AssumeRole", "sts:TagSession"], "Resource": role_arn}])


def trust(principal_arn: str, external_id: str) -> str:
    """https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_common-scenarios_third-party.html"""
    return _document([{
        "Effect": "Allow", "Principal": {"AWS": principal_arn}, "Action": ["sts:AssumeRole", "sts:TagSession"],
        "Condition": {"StringEquals": {"sts:ExternalId": external_id}},
    }])  # fmt: skip


def demand_kms(bucket: str) -> str:
    """A bucket policy that refuses every PUT whose request does not ask for SSE-KMS.
    https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingKMSEncryption.html#require-sse-kms"""
    return _document([{
        "Sid": "DemandKms", "Effect": "Deny", "Principal": "*", "Action": "s3:PutObject",
        "Resource": f"arn:aws:s3:::{bucket}/*",
        "Condition": {"StringNotEquals": {"s3:x-amz-server-side-encryption": "aws:kms"}},
    }])  # fmt: skip


def everything() -> str:
    """An administrator of the account."""
    return _document([{"Effect": "Allow", "Action": "*", "Resource": "*"}])


def whole_bucket(bucket: str) -> str:
    """For a role that COPY and UNLOAD use."""
    return _document([
        {"Effect": "Allow", "Action": "s3:*", "Resource": [f"arn:aws:s3:::{bucket}", f"arn:aws:s3:::{bucket}/*"]},
        {"Effect": "Allow", "Action": ["kms:GenerateDataKey", "kms:Decrypt"], "Resource": "*"},
    ])  # fmt: skip


def trust_redshift() -> str:
    """https://docs.aws.amazon.com/redshift/latest/mgmt/authorizing-redshift-service.html"""
    return _document([{
        "Effect": "Allow", "Action": "sts:AssumeRole",
        "Principal": {"Service": ["redshift.amazonaws.com", "redshift-serverless.amazonaws.com"]},
    }])  # fmt: skip


def unload_keys(bucket: str, run_prefix: str) -> str:
    """A session policy for the keys inside UNLOAD: no delete, no login."""
    return _document([
        {"Effect": "Allow", "Action": ["s3:ListBucket", "s3:GetBucketLocation", "s3:ListBucketMultipartUploads"],
         "Resource": f"arn:aws:s3:::{bucket}"},
        {"Effect": "Allow",
         "Action": ["s3:PutObject", "s3:GetObject", "s3:AbortMultipartUpload", "s3:ListMultipartUploadParts"],
         "Resource": f"arn:aws:s3:::{bucket}/{run_prefix.strip('/')}/*"},
    ])  # fmt: skip
