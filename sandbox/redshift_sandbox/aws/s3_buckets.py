"""Operations on buckets: create, delete, list, region."""

from __future__ import annotations

import base64
import dataclasses
import datetime as dt
import re
import time
from pathlib import Path
from urllib.parse import quote_plus

from redshift_sandbox.aws.checksums import type_of
from redshift_sandbox.aws.file_facts import DEFAULT_ALGORITHM
from redshift_sandbox.aws.messages import Response
from redshift_sandbox.aws.regions import is_region
from redshift_sandbox.aws.s3_access import REGION_HEADER
from redshift_sandbox.aws.s3_call import Call, xml_response
from redshift_sandbox.aws.s3_model import Listing, StoredObject
from redshift_sandbox.aws.xml import parse_s3, s3_document, s3_time, tag, tags, wrap
from redshift_sandbox.contracts import AwsError
from redshift_sandbox.identity.policy import Ask, require

_PAGE_MAX = 1000
_NAME = re.compile(r"(?!\d+\.\d+\.\d+\.\d+$)[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")


def list_buckets(call: Call) -> Response:
    call.finish_body()
    require(call.caller, Ask("s3:ListAllMyBuckets", "*"))
    found = [
        wrap("Bucket", tags({"Name": b.name, "CreationDate": s3_time(b.created),
                             "BucketRegion": b.region}))
        for b in call.backend.store.buckets() if b.account == call.caller.account
    ]  # fmt: skip
    owner = wrap("Owner", tag("ID", call.caller.account))
    return xml_response(s3_document("ListAllMyBucketsResult", owner + wrap("Buckets", "".join(found))))


def create_bucket(call: Call) -> Response:
    name, body = call.bucket_name, call.payload.read_small()
    if not _NAME.fullmatch(name):
        raise AwsError("InvalidBucketName", "The specified bucket is not valid.")
    require(call.caller, Ask("s3:CreateBucket", f"arn:aws:s3:::{name}"))
    region = "us-east-1"
    if body:
        region = parse_s3(body, "CreateBucketConfiguration").findtext("LocationConstraint") or region
    if not is_region(region):
        raise AwsError("InvalidLocationConstraint", "The specified location-constraint is not valid")
    if region != call.region:
        raise AwsError(
            "IllegalLocationConstraintException",
            f"The {region} location constraint is incompatible for the region specific endpoint this request "
            "was sent to.",
        )
    call.backend.store.add_bucket(name, region, call.caller.account)
    return Response(200, [("Location", f"/{name}")])


def delete_bucket(call: Call) -> Response:
    bucket = call.authorised_bucket("s3:DeleteBucket")
    call.backend.store.delete_bucket(bucket)
    return Response(204)


def head_bucket(call: Call) -> Response:
    bucket = call.authorised_bucket("s3:ListBucket")
    return Response(200, [(REGION_HEADER, bucket.region), ("Content-Type", "application/xml")])


def get_location(call: Call) -> Response:
    """us-east-1 answers it for every bucket, other regions for their own buckets: clients ask it because
    they do not know the region yet. https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetBucketLocation.html
    """
    bucket = call.backend.store.bucket(call.bucket_name)
    if call.region != "us-east-1":
        call.backend.access.require_region(bucket, call.region, signed=True)
    call.finish_body()
    call.require("s3:GetBucketLocation", bucket)
    region = "" if bucket.region == "us-east-1" else bucket.region
    return xml_response(s3_document("LocationConstraint", region))


def list_objects_v2(call: Call) -> Response:
    """https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectsV2.html"""
    given = call.request.params()
    token = given.get("continuation-token")
    after = given.get("start-after", "") if token is None else _place(token)
    page = _Page(call, after)
    listing = page.listing
    head: dict[str, object] = {"Name": call.bucket_name, "Prefix": page.text(page.prefix)}
    if "start-after" in given:
        head["StartAfter"] = page.text(given["start-after"])
    if token is not None:
        head["ContinuationToken"] = token
    if listing.truncated and listing.last is not None:
        head["NextContinuationToken"] = _token(listing.last)
    endless = call.backend.faults.peek("s3.endless_list")
    if endless is not None:
        how = str(endless.get("how", "repeat"))
        head["NextContinuationToken"] = _token("again" if how == "repeat" else f"{time.monotonic_ns()}")
        page.make_endless(how)
    head |= {"KeyCount": len(listing.objects) + len(listing.prefixes), **page.common_fields()}
    owner = call.caller.account if given.get("fetch-owner") == "true" else None
    return page.document(head, owner)


def list_objects(call: Call) -> Response:
    """https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjects.html"""
    marker = call.request.param("marker") or ""
    page = _Page(call, marker)
    listing = page.listing
    head: dict[str, object] = {
        "Name": call.bucket_name, "Prefix": page.text(page.prefix), "Marker": page.text(marker),
        **page.common_fields(),
    }  # fmt: skip
    # Without a delimiter the reply has no NextMarker: clients take the last key.
    if listing.truncated and listing.last is not None and page.delimiter:
        head["NextMarker"] = page.text(listing.last)
    return page.document(head, call.caller.account)


