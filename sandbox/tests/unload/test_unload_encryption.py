"""UNLOAD to a bucket that demands SSE-KMS, and with a named key."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import psycopg
import pytest

from redshift_sandbox import account, policies
from redshift_sandbox.testing import RunningSandbox

Prefix = Callable[[], str]

KEY = f"arn:aws:kms:{account.REGION}:{account.ACCOUNT}:key/11111111-2222-3333-4444-555555555555"
USE_KEY = {"Version": "2012-10-17", "Statement": [
    {"Effect": "Allow", "Action": ["kms:GenerateDataKey", "kms:Decrypt"], "Resource": KEY}]}  # fmt: skip
PLAIN = "FORMAT PARQUET MANIFEST"


@pytest.fixture
def demanding(sandbox: RunningSandbox) -> Iterator[RunningSandbox]:
    """The staging bucket demands SSE-KMS."""
    store = sandbox.world.aws.store
    bucket = store.bucket(account.BUCKET)
    store.set_policy(bucket, policies.demand_kms(account.BUCKET))
    yield sandbox
    store.set_policy(bucket, None)
    bucket.kms_key = None
    sandbox.world.aws.identity.put_identity_policy(account.ACCOUNT, "role", account.ROLE, "key", None)


def test_b52_refused_without_kms_options(demanding: RunningSandbox, prefix: Prefix) -> None:
    with demanding.connect() as connection, pytest.raises(psycopg.Error) as caught:
        demanding.unload(connection, "SELECT 1 AS a", prefix(), PLAIN)
    assert caught.value.sqlstate == "XX000"
    text = str(caught.value)
    assert text.startswith(f"S3ServiceException:User: arn:aws:sts::{account.ACCOUNT}:assumed-role/{account.ROLE}/")
    assert "is not authorized to perform: s3:PutObject" in text
    assert "Status 403,Error AccessDenied" in text


def test_b52_encrypted_auto_passes(demanding: RunningSandbox, prefix: Prefix) -> None:
    where = prefix()
    with demanding.connect() as connection:
        done = demanding.unload(connection, "SELECT 1 AS a", where, PLAIN + " ENCRYPTED AUTO")
    assert where + "manifest" in done.keys
    s3 = demanding.client(demanding.role_session(), "s3")
    for key in done.keys:
        assert s3.head_object(Bucket=account.BUCKET, Key=key)["ServerSideEncryption"] == "aws:kms"


@pytest.mark.parametrize("option", [f"KMS_KEY_ID '{KEY}' ENCRYPTED", "ENCRYPTED AUTO"])
def test_a_key_of_ones_own_must_be_allowed(demanding: RunningSandbox, prefix: Prefix, option: str) -> None:
    if "AUTO" in option:
        demanding.world.aws.store.bucket(account.BUCKET).kms_key = KEY
    with demanding.connect() as connection:
        with pytest.raises(psycopg.Error, match="kms:GenerateDataKey on resource: " + KEY):
            demanding.unload(connection, "SELECT 1 AS a", prefix(), f"{PLAIN} {option}")
        demanding.world.aws.identity.put_identity_policy(account.ACCOUNT, "role", account.ROLE, "key", USE_KEY)
        done = demanding.unload(connection, "SELECT 1 AS a", prefix(), f"{PLAIN} {option}")
    s3 = demanding.client(demanding.role_session(), "s3")
    assert s3.get_object(Bucket=account.BUCKET, Key=done.keys[0])["SSEKMSKeyId"] == KEY
