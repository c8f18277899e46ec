"""sqlalchemy-redshift reads tables, columns and keys from the catalog, over both of its drivers."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from redshift_sandbox.serverless_fixture import RedshiftServerless

_SCHEMA = """CREATE SCHEMA alchemy;
    CREATE TABLE alchemy.customers (id bigint PRIMARY KEY, name varchar(40) NOT NULL);
    CREATE TABLE alchemy.orders (id int IDENTITY(5, 2), customer bigint REFERENCES alchemy.customers (id),
      price decimal(18, 2) DEFAULT 1.5, at timestamptz, day date, info super, PRIMARY KEY (id), UNIQUE (customer, day));
    COMMENT ON TABLE alchemy.orders IS 'what was ordered';
    COMMENT ON COLUMN alchemy.orders.day IS 'the day';
    CREATE VIEW alchemy.days AS SELECT day FROM alchemy.orders;
    CREATE VIEW alchemy.late AS SELECT id, price FROM alchemy.orders WITH NO SCHEMA BINDING;
    INSERT INTO alchemy.customers VALUES (7, 'Ada')"""
_REFLECT = """
    import json, os
    import sqlalchemy as sa
    url = sa.engine.URL.create("redshift+{driver}", username=os.environ["REDSHIFT_USER"],
        password=os.environ["REDSHIFT_PASSWORD"], host=os.environ["REDSHIFT_HOST"],
        port=int(os.environ["REDSHIFT_PORT"]), database=os.environ["REDSHIFT_DATABASE"])
    given = {{"sslmode": "verify-full"}}
    if "{driver}" == "psycopg2":
        given["sslrootcert"] = os.environ["AWS_CA_BUNDLE"]
    engine = sa.create_engine(url, connect_args=given)
    told = sa.inspect(engine)
    customers = sa.Table("customers", sa.MetaData(), schema="alchemy", autoload_with=engine)
    with engine.connect() as connection:
        found = connection.execute(sa.select(customers.c.name).where(customers.c.id == 7)).scalar_one()
    print(json.dumps({{
        "schemas": told.get_schema_names(), "tables": sorted(told.get_table_names("alchemy")),
        "views": sorted(told.get_view_names("alchemy")),
        "columns": [[c["name"], str(c["type"]), c["nullable"], c["comment"]]
                    for c in told.get_columns("orders", "alchemy")],
        "late": [[c["name"], str(c["type"])] for c in told.get_columns("late", "alchemy")],
        "defaults": [c["default"] for c in told.get_columns("orders", "alchemy")[:3]],
        "key": told.get_pk_constraint("orders", "alchemy")["constrained_columns"],
        "unique": [sorted(u["column_names"]) for u in told.get_unique_constraints("orders", "alchemy")],
        "foreign": [[f["constrained_columns"], f["referred_table"]]
                    for f in told.get_foreign_keys("orders", "alchemy")],
        "definition": "select" in told.get_view_definition("days", "alchemy").lower(),
        "comment": told.get_table_comment("orders", "alchemy")["text"],
        "options": told.get_table_options("orders", "alchemy")["redshift_diststyle"],
        "has": [told.has_table(name, "alchemy") for name in ("orders", "nothing")],
        "reflected": [str(column.type) for column in customers.columns], "found": found,
    }}))
"""


@pytest.fixture(scope="session")
def schema(redshift_serverless: RedshiftServerless) -> None:
    redshift_serverless.load(_SCHEMA)


@pytest.mark.parametrize("driver", ["psycopg2", "redshift_connector"])
def test_reflection(run_python: Callable[[str], Any], schema: None, driver: str) -> None:
    told = run_python(_REFLECT.format(driver=driver))
    assert "alchemy" in told.pop("schemas")
    defaults = told.pop("defaults")
    assert re.fullmatch(r""""identity"\(\d+, 0, '5,2'::text\)""", defaults[0]) and defaults[1:] == [None, "1.5"]
    assert told == {
        "tables": ["customers", "orders"],
        "views": ["days", "late"],
        "columns": [
            ["id", "INTEGER", False, None],
            ["customer", "BIGINT", True, None],
            ["price", "NUMERIC(18, 2)", True, None],
            ["at", "TIMESTAMPTZ", True, None],
            ["day", "DATE", True, "the day"],
            ["info", "SUPER", True, None],
        ],
        "late": [["id", "INTEGER"], ["price", "NUMERIC(18, 2)"]],
        "key": ["id"],
        "unique": [["customer", "day"]],
        "foreign": [[["customer"], "customers"]],
        "definition": True,
        "comment": "what was ordered",
        "options": None,
        "has": [True, False],
        "reflected": ["BIGINT", "VARCHAR(40)"],
        "found": "Ada",
    }
