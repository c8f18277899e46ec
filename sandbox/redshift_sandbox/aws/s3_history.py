"""ListObjectVersions. https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectVersions.html"""

from __future__ import annotations

from urllib.parse import quote_plus

from redshift_sandbox.aws.messages import Response
from redshift_sandbox.aws.s3_call import Call, xml_response
from redshift_sandbox.aws.s3_model import StoredObject, Version
from redshift_sandbox.aws.xml import s3_document, s3_time, tag, tags, wrap
from redshift_sandbox.contracts import AwsError

_PAGE_MAX = 1000

# One line of the listing: the key or common prefix by which it is sorted, the version, and whether it is the latest.
_Entry = tuple[str, tuple[Version, bool] | None]


def list_object_versions(call: Call) -> Response:
    bucket = call.bucket()
    call.finish_body()
    given = call.request.params()
    prefix, delimiter = given.get("prefix", ""), given.get("delimiter", "")
    call.require("s3:ListBucketVersions", bucket, context={"s3:prefix": prefix})
    limit = _limit(call)
    marker = (given.get("key-marker", ""), given.get("version-id-marker", ""))
    rest = _behind(_entries(call.backend.store.versions(bucket, prefix), prefix, delimiter), *marker)
    page = rest[:limit]
    encoded = given.get("encoding-type") == "url"

    def text(value: str) -> str:
        return quote_plus(value, safe="/") if encoded else value

    head: dict[str, object] = {
        "Name": bucket.name, "Prefix": text(prefix), "KeyMarker": text(marker[0]), "VersionIdMarker": marker[1],
        "MaxKeys": limit, "IsTruncated": len(rest) > len(page),
    }  # fmt: skip
    if delimiter:
        head["Delimiter"] = text(delimiter)
    if encoded:
        head["EncodingType"] = "url"
    if len(rest) > len(page) and page:
        name, found = page[-1]
        head["NextKeyMarker"] = text(name)
        if found is not None:
            head["NextVersionIdMarker"] = found[0].version_id
    rows = "".join(
        wrap("CommonPrefixes", tag("Prefix", text(name))) if found is None else _row(text(name), *found, bucket.account)
        for name, found in page
    )
    return xml_response(s3_document("ListVersionsResult", tags(head) + rows))


def _limit(call: Call) -> int:
    asked = call.request.param("max-keys") or str(_PAGE_MAX)
    if not asked.isdecimal():
        raise AwsError("InvalidArgument", "Provided max-keys not an integer or within integer range")
    knob = call.backend.faults.peek("s3.page_size")
    return min(int(asked), _PAGE_MAX if knob is None else int(knob.get("keys", 2)))


def _entries(versions: list[tuple[Version, bool]], prefix: str, delimiter: str) -> list[_Entry]:
    out: list[_Entry] = []
    for version, latest in versions:
        cut = version.key.find(delimiter, len(prefix)) if delimiter else -1
        if cut < 0:
            out.append((version.key, (version, latest)))
        else:
            common = version.key[: cut + len(delimiter)]
            if not out or out[-1] != (common, None):
                out.append((common, None))
    return out


def _behind(entries: list[_Entry], key: str, version_id: str) -> list[_Entry]:
    """The entries after the marker: greater keys, and versions of the same key after the marked one."""
    if not key:
        return entries
    same = [found[0].version_id for name, found in entries if name == key and found is not None]
    behind = same[same.index(version_id) + 1 :] if version_id in same else []
    return [
        (name, found) for name, found in entries
        if name > key or (name == key and found is not None and found[0].version_id in behind)
    ]  # fmt: skip


def _row(name: str, version: Version, latest: bool, owner: str) -> str:
    fields: dict[str, object] = {
        "Key": name, "VersionId": version.version_id, "IsLatest": latest,
        "LastModified": s3_time(version.modified),
    }  # fmt: skip
    who = wrap("Owner", tag("ID", owner))
    if not isinstance(version, StoredObject):
        return wrap("DeleteMarker", tags(fields) + who)
    fields |= {"ETag": f'"{version.etag}"', "Size": version.size}
    return wrap("Version", tags(fields) + tag("StorageClass", "STANDARD") + who)
