"""G30: The program takes no more memory than limits.memory_mb and 150 MB; what would need more is refused by name.

Each shape is written into the bucket where UNLOAD would put it; the system tells what the program took at its peak
(`ru_maxrss`, which is VmHWM).
"""

from __future__ import annotations

import json
import struct
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from harness import PROGRAM, Harness, only_error
from pyarrow import parquet

pytestmark = pytest.mark.memory

MEMORY_MB = 400
BEYOND_MB = 150
# Small itself, so that what it took before it became the program does not count.
MEASURE = """
import json, os, sys
pid = os.posix_spawn(sys.argv[2], sys.argv[2:], os.environ)
_, status, used = os.wait4(pid, 0)
json.dump({"exit": os.waitstatus_to_exitcode(status), "peak_kb": used.ru_maxrss}, open(sys.argv[1], "w"))
"""

_random = np.random.default_rng(7)


def noise(length: int) -> str:
    """Text that no compression makes smaller than three quarters."""
    return _random.integers(48, 123, length, dtype=np.uint8).tobytes().decode()


def table_of(values: Any, **more: Any) -> pa.Table:
    return pa.table({"id": pa.array(range(len(values)), pa.int32()), "v": values, **more})


def dictionary(indices: list[int], values: list[str]) -> pa.Array:
    return pa.DictionaryArray.from_arrays(pa.array(indices, pa.int32()), pa.array(values))


def write(folder: Path, table: pa.Table, name: str = "0", **options: Any) -> None:
    settings: dict[str, Any] = {"compression": "snappy", "store_schema": False, "dictionary_pagesize_limit": 2**30}
    parquet.write_table(table, folder / f"{name}.parquet", **{**settings, **options})


# -- shapes: name -> who writes its parts; the select they stand for has `columns` ------------------------------


def one_value_in_200_rows(folder: Path) -> None:
    write(folder, table_of(dictionary([0] * 200, ["x" * 20_000_000])), compression="zstd")


def values_of_1_mb(folder: Path) -> None:
    values = [noise(1_000_000) for _ in range(30)]
    write(folder, table_of(dictionary([i % 30 for i in range(3000)], values)))


def rows_of_64_kb(folder: Path) -> None:
    texts = [noise(65_000) for _ in range(400)]
    for part in range(4):
        write(folder, table_of(pa.array(texts)), str(part), use_dictionary=False, row_group_size=200)


def rows_of_64_kb_in_one_group(folder: Path) -> None:
    texts = [noise(65_000) for _ in range(100)]
    write(folder, table_of(pa.array(texts * 25)), use_dictionary=False)


def values_of_16_mb(folder: Path) -> None:
    write(folder, table_of(pa.array([noise(16_000_000) for _ in range(6)])), use_dictionary=False, row_group_size=1)


def long_next_to_short(folder: Path) -> None:
    texts = ["short"] * 60_000
    for at in (0, 1, 30_000, 59_999):
        texts[at] = noise(5_000_000)
    write(folder, table_of(pa.array(texts)))


def narrow_rows(folder: Path) -> None:
    count = 1_250_000
    ids = pa.array(np.arange(count, dtype=np.int32))
    words = pa.DictionaryArray.from_arrays(pa.array(np.arange(count, dtype=np.int32) % 3), pa.array(["a", "b", "c"]))
    for part in range(8):
        write(folder, pa.table({"id": ids, "v": words}), str(part))


def one_huge_row_group(folder: Path) -> None:
    count = 3_000_000
    write(folder, table_of(pa.array([f"row {i}" for i in range(count)])), row_group_size=count)


def many_row_groups(folder: Path) -> None:
    write(folder, table_of(pa.array([f"row {i}" for i in range(20_000)])), row_group_size=4)


def many_parts(folder: Path) -> None:
    for part in range(300):
        write(folder, table_of(pa.array([f"row {part}"] * 10)), f"{part:04}")


def one_row(folder: Path) -> None:
    write(folder, table_of(pa.array(["a"])))


def bomb(compression: str, row_group: int = 10) -> Callable[[Path], None]:
    """150 MB that take 150 KB or less."""

    def write_it(folder: Path) -> None:
        texts = pa.array(["0" * 1_000_000] * 150)
        write(folder, table_of(texts), use_dictionary=False, compression=compression, row_group_size=row_group)

    return write_it


