"""Make the signature vectors of tests/vectors/sigv4/ with botocore, AWS's own signer in Python.

    make_sigv4_vectors.py           write them
    make_sigv4_vectors.py --check   write nothing; exit 1 if a fresh set differs from the committed

The C++ signer shares no code with botocore, so a mistake in reading the specification cannot hide.
Each vector holds raw (unencoded) path and query, as a caller of the signer gives them.
"""

import argparse
import datetime
import json
import sys
import urllib.parse
from pathlib import Path
from typing import Any
from unittest import mock

import botocore.auth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials

FOLDER = Path(__file__).resolve().parent.parent / "tests" / "vectors" / "sigv4"
# AWS's documented example key, not anybody's.
ID, SECRET = "AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
LONG_TOKEN = "IQoJb3JpZ2luX2VjE" + "Ab3/+9xZ" * 300 + "=="

Vector = dict[str, Any]

S3_PATHS = {
    "plain": "/sluice/run/0000_part_00.parquet",
    "root": "/",
    "spaces": "/a key with  two spaces.txt",
    "plus_equals": "/year=2026/a+b=c",
    "double_slash": "/a//b///c",
    "leading_slashes": "//a",
    "non_ascii": "/über/日本語/naïve 🙂.csv",
    "dots": "/a/./b/../c",
    "percent": "/100%25/%zz/50%",
    "reserved": "/!*'();:@&=$,[]?#",
    "unreserved": "/A-Za-z0-9-._~",
    "control": "/tab\tnewline\nend",
    "trailing_slash": "/a/b/",
    "backslash_quote": '/a\\b"c|d<e>',
}
S3_QUERIES: dict[str, list[list[str]]] = {
    "list": [["list-type", "2"], ["prefix", "sluice/über /a+b="], ["encoding-type", "url"]],
    "token": [["list-type", "2"], ["continuation-token", "1ueGcxLPRx1Tr/XYExHnhbYLgveDs2J/wm36Hy4vbOwM="]],
    "empty_value": [["uploads", ""], ["prefix", ""]],
    "order": [["b", "2"], ["B", "1"], ["a-b", "x"], ["a", "y"], ["a", "x"], ["a.b", "z"]],
    "hard": [["key/+ =%", "a&b=c?d/e~f*g"], ["ключ", "значение"]],
    "upload_id": [["uploadId", "VXBsb2FkSWQ.-_/+=="]],
}
OTHER_PATHS = {
    "root": "/",
    "spaces": "/a b",
    "plus_equals": "/a+b=c",
    "double_slash": "/a//b",
    "dots": "/a/./b/../c",
    "dots_to_root": "/a/..",
    "percent": "/50%25",
    "non_ascii": "/ü",
    "trailing_slash": "/base/",
}


def vector(name: str, service: str, **given: Any) -> Vector:
    made: Vector = {
        "name": name,
        "service": service,
        "region": "us-east-1",
        "method": "GET",
        "host": f"{service}.us-east-1.amazonaws.com",
        "path": "/",
        "query": [],
        "headers": [],
        "body": "",
        "unsigned_payload": False,
        "access_key_id": ID,
        "secret_access_key": SECRET,
        "session_token": "",
        "time": "20260101T000000Z",
    }
    made.update(given)
    return made


def s3_vectors() -> list[Vector]:
    host = "acme-staging.s3.eu-west-1.amazonaws.com"
    base: dict[str, Any] = {"host": host, "region": "eu-west-1"}
    made = [vector(f"path_{n}", "s3", path=p, **base) for n, p in S3_PATHS.items()]
    made += [vector(f"query_{n}", "s3", query=q, **base) for n, q in S3_QUERIES.items()]
    ranged = [["Range", "bytes=8388608-16777215"], ["If-Match", '"9b2cf535f27731c974343645a3985328"']]
    made += [
        vector("range", "s3", path="/p/0000_part_00.parquet", headers=ranged, **base),
        vector("session_token", "s3", path="/p/manifest", session_token=LONG_TOKEN, **base),
        vector(
            "put_unsigned",
            "s3",
            method="PUT",
            path="/p/probe",
            body="probe ü",
            unsigned_payload=True,
            headers=[["Content-Type", "text/plain"]],
            **base,
        ),
        vector("put_signed", "s3", method="PUT", path="/p/probe", body="probe ü", **base),
        vector(
            "multi_delete",
            "s3",
            method="POST",
            query=[["delete", ""]],
            body="<Delete/>",
            headers=[["Content-MD5", "1B2M2Y8AsgTpgAmY7PhCfg=="], ["Content-Type", "application/xml"]],
            session_token="FQoGZXIvYXdzE",
            **base,
        ),
        vector("path_style_port", "s3", host="127.0.0.1:8443", path="/acme.staging/a b", region="us-east-1"),
        vector("head", "s3", method="HEAD", path="/p/x=1/y", **base),
        vector("abort", "s3", method="DELETE", path="/p/x", query=[["uploadId", "a/b+c=="]], **base),
        vector("header_blanks", "s3", headers=[["X-Amz-Meta-Note", "  two   blanks  inside "]], **base),
        vector("leap_day", "s3", time="20280229T235959Z", **base),
        vector("china", "s3", host="b.s3.cn-north-1.amazonaws.com.cn", region="cn-north-1"),
    ]
    return made


