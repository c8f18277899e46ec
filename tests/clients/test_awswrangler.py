"""awswrangler, unchanged: it loads, reads and unloads through redshift_connector and S3."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

CONNECT = """
    import json, os
    import awswrangler as wr, boto3, pandas as pd, redshift_connector
    bucket, role = os.environ["REDSHIFT_BUCKET"], os.environ["REDSHIFT_ROLE_ARN"]
    connection = redshift_connector.connect(
        iam=True, is_serverless=True, host=os.environ["REDSHIFT_HOST"], port=int(os.environ["REDSHIFT_PORT"]),
        database=os.environ["REDSHIFT_DATABASE"], serverless_work_group=os.environ["REDSHIFT_WORKGROUP"],
        serverless_acct_id="123456789012", region=os.environ["AWS_REGION"],
        access_key_id=os.environ["AWS_ACCESS_KEY_ID"], secret_access_key=os.environ["AWS_SECRET_ACCESS_KEY"])
    frame = pd.DataFrame({
        "id": pd.array([1, 2, 3], dtype="int64"), "name": ["one", "two", None], "price": [1.5, float("nan"), -2.25],
        "at": pd.to_datetime(["2024-02-29 12:34:56.789", None, "1999-12-31"], format="ISO8601"),
        "ok": [True, False, True],
    })
"""


def test_copy_and_read_back(run_python: Callable[[str], Any]) -> None:
    """`copy` writes Parquet, creates the table in the transaction of COPY, and removes its files."""
    told = run_python(CONNECT + """
    for mode in ("overwrite", "append"):
        wr.redshift.copy(df=frame, path=f"s3://{bucket}/wrangler/in/", con=connection, schema="public",
                         table="wrangled", mode=mode, iam_role=role)
    read = wr.redshift.read_sql_query("SELECT * FROM public.wrangled ORDER BY id", con=connection)
    left = boto3.client("s3").list_objects_v2(Bucket=bucket, Prefix="wrangler/in/").get("KeyCount")
    print(json.dumps([len(read), read["name"].tolist()[:3], str(read["at"].iloc[0]), list(read.columns), left]))
    """)
    assert told == [6, ["one", "one", "two"], "2024-02-29 12:34:56.789000", ["id", "name", "price", "at", "ok"], 0]


def test_upsert(run_python: Callable[[str], Any]) -> None:
    told = run_python(CONNECT + """
    wr.redshift.to_sql(df=frame, con=connection, schema="public", table="merged", mode="overwrite",
                       primary_keys=["id"], use_column_names=True)
    newer = frame.assign(id=[2, 3, 4], name="new")
    wr.redshift.copy(df=newer, path=f"s3://{bucket}/wrangler/up/", con=connection, schema="public", table="merged",
                     mode="upsert", primary_keys=["id"], iam_role=role)
    read = wr.redshift.read_sql_query("SELECT id, name FROM public.merged ORDER BY id", con=connection)
    print(json.dumps(read.values.tolist()))
    """)
    assert told == [[1, "one"], [2, "new"], [3, "new"], [4, "new"]]


def test_copy_from_csv_files_with_keys(run_python: Callable[[str], Any]) -> None:
    told = run_python(CONNECT + """
    wr.s3.to_csv(frame[["id", "name"]], f"s3://{bucket}/wrangler/csv/a.csv", index=False, header=False)
    wr.redshift.copy_from_files(path=f"s3://{bucket}/wrangler/csv/", con=connection, schema="public", table="from_csv",
        data_format="csv", redshift_column_types={"id": "BIGINT", "name": "VARCHAR(16)"}, mode="overwrite",
        boto3_session=boto3.Session(), sql_copy_extra_params=["EMPTYASNULL"])
    read = wr.redshift.read_sql_table("from_csv", con=connection, schema="public")
    print(json.dumps(sorted(read["id"].tolist()) + [int(read["name"].isna().sum())]))
    """)
    assert told == [1, 2, 3, 1]


def test_unload_and_its_files(run_python: Callable[[str], Any]) -> None:
    told = run_python(CONNECT + """
    wr.redshift.to_sql(df=frame, con=connection, schema="public", table="unloaded", mode="overwrite")
    query = "SELECT id, name, price, at FROM public.unloaded WHERE name <> 'x' OR name IS NULL"
    read = wr.redshift.unload(query, path=f"s3://{bucket}/wrangler/out/", con=connection, iam_role=role,
                              keep_files=False)
    wr.redshift.unload_to_files(query, path=f"s3://{bucket}/wrangler/files/", con=connection, iam_role=role,
                                partition_cols=["name"], manifest=True, cleanpath=True)
    keys = wr.s3.list_objects(f"s3://{bucket}/wrangler/files/")
    files = [key.partition("files/")[2].partition("/")[0] for key in keys]
    parts = wr.s3.read_parquet(f"s3://{bucket}/wrangler/files/", dataset=True, path_suffix=".parquet")
    print(json.dumps([sorted(read["id"].tolist()), float(read["price"].sum()), sorted(set(files)),
                      sorted(map(str, parts["name"].tolist()))]))
    """)
    hive = "name=__HIVE_DEFAULT_PARTITION__"
    assert told[:3] == [[1, 2, 3], -0.75, ["manifest", hive, "name=one", "name=two"]]
    assert told[3][1:] == ["one", "two"]
