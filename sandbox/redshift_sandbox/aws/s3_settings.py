"""Settings of a bucket: policy, versioning, lifecycle, default encryption. Each has its own IAM action.
https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazons3.html
"""

from __future__ import annotations

import json

from redshift_sandbox.aws.lifecycle import rules_as_xml, rules_of_xml
from redshift_sandbox.aws.messages import Response
from redshift_sandbox.aws.s3_call import Call, xml_response
from redshift_sandbox.aws.xml import malformed, parse_s3, s3_document, tag, tags, wrap
from redshift_sandbox.contracts import AwsError


def get_policy(call: Call) -> Response:
    bucket = call.authorised_bucket("s3:GetBucketPolicy")
    if bucket.policy is None:
        raise AwsError("NoSuchBucketPolicy", "The bucket policy does not exist", 404)
    return Response(200, [("Content-Type", "application/json")], json.dumps(bucket.policy).encode())


def put_policy(call: Call) -> Response:
    bucket = call.bucket()
    body = call.payload.read_small()
    call.require("s3:PutBucketPolicy", bucket)
    call.backend.store.set_policy(bucket, body.decode("utf-8", "replace"))
    return Response(204)


def delete_policy(call: Call) -> Response:
    bucket = call.authorised_bucket("s3:DeleteBucketPolicy")
    bucket.policy = None
    return Response(204)


def get_versioning(call: Call) -> Response:
    bucket = call.authorised_bucket("s3:GetBucketVersioning")
    status = tag("Status", bucket.versioning) if bucket.versioning else ""
    return xml_response(s3_document("VersioningConfiguration", status))


def put_versioning(call: Call) -> Response:
    bucket = call.bucket()
    body = call.payload.read_small()
    call.require("s3:PutBucketVersioning", bucket)
    status = parse_s3(body, "VersioningConfiguration").findtext("Status")
    if status not in ("Enabled", "Suspended"):
        raise AwsError("IllegalVersioningConfigurationException",
                       "The Versioning element must be specified")  # fmt: skip
    bucket.versioning = status
    return Response(200)


def get_lifecycle(call: Call) -> Response:
    bucket = call.authorised_bucket("s3:GetLifecycleConfiguration")
    if not bucket.lifecycle:
        raise AwsError("NoSuchLifecycleConfiguration", "The lifecycle configuration does not exist", 404)
    return xml_response(s3_document("LifecycleConfiguration", rules_as_xml(bucket.lifecycle)))


def put_lifecycle(call: Call) -> Response:
    """Replaces the whole configuration."""
    bucket = call.bucket()
    body = call.payload.read_small()
    call.require("s3:PutLifecycleConfiguration", bucket)
    bucket.lifecycle = rules_of_xml(parse_s3(body, "LifecycleConfiguration"))
    return Response(200)


def delete_lifecycle(call: Call) -> Response:
    """IAM has no action for this: the caller needs the right to put."""
    bucket = call.authorised_bucket("s3:PutLifecycleConfiguration")
    bucket.lifecycle = ()
    return Response(204)


def get_encryption(call: Call) -> Response:
    bucket = call.authorised_bucket("s3:GetEncryptionConfiguration")
    fields = {"SSEAlgorithm": "AES256" if bucket.kms_key is None else "aws:kms"}
    if bucket.kms_key is not None:
        fields["KMSMasterKeyID"] = bucket.kms_key
    default = wrap("ApplyServerSideEncryptionByDefault", tags(fields))
    rule = wrap("Rule", default + tag("BucketKeyEnabled", False))
    return xml_response(s3_document("ServerSideEncryptionConfiguration", rule))


def put_encryption(call: Call) -> Response:
    bucket = call.bucket()
    body = call.payload.read_small()
    call.require("s3:PutEncryptionConfiguration", bucket)
    document = parse_s3(body, "ServerSideEncryptionConfiguration")
    algorithm = document.findtext("Rule/ApplyServerSideEncryptionByDefault/SSEAlgorithm")
    key = document.findtext("Rule/ApplyServerSideEncryptionByDefault/KMSMasterKeyID")
    if algorithm not in ("AES256", "aws:kms") or (key and algorithm == "AES256"):
        raise malformed()
    bucket.kms_key = call.backend.access.kms_arn(bucket, key) if key else None
    return Response(200)
