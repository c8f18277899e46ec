"""What Sluice is measured against, each as a process of its own:

peers.py stage       CONFIG PARTS                    unload once, keep the parts, write the fetch floor's script
peers.py floor_load  CONFIG PARTS TARGET SHARE       DuckDB CREATE TABLE AS from the parts
peers.py awswrangler CONFIG PARTS TARGET SHARE       awswrangler.redshift.unload, chunk by chunk into DuckDB
peers.py cursor      CONFIG PARTS TARGET SHARE       redshift_connector fetch of 1/SHARE of the rows into DuckDB
"""

from __future__ import annotations

import os
import shlex
import sys
import uuid
from pathlib import Path
from typing import Any

import boto3
import botocore.config
import pyarrow as pa
import yaml

RANGE_BYTES = 8 << 20
# A frame of decimals tells DuckDB only the digits it happens to hold.
LINEITEM = """CREATE TABLE lineitem (l_orderkey BIGINT, l_partkey BIGINT, l_suppkey BIGINT, l_linenumber INTEGER,
    l_quantity DECIMAL(15,2), l_extendedprice DECIMAL(15,2), l_discount DECIMAL(15,2), l_tax DECIMAL(15,2),
    l_returnflag VARCHAR, l_linestatus VARCHAR, l_shipdate DATE, l_commitdate DATE, l_receiptdate DATE,
    l_shipinstruct VARCHAR, l_shipmode VARCHAR, l_comment VARCHAR)"""


def settings(config: Path) -> dict[str, Any]:
    """The configuration, as far as the peers need it."""
    return dict(yaml.safe_load(os.path.expandvars(config.read_text())))


def role_session(conf: dict[str, Any]) -> boto3.Session:
    role = boto3.client("sts").assume_role(
        RoleArn=conf["auth"]["role_arn"], ExternalId=conf["auth"]["external_id"], RoleSessionName="bench"
    )["Credentials"]
    return boto3.Session(
        role["AccessKeyId"], role["SecretAccessKey"], role["SessionToken"], region_name=os.environ["AWS_REGION"]
    )


def connect(conf: dict[str, Any], session: boto3.Session) -> Any:
    import redshift_connector

    redshift = conf["redshift"]
    login = session.client("redshift-serverless").get_credentials(
        workgroupName=redshift["workgroup"], dbName=redshift["database"], durationSeconds=3600
    )
    return redshift_connector.connect(
        host=redshift["host"], port=redshift["port"], database=redshift["database"], user=login["dbUser"],
        password=login["dbPassword"], ssl=True, sslmode="verify-ca", timeout=None,
    )  # fmt: skip


def unload(conf: dict[str, Any], session: boto3.Session, connection: Any) -> str:
    """Like Sluice's own statement; returns the prefix."""
    keys = session.get_credentials().get_frozen_credentials()
    prefix = f"{conf['staging']['root']}bench/{uuid.uuid4().hex}/"
    cursor = connection.cursor()
    cursor.execute(
        f"UNLOAD ('SELECT * FROM tpch.lineitem') TO 's3://{conf['staging']['bucket']}/{prefix}' "
        f"ACCESS_KEY_ID '{keys.access_key}' SECRET_ACCESS_KEY '{keys.secret_key}' SESSION_TOKEN '{keys.token}' "
        f"FORMAT AS PARQUET MANIFEST VERBOSE MAXFILESIZE 64 MB REGION '{conf['staging']['region']}'"
    )
    connection.commit()
    return prefix


