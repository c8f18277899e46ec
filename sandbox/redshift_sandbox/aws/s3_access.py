"""Rights and regions: every S3 call is checked here, whether it is signed or comes through the gate."""

from __future__ import annotations

from redshift_sandbox.aws.s3_model import Bucket
from redshift_sandbox.aws.s3_store import ObjectStore
from redshift_sandbox.contracts import AwsError
from redshift_sandbox.identity.conditions import Context
from redshift_sandbox.identity.model import Caller
from redshift_sandbox.identity.policy import Ask, Decision, authorise, require

REGION_HEADER = "x-amz-bucket-region"


def wrong_region(signed: str, expected: str) -> AwsError:
    """The signature's scope names another region than the one that answers for the bucket."""
    return AwsError(
        "AuthorizationHeaderMalformed",
        f"The authorization header is malformed; the region '{signed}' is wrong; expecting '{expected}'",
        headers={REGION_HEADER: expected}, members={"Region": expected},
    )  # fmt: skip


class S3Access:
    def __init__(self, store: ObjectStore) -> None:
        self._store = store

    def allowed(
        self, caller: Caller, action: str, bucket: Bucket, key: str | None = None,
        context: Context | None = None,
    ) -> bool:  # fmt: skip
        return self._decide(caller, action, bucket, key, context)[0] is Decision.ALLOW

    def require(
        self, caller: Caller, action: str, bucket: Bucket, key: str | None = None,
        context: Context | None = None,
    ) -> None:  # fmt: skip
        """Raises AwsError AccessDenied 403. Only callers of the bucket's own account are told which policy decided.
        https://docs.aws.amazon.com/AmazonS3/latest/userguide/troubleshoot-403-errors.html"""
        decision, why = self._decide(caller, action, bucket, key, context)
        if decision is Decision.ALLOW:
            return
        message = "Access Denied"
        if caller.account == bucket.account:
            message = (
                f"User: {caller.arn} is not authorized to perform: {action} on resource: "
                f'"{_arn(bucket, key)}" {why}'
            )
        raise AwsError("AccessDenied", message, 403, headers={REGION_HEADER: bucket.region})

    def kms_arn(self, bucket: Bucket, key: str) -> str:
        """The ARN of a key that is named by its id or alias, in the bucket's account and region."""
        if key.startswith("arn:"):
            return key
        name = key if key.startswith("alias/") else f"key/{key}"
        return f"arn:aws:kms:{bucket.region}:{bucket.account}:{name}"

    def require_kms(self, caller: Caller, action: str, key: str | None) -> None:
        """Raises AwsError AccessDenied 403 with the text of KMS. `key` is an ARN; None means the AWS managed
        key, whose use S3 itself allows. That the key's own policy leaves all decisions to IAM is assumed.
        https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingKMSEncryption.html"""
        if key is not None:
            require(caller, Ask(action, key), resource_account=key.split(":")[4])

    def missing_key(self, caller: Caller, bucket: Bucket, key: str) -> AwsError:
        """The error for a read of a missing key: 404 only for callers who may list the bucket.
        https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html"""
        if self.allowed(caller, "s3:ListBucket", bucket):
            return AwsError("NoSuchKey", "The specified key does not exist.", 404, members={"Key": key})
        return AwsError("AccessDenied", "Access Denied", 403)

    def require_region(self, bucket: Bucket, region: str, *, signed: bool) -> None:
        """Raises AwsError with the bucket's region if `region` is another one.

        us-east-1, the home of the old global endpoint, answers a signed request 400 because of its scope;
        every other region answers 301. https://docs.aws.amazon.com/AmazonS3/latest/userguide/Redirects.html
        """
        if region == bucket.region:
            return
        headers = {REGION_HEADER: bucket.region}
        if signed and region == "us-east-1":
            raise wrong_region(region, bucket.region)
        raise AwsError(
            "PermanentRedirect",
            "The bucket you are attempting to access must be addressed using the specified endpoint. "
            "Please send all future requests to this endpoint.",
            301, headers=headers,
            members={"Endpoint": f"s3.{bucket.region}.amazonaws.com", "Bucket": bucket.name},
        )  # fmt: skip

    def _decide(
        self, caller: Caller, action: str, bucket: Bucket, key: str | None, context: Context | None
    ) -> tuple[Decision, str]:
        ask = Ask(
            action, _arn(bucket, key),
            {"aws:SecureTransport": "true", "aws:RequestedRegion": bucket.region, **(context or {})},
        )  # fmt: skip
        verdict = authorise(caller, ask, resource_policy=bucket.policy, resource_account=bucket.account)
        return verdict.decision, verdict.why


def _arn(bucket: Bucket, key: str | None) -> str:
    return bucket.arn if key is None else f"{bucket.arn}/{key}"


def check_key(key: str) -> None:
    """https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-keys.html"""
    if len(key.encode()) > 1024:
        raise AwsError("KeyTooLongError", "Your key is too long", members={"MaxSizeAllowed": "1024"})
