"""A table of ten million rows: what a tenth of a percent of changes costs, and what memory ten times the rows take.

incremental_over_full   the sync that brings 0.1 % changed rows over the sync that brings all; UNLOAD excluded in both
  ..._spread            the changed rows lie anywhere: every block of the destination's table is touched
  ..._recent            they are among the latest tenth, as changes mostly are
memory_10x_over_1x      peak memory of a sync of all rows over that of a tenth of them, DuckDB with its memory limit
lake_copy_mb            peak memory where the parts are copied inside S3, into a lake
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import kit

TABLE = "types.bench_rows"
# A second is a row's distance in time, so that `overlap` reads some 300 rows again.
ROWS = f"""
CREATE UNLOGGED TABLE {TABLE} AS SELECT
  id::bigint, (hashint8(id) & 1048575)::bigint AS customer, (hashint8(id + 1) & 131071)::int AS part,
  (1 + (hashint8(id + 2) & 7))::int AS line, ((hashint8(id + 3) & 8388607) / 100.0)::numeric(15,2) AS price,
  (1 + (hashint8(id + 4) & 31))::numeric(15,2) AS quantity, ((hashint8(id + 5) & 7) / 100.0)::numeric(15,2) AS discount,
  (ARRAY['new','paid','sent','done'])[1 + (hashint8(id + 6) & 3)]::varchar(8) AS status,
  DATE '2020-01-01' + (hashint8(id + 7) & 2047) AS shipped, (ARRAY['AIR','SHIP','TRUCK','MAIL'])[1 + (hashint8(id + 8)
  & 3)]::varchar(8) AS mode, substr(md5(id::text), 1, 1 + (hashint8(id + 9) & 15))::varchar(32) AS comment,
  TIMESTAMP '2026-01-01' + id * interval '1 second' AS updated_at
