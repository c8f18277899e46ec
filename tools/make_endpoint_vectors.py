"""Make the endpoint vectors of tests/vectors/endpoints.json with botocore's own resolver.

    make_endpoint_vectors.py           write them
    make_endpoint_vectors.py --check   write nothing; exit 1 if a fresh set differs from the committed

Each vector is one service in one region with FIPS and dual stack on or off: the address, or the
refusal, that AWS's own rules give.
"""

import argparse
import itertools
import json
import sys
from pathlib import Path
from typing import Any

import botocore.session
from botocore.endpoint_provider import EndpointProvider
from botocore.exceptions import EndpointProviderError

FILE = Path(__file__).resolve().parent.parent / "tests" / "vectors" / "endpoints.json"
REGIONS = [
    "us-east-1",
    "us-west-2",
    "ca-central-1",
    "eu-west-1",
    "ap-southeast-5",
    "mx-central-1",
    "us-gov-west-1",
    "us-gov-east-1",
    "cn-north-1",
    "cn-northwest-1",
    "eusc-de-east-1",
    "us-iso-east-1",
    "us-isob-east-1",
    "eu-isoe-west-1",
    "us-isof-south-1",
]
BUCKETS = ["acme-bucket", "acme.bucket"]


def vectors() -> list[dict[str, Any]]:
    loader = botocore.session.Session().get_component("data_loader")
    made: list[dict[str, Any]] = []
    for service in ("sts", "redshift-serverless", "redshift", "s3"):
        rules = loader.load_service_model(service, "endpoint-rule-set-1")
        provider = EndpointProvider(rules, loader.load_data("partitions"))
        buckets: list[str | None] = [*BUCKETS] if service == "s3" else [None]
        for region, bucket, fips, dualstack in itertools.product(REGIONS, buckets, (False, True), (False, True)):
            given: dict[str, Any] = {"Region": region, "UseFIPS": fips, "UseDualStack": dualstack}
            if bucket:
                given["Bucket"] = bucket
            if service in ("s3", "sts"):
                given["UseGlobalEndpoint"] = False
            try:
                url = provider.resolve_endpoint(**given).url
            except EndpointProviderError:
                url = ""
            made.append(
                {
                    "service": service,
                    "region": region,
                    "bucket": bucket or "",
                    "fips": fips,
                    "dualstack": dualstack,
                    "url": url,
                }
            )
    return made


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true")
    check = parser.parse_args().check
    text = "[\n" + ",\n".join(json.dumps(vector) for vector in vectors()) + "\n]\n"
    if check:
        if FILE.read_text(encoding="utf-8") == text:
            return 0
        print(f"{FILE} is not what botocore gives; run {Path(__file__).name}", file=sys.stderr)
        return 1
    FILE.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