def query_vectors() -> list[Vector]:
    form = [["Content-Type", "application/x-www-form-urlencoded; charset=utf-8"]]
    body = "Action=AssumeRole&Version=2011-06-15&RoleArn=arn%3Aaws%3Aiam%3A%3A123456789012%3Arole%2Fr"
    made = [vector(f"path_{n}", "sts", path=p) for n, p in OTHER_PATHS.items()]
    made += [
        vector("assume_role", "sts", method="POST", headers=form, body=body),
        vector("with_token", "sts", method="POST", headers=form, body=body, session_token=LONG_TOKEN),
        vector("query", "sts", query=[["Action", "GetCallerIdentity"], ["Version", "2011-06-15"]]),
    ]
    return made


def json_vectors() -> list[Vector]:
    headers = [["Content-Type", "application/x-amz-json-1.1"], ["X-Amz-Target", "RedshiftServerless.GetCredentials"]]
    body = '{"workgroupName":"analytics","dbName":"dev","durationSeconds":3600}'
    service = "redshift-serverless"
    return [
        vector("get_credentials", service, method="POST", headers=headers, body=body),
        vector(
            "other_region",
            service,
            method="POST",
            headers=headers,
            body=body,
            region="sa-east-1",
            host="redshift-serverless.sa-east-1.amazonaws.com",
        ),
        vector("with_token", service, method="POST", headers=headers, body=body, session_token="FQoGZXIvYXdzE+/="),
    ]


def quote(text: str, safe: str = "") -> str:
    return urllib.parse.quote(text, safe=safe + "-._~")


def sign(given: Vector) -> Vector:
    """The vector with what botocore makes of it."""
    query = "&".join(f"{quote(k)}={quote(v)}" for k, v in given["query"])
    url = f"https://{given['host']}{quote(given['path'], '/')}" + (f"?{query}" if query else "")
    request = AWSRequest(method=given["method"], url=url, data=given["body"].encode())
    for name, value in given["headers"]:
        request.headers[name] = value
    # Unsigned is what a client configuration asks for; otherwise the body is always hashed.
    request.context["client_config"] = Config(s3={"payload_signing_enabled": not given["unsigned_payload"]})
    keys = Credentials(given["access_key_id"], given["secret_access_key"], given["session_token"] or None)
    kind = botocore.auth.S3SigV4Auth if given["service"] == "s3" else botocore.auth.SigV4Auth
    signer = kind(keys, given["service"], given["region"])
    now = datetime.datetime.strptime(given["time"], "%Y%m%dT%H%M%SZ")
    seen: dict[str, str] = {}
    original = signer.canonical_request

    def canonical_request(r: AWSRequest) -> str:
        seen["canonical"] = original(r)
        return seen["canonical"]

    with (
        mock.patch.object(botocore.auth, "get_current_datetime", return_value=now),
        mock.patch.object(signer, "canonical_request", canonical_request),
    ):
        signer.add_auth(request)
    return given | {"canonical_request": seen["canonical"], "authorization": request.headers["Authorization"]}


def fresh() -> dict[str, str]:
    sets = {"s3": s3_vectors(), "sts": query_vectors(), "redshift_serverless": json_vectors()}
    return {f"{name}.json": json.dumps([sign(v) for v in vectors], indent=1) + "\n" for name, vectors in sets.items()}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--check", action="store_true", help="compare, write nothing")
    check = parser.parse_args().check
    different = []
    for name, text in fresh().items():
        path = FOLDER / name
        if check:
            if not path.exists() or path.read_text() != text:
                different.append(name)
        else:
            path.write_text(text)
    if different:
        print(f"differ from what botocore makes now: {', '.join(different)}", file=sys.stderr)
    return 1 if different else 0


if __name__ == "__main__":
    sys.exit(main())