def varint(value: int) -> bytes:
    out = b""
    while value >= 0x80:
        out += bytes([value & 0x7F | 0x80])
        value >>= 7
    return out + bytes([value])


def zigzag(value: int) -> bytes:
    return varint(value << 1 if value >= 0 else ((-value) << 1) - 1)


def forged(footer: bytes, body: bytes = b"") -> bytes:
    return b"PAR1" + body + footer + struct.pack("<I", len(footer)) + b"PAR1"


def footer_of_gigabytes(folder: Path) -> None:
    """Twenty million column chunks, a byte each."""
    count = 20_000_000
    chunks = bytes([0x19, 0xFC]) + varint(count) + bytes(count)
    groups = bytes([0x19, 0x1C]) + chunks + b"\x16" + zigzag(1) + b"\x00"
    schema = bytes([0x19, 0x2C]) + b"\x48\x01r\x15\x02\x00" + b"\x15\x02\x25\x02\x18\x02id\x00"
    (folder / "0.parquet").write_bytes(forged(b"\x15\x02" + schema + b"\x16" + zigzag(1) + groups + b"\x00"))


def footer_that_claims_gigabytes(folder: Path) -> None:
    write(folder, table_of(pa.array(["a"])))
    file = folder / "0.parquet"
    file.write_bytes(file.read_bytes()[:-8] + struct.pack("<I", 2**31 - 1) + b"PAR1")


def schema_of_two_billion(folder: Path) -> None:
    footer = b"\x15\x02\x19\xfc" + varint(2**31 - 1) + b"\x48\x01r\x15\x02\x00"
    (folder / "0.parquet").write_bytes(forged(footer))


def nested_a_thousand_deep(folder: Path) -> None:
    levels = b"".join(b"\x35\x02\x18\x01a\x15\x02\x00" for _ in range(5000))
    schema = bytes([0x19, 0xFC]) + varint(5001) + b"\x48\x01r\x15\x02\x00" + levels
    (folder / "0.parquet").write_bytes(forged(b"\x15\x02" + schema + b"\x16\x00\x19\x0c\x00"))


def nested(folder: Path) -> None:
    write(folder, table_of(pa.array([[["a"]]] * 10)))


def page_that_claims(lie: int) -> Callable[[Path], None]:
    """The size in a page's header is a lie; what is in the page stays as it was."""

    def write_it(folder: Path) -> None:
        write(folder, pa.table({"id": pa.array([1], pa.int32()), "v": pa.array([noise(1_000_000)])}),
              use_dictionary=False, write_statistics=False)  # fmt: skip
        file = folder / "0.parquet"
        data = file.read_bytes()
        truth = b"\x15" + zigzag(1_000_000 + 4 + 6)  # the value, its length, and that it is not NULL
        assert data.count(truth) == 1
        file.write_bytes(data.replace(truth, b"\x15" + zigzag(lie)))

    return write_it


def columns_1600(folder: Path) -> None:
    rows = 6000
    columns = {f"c{i}": pa.array(_random.integers(0, 2**31 - 1, rows, dtype=np.int32)) for i in range(1599)}
    table = pa.table({"id": pa.array(range(rows), pa.int32()), **columns})
    write(folder, table, use_dictionary=False, row_group_size=2000)