FROM generate_series(0, {{rows}} - 1) AS id
"""
FOLLOWED = {
    "table": TABLE, "sync_mode": "incremental", "write_mode": "merge", "primary_key": ["id"], "cursor": "updated_at",
}  # fmt: skip


class Case:
    def __init__(self, options: kit.Options, box: kit.Sandbox) -> None:
        self.options, self.box = options, box
        self.rows = options.rows(10)
        self.changes = 0
        self.runs: list[dict[str, Any]] = []
        box.sql(ROWS.format(rows=self.rows))
        box.sql(f"ALTER TABLE {TABLE} ADD PRIMARY KEY (id)")  # else each change would read all rows
        box.sql(f"GRANT SELECT ON {TABLE} TO {kit.READER}")

    def sync(self, name: str, config: Path, rows: int | None) -> kit.Timed:
        """Takes UNLOAD's time off; `rows`: how many must come, at least."""
        done = self.box.sync(config)
        stream = done.stream()
        came = stream["proof"]["loaded_rows"]
        if rows is not None and came < rows:
            raise SystemExit(f"{name}: {came} rows came, not {rows}")
        seconds = done.seconds - stream["unload_seconds"]
        print(
            f"    {name:<22}{seconds:8.2f} s{done.cpu:8.2f} s of CPU{done.mb:7.0f} MB  {came:,} rows",
            flush=True,
        )
        self.runs.append(
            {
                "name": name,
                "seconds": seconds,
                "cpu_seconds": done.cpu,
                "peak_mb": done.mb,
                "rows": came,
            }
        )
        return kit.Timed(seconds, done.cpu, done.mb, done.output)

    def change(self, recent: bool) -> int:
        """A thousandth of the rows, stamped later than all; returns how many."""
        self.changes += 1
        count = self.rows // 1000
        first = self.rows * 9 // 10 if recent else 0
        step = (self.rows - first) // count
        start = f"TIMESTAMP '2026-01-01' + {self.rows + self.changes * 100_000} * interval '1 second'"
        self.box.sql(
            f"UPDATE {TABLE} SET price = price + 1, updated_at = {start} + n * interval '1 second' FROM (SELECT "
            f"{first} + n * {step} + {self.changes} AS key, n FROM generate_series(0, {count - 1}) AS n) AS c "
            "WHERE id = key"
        )
        return count - 1

    def incremental(self) -> list[kit.Ratio]:
        config = self.box.config("followed", [FOLLOWED])
        full, spread, recent = [], [], []
        for _ in range(min(2, self.options.repeats)):
            kit.drop(self.box.warehouse("followed"))
            full.append(self.sync("full", config, self.rows))
            for changed, is_recent in ((recent, True), (spread, False)):
                rows = self.change(is_recent)
                changed.append(self.sync(f"changed, {'recent' if is_recent else 'spread'}", config, rows))
        self.sync("unchanged", config, None)

        def over(part: list[kit.Timed]) -> float:
            return kit.median(p.seconds for p in part) / kit.median(f.seconds for f in full)

        def cpu(part: list[kit.Timed]) -> str:
            ratio = kit.median(p.cpu for p in part) / kit.median(f.cpu for f in full)
            seconds, of = kit.median(p.seconds for p in part), kit.median(f.seconds for f in full)
            return f"{seconds:.2f} s of {of:.1f} s; of CPU {ratio:.3f}"

        return [
            kit.Ratio(
                "incremental_over_full",
                over(recent),
                0.03,
                note=f"recent rows: {cpu(recent)}",
            ),
            kit.Ratio(
                "incremental_over_full_spread",
                over(spread),
                0.03,
                note=f"anywhere: {cpu(spread)}",
            ),
        ]

    def memory(self) -> kit.Ratio:
        every = self.box.config("every", [{"table": TABLE}])
        some = self.box.config(
            "some",
            [
                {
                    "name": "some",
                    "sql": f"SELECT * FROM {TABLE} WHERE id < {self.rows // 10}",
                }
            ],
        )
        ten = self.sync("10x, overwrite", every, self.rows)
        one = self.sync("1x, overwrite", some, self.rows // 10)
        return kit.Ratio(
            "memory_10x_over_1x",
            ten.mb / one.mb,
            1.1,
            note=f"{ten.mb:.0f} MB over {one.mb:.0f} MB",
        )

    def lake(self) -> kit.Ratio:
        account, bucket = "123456789012", "acme-bench-lake"
        self.box.control("POST", "buckets", {"name": bucket, "region": "us-east-1", "account": account})
        objects = ["s3:GetObject", "s3:PutObject", "s3:DeleteObject", "s3:AbortMultipartUpload"]
        arn = f"arn:aws:s3:::{bucket}"
        rights = {
            "Version": "2012-10-17",
            "Statement": [
                {"Effect": "Allow", "Action": objects, "Resource": f"{arn}/*"},
                {"Effect": "Allow", "Action": ["s3:ListBucket", "s3:ListBucketMultipartUploads"], "Resource": arn},
            ],
        }
        whose = {"account": account, "kind": "role", "name": "sluice-reader"}
        self.box.control("POST", "policies", {**whose, "policy": "lake", "document": rights})
        destination = {"type": "lake", "path": f"s3://{bucket}/tables"}
        config = self.box.config("lake", [{"table": TABLE}], destination=destination)
        done = self.sync("lake, copied in S3", config, self.rows)
        return kit.Ratio("lake_copy_mb", done.mb, 80, note=f"{self.rows:,} rows, no byte through us")


RATIOS = ("incremental_over_full", "memory_10x_over_1x", "lake_copy_mb")


def measure(options: kit.Options, only: set[str]) -> kit.Found:
    with kit.sandbox("large", "types") as box:
        case = Case(options, box)
        ratios: list[kit.Ratio] = []
        if "incremental_over_full" in only:
            ratios += case.incremental()
        if "memory_10x_over_1x" in only:
            ratios.append(case.memory())
        if "lake_copy_mb" in only:
            ratios.append(case.lake())
        return kit.Found(ratios, case.runs)
