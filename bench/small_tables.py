"""What a sync costs beside the rows.

overhead_ms_per_small_table        200 tables, half of them empty, one at a time; the sandbox's UNLOAD time taken off
statements_per_unchanged_stream    what the workgroup runs for an incremental stream in which nothing changed
wakeups_per_unchanged_sync         how often such a sync makes the workgroup begin to cost money
check_seconds                      `sluice check` of a connection in which all is right
init_answer_ms                     `sluice init` with every answer as a flag, for each answer
"""

from __future__ import annotations

import json
from typing import Any

import kit

TABLES = 200
FOLLOWED = 20


def _make_tables(box: kit.Sandbox) -> None:
    for i in range(TABLES):
        rows = 0 if i % 2 else 3
        box.sql(
            f"CREATE TABLE types.small_{i} AS SELECT n::bigint AS id, ('row ' || n)::varchar(20) AS name, "
            f"TIMESTAMP '2026-01-01' + n * interval '1 hour' AS updated_at FROM generate_series(1, {rows}) AS n"
        )
    names = ", ".join(f"types.small_{i}" for i in range(TABLES))
    box.sql(f"GRANT SELECT ON {names} TO {kit.READER}")


def _overhead(box: kit.Sandbox, options: kit.Options, runs: list[dict[str, Any]]) -> kit.Ratio:
    streams = [{"table": f"types.small_{i}"} for i in range(TABLES)]
    config = box.config("small", streams, streams_parallel=1)
    parallel = box.config("parallel", streams)
    found = []
    for _ in range(options.repeats):
        for name, file in (("one at a time", config), ("side by side", parallel)):
            kit.drop(box.warehouse(file.stem))
            box.control("DELETE", "meter")
            done = box.sync(file)
            document = json.loads(done.output)
            assert all(stream["status"] == "done" for stream in document["streams"])
            unloads = box.control("GET", "meter")["unloads"]["seconds"]
            overhead = (done.seconds - unloads) / TABLES * 1000
            if file is config:
                found.append(overhead)
            print(
                f"    {TABLES} tables, {name}: {done.seconds:.2f} s, of which UNLOAD {unloads:.2f} s",
                flush=True,
            )
            runs.append(
                {"name": f"small, {name}", "seconds": done.seconds, "unload_seconds": unloads, "cpu_seconds": done.cpu,
                 "peak_mb": done.mb}
            )  # fmt: skip
    cpu = kit.median(r["cpu_seconds"] for r in runs if r["name"] == "small, one at a time") / TABLES * 1000
    return kit.Ratio(
        "overhead_ms_per_small_table",
        kit.median(found),
        20,
        note=f"{cpu:.1f} ms of it CPU of ours",
    )


def _unchanged(box: kit.Sandbox) -> list[kit.Ratio]:
    streams = [
        {"table": f"types.small_{i}", "sync_mode": "incremental", "write_mode": "merge", "primary_key": ["id"],
         "cursor": "updated_at"}
        for i in range(FOLLOWED)
    ]  # fmt: skip
    config = box.config("unchanged", streams)
    box.sync(config)
    # A minute after its last statement the workgroup sleeps.
    box.control("POST", "clock", {"advance": 120})
    box.control("DELETE", "meter")
    box.sync(config)
    meter = box.control("GET", "meter")
    total = meter["total"]
    kinds = meter.get("statements_by_kind", {})
    told = ", ".join(f"{count} {kind}" for kind, count in sorted(kinds.items()))
    return [
        kit.Ratio(
            "statements_per_unchanged_stream",
            total["statements"] / FOLLOWED,
            2,
            note=told,
        ),
        kit.Ratio("wakeups_per_unchanged_sync", total["wake_ups"], 1),
    ]


def _check(box: kit.Sandbox, options: kit.Options) -> kit.Ratio:
    config = box.config("checked", [{"table": "types.small_0"}])
    taken = []
    for _ in range(options.repeats):
        done = box.sluice(config, "check", "--json", fails=True)
        counts = json.loads(done.output)["counts"]
        taken.append(done.seconds)
    return kit.Ratio(
        "check_seconds",
        kit.median(taken),
        2,
        note=f"{counts['ok']} ok, {counts['failure']} failures",
    )


def _init(box: kit.Sandbox, options: kit.Options) -> kit.Ratio:
    answers = {
        "--name": "acme", "--host": "analytics.123456789012.us-east-1.redshift-serverless.amazonaws.com",
        "--bucket": "acme-staging", "--role-arn": "arn:aws:iam::123456789012:role/sluice-reader", "--port": "5439",
        "--database": "dev", "--region": "us-east-1", "--bucket-region": "us-east-1",
    }  # fmt: skip
    flags = [word for pair in answers.items() for word in pair]
    file = box.directory / "init.yaml"
    whole = []
    for _ in range(max(5, options.repeats)):
        file.unlink(missing_ok=True)
        whole.append(box.sluice(file, "init", "--non-interactive", *flags).seconds)
    return kit.Ratio(
        "init_answer_ms",
        kit.median(whole) * 1000 / len(answers),
        50,
        note=f"{len(answers)} answers, start included",
    )


RATIOS = (
    "overhead_ms_per_small_table", "statements_per_unchanged_stream", "wakeups_per_unchanged_sync", "check_seconds",
    "init_answer_ms",
)  # fmt: skip


def measure(options: kit.Options, only: set[str]) -> kit.Found:
    found = kit.Found()
    with kit.sandbox("small", "types") as box:
        _make_tables(box)
        if "overhead_ms_per_small_table" in only:
            found.ratios.append(_overhead(box, options, found.runs))
        if only & {"statements_per_unchanged_stream", "wakeups_per_unchanged_sync"}:
            found.ratios += _unchanged(box)
        if "check_seconds" in only:
            found.ratios.append(_check(box, options))
        if "init_answer_ms" in only:
            found.ratios.append(_init(box, options))
    return found