class _Page:
    """What both versions of the listing share."""

    def __init__(self, call: Call, after: str) -> None:
        bucket = call.bucket()
        call.finish_body()
        self._call = call
        given = call.request.params()
        self.prefix, self.delimiter = given.get("prefix", ""), given.get("delimiter", "")
        if given.get("encoding-type", "url") != "url":
            raise AwsError("InvalidArgument", "Invalid Encoding Method specified in Request")
        self._encoded = "encoding-type" in given
        self._endless: str | None = None
        self._asked = _max_keys(given.get("max-keys"))
        knob = call.backend.faults.peek("s3.page_size")
        limit = min(self._asked, _PAGE_MAX if knob is None else int(knob.get("keys", 2)))
        context = {"s3:prefix": self.prefix, "s3:max-keys": str(self._asked)}
        if self.delimiter:
            context["s3:delimiter"] = self.delimiter
        call.require("s3:ListBucket", bucket, context=context)
        self.listing: Listing = (
            call.backend.store.list_objects(bucket, self.prefix, self.delimiter, after, limit)
            if limit > 0
            else Listing([], [], False, None)
        )

    def text(self, value: str) -> str:
        """Names in the encoding that the client asked for; the URL encoding of S3 writes a space as '+'."""
        return quote_plus(value, safe="/") if self._encoded else value

    def common_fields(self) -> dict[str, object]:
        fields: dict[str, object] = {"MaxKeys": min(self._asked, _PAGE_MAX)}
        if self.delimiter:
            fields["Delimiter"] = self.text(self.delimiter)
        if self._encoded:
            fields["EncodingType"] = "url"
        return {**fields, "IsTruncated": self.listing.truncated or self._endless is not None}

    def make_endless(self, how: str) -> None:
        self._endless = how

    def _rows(self, owner: str | None) -> list[str]:
        """The objects of the listing, changed by the faults of listings."""
        faults = self._call.backend.faults
        objects = list(self.listing.objects)
        model = StoredObject(self.prefix + "x", Path(), 1, "0" * 32, dt.datetime.fromtimestamp(0, dt.UTC))
        if self._endless == "empty":
            objects = []
        elif self._endless == "endless":
            stamp = time.monotonic_ns()
            objects = [dataclasses.replace(model, key=f"{self.prefix}{stamp}-{n:04}") for n in range(_PAGE_MAX)]
        if faults.peek("s3.foreign_keys") is not None:
            objects.append(dataclasses.replace(model, key="elsewhere/" + self.prefix))
        if faults.peek("s3.repeated_keys") is not None:
            objects = [stored for stored in objects for _ in range(2)]
        return [self._object(stored, owner) for stored in objects]

    def document(self, head: dict[str, object], owner: str | None) -> Response:
        rows = self._rows(owner)
        rows += [wrap("CommonPrefixes", tag("Prefix", self.text(p))) for p in self.listing.prefixes]
        body = s3_document("ListBucketResult", tags(head) + "".join(rows))
        if self._call.backend.faults.take("s3.truncate_list") is not None:
            body = body[: len(body) // 2]
        return xml_response(body, {REGION_HEADER: self._call.bucket().region})

    def _object(self, stored: StoredObject, owner: str | None) -> str:
        algorithm, value = stored.checksum or (DEFAULT_ALGORITHM, "")
        fields = {
            "Key": self.text(stored.key),
            "LastModified": s3_time(stored.modified),
            "ETag": f'"{stored.etag}"',
            "ChecksumAlgorithm": algorithm.upper(),
            "ChecksumType": type_of(value),
            "Size": stored.size,
        }
        who = "" if owner is None else wrap("Owner", tag("ID", owner))
        return wrap("Contents", tags(fields) + who + tag("StorageClass", "STANDARD"))


def _max_keys(text: str | None) -> int:
    if text is None:
        return _PAGE_MAX
    if not text.isdecimal():
        raise AwsError("InvalidArgument", "Provided max-keys not an integer or within integer range",
                       members={"ArgumentName": "max-keys", "ArgumentValue": text})  # fmt: skip
    return int(text)


def _token(last: str) -> str:
    """Clients cannot read it; the prefix lets us refuse tokens that we did not give out."""
    return "1" + base64.b64encode(last.encode()).decode()


def _place(token: str) -> str:
    try:
        if not token.startswith("1"):
            raise ValueError(token)
        return base64.b64decode(token[1:], validate=True).decode()
    except ValueError:
        raise AwsError(
            "InvalidArgument", "The continuation token provided is incorrect",
            members={"ArgumentName": "continuation-token"},
        ) from None  # fmt: skip
