"""The regions that the sandbox knows, and what a Host header in the form of AWS means."""

from __future__ import annotations

import re
from dataclasses import dataclass

# The commercial, China and GovCloud regions with Redshift Serverless or S3.
REGIONS = frozenset(
    {
        "us-east-1", "us-east-2", "us-west-1", "us-west-2", "ca-central-1", "ca-west-1",
        "mx-central-1", "sa-east-1", "eu-west-1", "eu-west-2", "eu-west-3", "eu-central-1",
        "eu-central-2", "eu-north-1", "eu-south-1", "eu-south-2", "af-south-1", "il-central-1",
        "me-south-1", "me-central-1", "ap-east-1", "ap-east-2", "ap-south-1", "ap-south-2",
        "ap-northeast-1", "ap-northeast-2", "ap-northeast-3", "ap-southeast-1", "ap-southeast-2",
        "ap-southeast-3", "ap-southeast-4", "ap-southeast-5", "ap-southeast-6", "ap-southeast-7",
        "cn-north-1", "cn-northwest-1", "us-gov-east-1", "us-gov-west-1",
    }
)  # fmt: skip


def is_region(name: str) -> bool:
    return name in REGIONS


@dataclass(frozen=True)
class HostName:
    """The parts of a Host; None for what it does not name."""

    service: str | None = None
    region: str | None = None
    bucket: str | None = None


_SUFFIX = r"(?:amazonaws\.com(?:\.cn)?|api\.aws|localhost)"
_SERVICE = re.compile(
    rf"(?P<service>sts|redshift-serverless|redshift-data|redshift)(?:-fips)?(?:\.(?P<region>[a-z0-9-]+))?\.{_SUFFIX}"
)
_S3 = re.compile(
    rf"(?:(?P<bucket>.+)\.)?s3(?:-fips)?(?:\.dualstack)?(?:[.-](?P<region>[a-z]{{2}}(?:-[a-z]+)+-\d))?\.{_SUFFIX}"
)


def read_host(host: str) -> HostName:
    """Reads names such as sts.eu-west-1.amazonaws.com, bucket.s3.amazonaws.com and bucket.localhost."""
    if match := _SERVICE.fullmatch(host):
        return HostName(match["service"], match["region"])
    if match := _S3.fullmatch(host):
        return HostName("s3", match["region"], match["bucket"])
    if host.endswith(".localhost"):
        return HostName("s3", None, host.removesuffix(".localhost"))
    return HostName()
