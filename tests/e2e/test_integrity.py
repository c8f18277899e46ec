"""G31: A byte of a part that changed on its way from S3 is found before a row of it is loaded, where S3 tells a
checksum of the part or an ETag that is an MD5; the part is fetched once more, and then refused.

Through the whole program: a proxy inside TLS that leaves headers alone, services that tell less than S3, and lists
that lie.
"""

from __future__ import annotations

import random
from typing import Any

import pytest
from followed import Followed
from harness import Harness

pytestmark = pytest.mark.faults
ALWAYS = None
SEEDS = range(6)
DAMAGES_EACH = 4


@pytest.fixture
def followed(harness: Harness) -> Followed:
    return Followed(harness)


def verified(followed: Followed, stream: dict[str, Any]) -> dict[str, int]:
    assert sum(stream["verified"].values()) == stream["proof"]["parts"], stream
    return dict(stream["verified"])


def test_parts_are_compared_with_what_s3_tells(followed: Followed) -> None:
    assert set(verified(followed, followed.ends_right())) == {"crc64nvme"}


def test_a_part_that_arrives_damaged_once_is_fetched_again(followed: Followed) -> None:
    followed.fault("s3.flip_byte", 1, match=".parquet")
    stream = followed.ends_right()
    assert "crc64nvme" in stream["verified"]
    assert followed.unloads() == 1, "what is in the bucket was right"


@pytest.mark.parametrize("seed", SEEDS)
def test_no_damaged_byte_is_ever_loaded(followed: Followed, seed: int) -> None:
    """Anywhere in a part, every time: found, and named with what S3 told and what came."""
    draw = random.Random(seed)
    for _ in range(DAMAGES_EACH):
        offset = draw.randrange(0, 300)
        followed.fault("s3.flip_byte", ALWAYS, match=".parquet", offset=offset)
        error = followed.ends_in_error("corrupt", ".parquet", "x-amz-checksum-crc64nvme: ", "Nothing was committed")
        assert error["message"].count("x-amz-checksum-crc64nvme") == 2, error
        followed.harness.sandbox.faults.clear()
    followed.recovers()


def test_a_service_without_checksums_is_compared_by_etag(followed: Followed) -> None:
    followed.fault("s3.no_checksums", ALWAYS)
    stream = followed.ends_right()
    assert set(verified(followed, stream)) == {"md5"}
    followed.shop.put(3, 34)
    followed.before = followed.harness.fingerprint()
    followed.fault("s3.flip_byte", ALWAYS, match=".parquet", offset=40)
    followed.ends_in_error("corrupt", "ETag: ")
    followed.recovers()


@pytest.mark.parametrize("offset", [0, 20, -20])
def test_a_manifest_that_arrives_damaged_is_fetched_again_or_refused(followed: Followed, offset: int) -> None:
    """G33: A changed byte in a manifest or a list never makes rows appear or disappear, and a list that does not end
    is given up."""
    followed.fault("s3.flip_byte", ALWAYS, match="manifest", offset=offset)
    followed.ends_in_error("corrupt", "manifest")
    followed.harness.sandbox.faults.clear()
    followed.fault("s3.flip_byte", 1, match="manifest", offset=offset)
    followed.ends_right()


@pytest.mark.parametrize("how", ["repeat", "empty"])
def test_a_list_that_does_not_end_is_given_up(followed: Followed, how: str) -> None:
    followed.fault("s3.endless_list", ALWAYS, how=how)
    finished = followed.harness.run("sync", "--json")
    assert finished.exit_code != 0, finished
    error = followed.error_of(finished)
    assert error["code"] == "corrupt", error
    assert "does not end" in error["message"], error
    assert "s3://" in error["subject"], error
    assert followed.harness.fingerprint() == followed.before
    followed.recovers()


def test_a_list_with_keys_of_others_is_refused(followed: Followed) -> None:
    followed.fault("s3.foreign_keys", ALWAYS)
    finished = followed.harness.run("sync", "--json")
    assert finished.exit_code != 0, finished
    assert "outside of the prefix" in followed.error_of(finished)["message"]
    followed.recovers()


def test_a_list_that_repeats_its_keys_is_read_once(followed: Followed) -> None:
    followed.fault("s3.repeated_keys", ALWAYS)
    followed.ends_right()
