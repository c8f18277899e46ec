"""Writes and reads the small XML documents of STS and S3."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from xml.etree import ElementTree
from xml.sax.saxutils import escape

from redshift_sandbox.contracts import AwsError

S3_NAMESPACE = "http://s3.amazonaws.com/doc/2006-03-01/"
_PROLOGUE = '<?xml version="1.0" encoding="UTF-8"?>\n'


def tag(name: str, value: object) -> str:
    """One element with text; a carriage return is written as a reference, because parsers would remove it."""
    text = value if isinstance(value, str) else str(value).lower() if isinstance(value, bool) else str(value)
    return f"<{name}>{escape(text, {chr(13): '&#13;', chr(34): '&quot;'})}</{name}>"


def tags(values: Mapping[str, object]) -> str:
    return "".join(tag(name, value) for name, value in values.items())


def wrap(name: str, inner: str) -> str:
    return f"<{name}>{inner}</{name}>"


def s3_document(name: str, inner: str) -> bytes:
    return f'{_PROLOGUE}<{name} xmlns="{S3_NAMESPACE}">{inner}</{name}>'.encode()


def s3_error_document(error: AwsError, resource: str, request_id: str, host_id: str) -> bytes:
    """An error has no namespace, unlike every other document of S3."""
    fields = {
        "Code": error.code, "Message": error.message, **error.members, "Resource": resource,
        "RequestId": request_id, "HostId": host_id,
    }  # fmt: skip
    return f"{_PROLOGUE}<Error>{tags(fields)}</Error>".encode()


def s3_time(when: dt.datetime) -> str:
    """S3 keeps whole seconds, and writes them with milliseconds."""
    return when.strftime("%Y-%m-%dT%H:%M:%S.000Z")


def malformed() -> AwsError:
    return AwsError(
        "MalformedXML",
        "The XML you provided was not well-formed or did not validate against our published schema",
    )


def parse_s3(body: bytes, root: str) -> ElementTree.Element:
    """The document without namespaces. Raises AwsError MalformedXML unless it is a `root`."""
    if b"<!DOCTYPE" in body or b"<!ENTITY" in body:
        raise malformed()
    try:
        document = ElementTree.fromstring(body)
    except ElementTree.ParseError:
        raise malformed() from None
    for element in document.iter():
        element.tag = str(element.tag).rpartition("}")[2]
    if document.tag != root:
        raise malformed()
    return document