# Where a shape is refused: what the message and the remedy must hold. Elsewhere it loads.
TOO_WIDE = {"duckdb": "too wide"}
SHAPES: dict[str, tuple[Callable[[Path], None], dict[str, str]]] = {
    "one value of 20 MB in 200 rows": (one_value_in_200_rows, TOO_WIDE),
    "values of 1 MB": (values_of_1_mb, TOO_WIDE),
    "rows of 64 KB": (rows_of_64_kb, {}),
    "rows of 64 KB in one row group": (rows_of_64_kb_in_one_group, {}),
    "values of 16 MB": (values_of_16_mb, {}),
    "long values next to short ones": (long_next_to_short, {}),
    "10 million rows": (narrow_rows, {}),
    "one huge row group": (one_huge_row_group, {}),
    "many row groups": (many_row_groups, {}),
    "many parts": (many_parts, {}),
    "a manifest of 100,000 parts": (one_row, {"": "the manifest lists it"}),
    "1,600 columns": (columns_1600, {}),
    "a bomb of gzip": (bomb("gzip"), {}),
    "a bomb of snappy": (bomb("snappy"), {}),
    "a bomb of zstd": (bomb("zstd"), {}),
    "a bomb in one page": (bomb("zstd", 150), {"": "memory limit"}),
    "a footer of gigabytes": (footer_of_gigabytes, {"": "footer"}),
    "a footer that claims gigabytes": (footer_that_claims_gigabytes, {"": "impossible length"}),
    "a schema of two billion columns": (schema_of_two_billion, {"": "footer"}),
    "nested": (nested, {"": "nested"}),
    "nested deep": (nested_a_thousand_deep, {"": "nested"}),
    "a page that claims 2 GB": (page_that_claims(2**31 - 1), {"": "page"}),
    "a page that claims a little more": (page_that_claims(1_048_000), {"": ""}),
    "a page that claims a little less": (page_that_claims(900_000), {"": ""}),
}
# No reader finds rows in these.
FORGED = ("a footer of gigabytes", "a footer that claims gigabytes", "a schema of two billion columns", "nested deep")
# Those whose way into another destination differs.
ELSEWHERE = ("one value of 20 MB in 200 rows", "values of 1 MB", "rows of 64 KB", "rows of 64 KB in one row group",
             "values of 16 MB", "long values next to short ones", "1,600 columns")  # fmt: skip


def source_of(harness: Harness, shape: str) -> None:
    """A table with the columns of the shape; its rows are those of the parts."""
    harness.source("CREATE SCHEMA IF NOT EXISTS shapes")
    if shape == "1,600 columns":
        name, columns = "wide", ", ".join(f"c{i} int" for i in range(1599))
        harness.source(f"CREATE TABLE IF NOT EXISTS shapes.{name} (id int, {columns})")
    else:
        name = "rows"
        harness.source(f"CREATE TABLE IF NOT EXISTS shapes.{name} (id int, v varchar(65535))")
    harness.source(f"GRANT USAGE ON SCHEMA shapes TO PUBLIC; GRANT SELECT ON shapes.{name} TO PUBLIC")
    harness.streams(f"shapes.{name}")


def measured_sync(harness: Harness) -> tuple[int, dict[str, Any], int]:
    """Exit code, document and peak in MB."""
    report = harness.folder / "peak.json"
    command = [sys.executable, "-S", "-c", MEASURE, str(report), str(PROGRAM)]
    command += ["--config", str(harness.write_config()), "sync", "--json"]
    finished = subprocess.run(command, env=harness.variables, cwd=harness.folder, capture_output=True, text=True,
                              check=False)  # fmt: skip
    told = json.loads(report.read_text())
    assert told["exit"] in (0, 1), (told, finished.stderr)
    return told["exit"], json.loads(finished.stdout), told["peak_kb"] // 1024


def check_shape(harness: Harness, shape: str, kind: str, folder: Path) -> None:
    maker, refused = SHAPES[shape]
    folder.mkdir()
    maker(folder)
    source_of(harness, shape)
    harness.settings["limits"]["memory_mb"] = MEMORY_MB
    more = {"rows": 1} if shape in FORGED else {}
    if "100,000 parts" in shape:
        more["ghosts"] = 100_000
    harness.sandbox.faults.set("unload.parts_from", args={"folder": str(folder), **more})
    exit_code, document, peak = measured_sync(harness)
    print(f"{shape} -> {kind}: exit {exit_code}, peak {peak} MB")
    assert peak <= MEMORY_MB + BEYOND_MB, (shape, peak)
    reason = refused.get(kind, refused.get(""))
    if reason is None:
        assert exit_code == 0, document
        rows = sum(parquet.read_metadata(file).num_rows for file in folder.glob("*.parquet"))
        assert document["streams"][0]["rows"] == rows
        harness.assert_bucket_clean()
        return
    assert exit_code == 1, document
    error = only_error(document["streams"])
    assert reason in error["message"], error
    assert error["remedy"], error


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path / "made"


@pytest.mark.parametrize("shape", SHAPES)
def test_duckdb(harness: Harness, folder: Path, shape: str) -> None:
    check_shape(harness, shape, "duckdb", folder)


@pytest.mark.parametrize("shape", ELSEWHERE)
@pytest.mark.parametrize("kind", ["postgres", "lake"])
def test_elsewhere(connect: Callable[..., Harness], folder: Path, shape: str, kind: str) -> None:
    check_shape(connect(destination=kind), shape, kind, folder)