def stage(conf: dict[str, Any], parts: Path) -> None:
    """The parts stay in the bucket for the fetch floor and on disk for the load floor."""
    session = role_session(conf)
    with connect(conf, session) as connection:
        prefix = unload(conf, session, connection)
        cursor = connection.cursor()
        cursor.execute("SELECT count(*) FROM tpch.lineitem")
        rows = cursor.fetchone()[0]
    bucket = conf["staging"]["bucket"]
    # Signed URLs are of version 4 only if asked for.
    client = session.client("s3", config=botocore.config.Config(signature_version="s3v4"))
    parts.mkdir(exist_ok=True)
    script = ["set -e", "mkdir -p " + shlex.quote(str(parts.parent / "fetched"))]
    config = parts.parent / "fetch.curl"
    lines = []
    for entry in client.list_objects_v2(Bucket=bucket, Prefix=prefix)["Contents"]:
        key, size = entry["Key"], entry["Size"]
        if not key.endswith(".parquet"):
            continue
        client.download_file(bucket, key, str(parts / Path(key).name))
        url = client.generate_presigned_url("get_object", {"Bucket": bucket, "Key": key}, ExpiresIn=86400)
        for offset in range(0, size, RANGE_BYTES):
            last = min(offset + RANGE_BYTES, size) - 1
            target = parts.parent / "fetched" / f"{Path(key).name}.{offset}"
            lines.append(
                f'url = "{url}"\nrange = "{offset}-{last}"\noutput = "{target}"\n'
                f'cacert = "{os.environ["AWS_CA_BUNDLE"]}"\nfail\nsilent\nshow-error\n'
            )
    config.write_text("next\n".join(lines))  # a range belongs to what follows it up to the next "next"
    script.append(f"exec curl --no-progress-meter --parallel --parallel-max 16 --config {shlex.quote(str(config))}")
    (parts.parent / "floor_fetch.sh").write_text("\n".join(script) + "\n")
    print(rows)


def floor_load(parts: Path, target: Path) -> None:
    import duckdb

    with duckdb.connect(str(target)) as connection:
        connection.execute("SET preserve_insertion_order = false")  # faster and leaner; Sluice does so too
        connection.execute(f"CREATE TABLE lineitem AS SELECT * FROM read_parquet('{parts}/*.parquet')")


def awswrangler(conf: dict[str, Any], target: Path) -> None:
    """Its documented way for tables larger than memory: unload, then chunk by chunk."""
    import awswrangler as wr
    import duckdb

    session = role_session(conf)
    keys = session.get_credentials().get_frozen_credentials()
    with connect(conf, session) as source, duckdb.connect(str(target)) as connection:
        chunks = wr.redshift.unload(
            sql="SELECT * FROM tpch.lineitem", con=source, path=f"s3://{conf['staging']['bucket']}/{conf['staging']['root']}bench/{uuid.uuid4().hex}/",
            aws_access_key_id=keys.access_key, aws_secret_access_key=keys.secret_key, aws_session_token=keys.token,
            region=conf["staging"]["region"], max_file_size=64, chunked=True, keep_files=False,
            dtype_backend="pyarrow", boto3_session=session,
        )  # fmt: skip
        connection.execute(LINEITEM)
        for chunk in chunks:
            connection.register("chunk", chunk)
            connection.execute("INSERT INTO lineitem SELECT * FROM chunk")
            connection.unregister("chunk")


def cursor(conf: dict[str, Any], target: Path, share: int) -> None:
    import duckdb

    session = role_session(conf)
    with connect(conf, session) as source, duckdb.connect(str(target)) as connection:
        rows = source.cursor()
        rows.execute(f"SELECT * FROM tpch.lineitem WHERE l_orderkey % {share} = 0")
        connection.execute(LINEITEM)
        # Typed as the table is: of a pandas frame of decimals DuckDB guesses the digits from a sample.
        schema = connection.table("lineitem").to_arrow_table().schema
        while batch := rows.fetchmany(100_000):
            columns = zip(*batch, strict=True)
            frame = pa.table([pa.array(c, f.type) for c, f in zip(columns, schema, strict=True)], schema=schema)
            connection.register("frame", frame)
            connection.execute("INSERT INTO lineitem SELECT * FROM frame")
            connection.unregister("frame")


def main() -> None:
    name, conf, parts = sys.argv[1], settings(Path(sys.argv[2])), Path(sys.argv[3])
    if name == "stage":
        return stage(conf, parts)
    target, share = Path(sys.argv[4]), int(sys.argv[5])
    if name == "floor_load":
        return floor_load(parts, target)
    if name == "awswrangler":
        return awswrangler(conf, target)
    return cursor(conf, target, share)


if __name__ == "__main__":
    main()
