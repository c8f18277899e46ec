"""Prints the tables of a DuckDB file with their row counts, and a few rows of one."""

from __future__ import annotations

import sys

import duckdb


def main(path: str) -> None:
    with duckdb.connect(path, read_only=True) as connection:
        tables = connection.execute(
            "SELECT table_schema, table_name FROM information_schema.tables"
            " WHERE table_schema <> '_sluice' ORDER BY 1, 2"
        ).fetchall()
        for schema, table in tables:
            row = connection.execute(f'SELECT count(*) FROM "{schema}"."{table}"').fetchone()
            assert row is not None
            print(f"  {schema + '.' + table:<30} {row[0]:>10,} rows")
        print()
        print(connection.sql(
            "SELECT n_name AS nation, count(*) AS orders, sum(o_totalprice) AS total FROM tpch.orders"
            " JOIN tpch.customer ON c_custkey = o_custkey JOIN tpch.nation ON n_nationkey = c_nationkey"
            " GROUP BY 1 ORDER BY 3 DESC LIMIT 5"
        ))  # fmt: skip


if __name__ == "__main__":
    main(sys.argv[1])
