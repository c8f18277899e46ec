"""AWS's Python driver asks the catalog in its own way, as the JDBC driver does."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from redshift_sandbox.serverless_fixture import RedshiftServerless

_ASK = """
    import json, os
    import redshift_connector
    connection = redshift_connector.connect(
        host=os.environ["REDSHIFT_HOST"], port=int(os.environ["REDSHIFT_PORT"]), database="dev",
        user=os.environ["REDSHIFT_USER"], password=os.environ["REDSHIFT_PASSWORD"], sslmode="verify-full")
    cursor = connection.cursor()
    cursor.execute("SELECT bytes, shape, info, at FROM connector.orders")
    print(json.dumps({
        "row": [str(value) for value in cursor.fetchone()],
        "schemas": [row[0] for row in cursor.get_schemas()],
        "tables": sorted([row[2], row[3]] for row in cursor.get_tables(schema_pattern="connector")),
        "columns": [row[3:7] for row in cursor.get_columns(schema_pattern="connector", tablename_pattern="orders")],
        "key": [row[3] for row in cursor.get_primary_keys(schema="connector", table="orders")],
        "catalogs": list(cursor.get_catalogs()),
    }))
"""


def test_the_driver_reads_the_catalog(
    run_python: Callable[[str], Any], redshift_serverless: RedshiftServerless
) -> None:  # fmt: skip
    redshift_serverless.load(
        """CREATE SCHEMA connector;
        CREATE TABLE connector.orders (id int PRIMARY KEY, bytes varbyte(9), shape geometry, info super, at timetz);
        INSERT INTO connector.orders VALUES (1, 'abc', ST_Point(1, 2), JSON_PARSE('[1]'), '12:00+02');
        CREATE VIEW connector.ids AS SELECT id FROM connector.orders"""
    )
    told = run_python(_ASK)
    assert "connector" in told.pop("schemas")
    assert told == {
        "row": ["abc", "0101000000000000000000f03f0000000000000040", "[1]", "10:00:00+00:00"],
        "tables": [["ids", "VIEW"], ["orders", "TABLE"], ["orders_pkey", "INDEX"]],
        "columns": [
            ["id", 4, "int4", 10], ["bytes", -4, "varbyte", None], ["shape", -4, "geometry", None],
            ["info", -16, "super", None], ["at", 1111, "timetz", 2147483647],
        ],
        "key": ["id"],
        "catalogs": [["dev"]],
    }  # fmt: skip
