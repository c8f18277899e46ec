"""Keys are information only, NOT NULL is a rule."""

from __future__ import annotations

import psycopg
import pytest
from gateway_world import World


@pytest.mark.parametrize("how", ["PRIMARY KEY (a, b)", "UNIQUE (a, b)", "later"])
def test_b32_duplicate_rows_under_a_declared_key(world: World, schema: str, how: str) -> None:
    declared = "" if how == "later" else f", {how}"
    world.admin(f"CREATE TABLE {schema}.t (a int NOT NULL, b int NOT NULL, c int{declared})")
    if how == "later":
        world.admin(f"ALTER TABLE {schema}.t ADD PRIMARY KEY (a, b)")
    world.admin(f"INSERT INTO {schema}.t VALUES (1, 1, 1), (1, 1, 2)")
    world.admin(f"INSERT INTO {schema}.t VALUES (1, 1, 3)")
    assert world.admin(f"SELECT c FROM {schema}.t WHERE a = 1 AND b = 1 ORDER BY 1") == [(1,), (2,), (3,)]
    # The planner must not rely on the key either: a join on it returns more rows.
    assert world.admin(f"SELECT count(*) FROM {schema}.t x JOIN {schema}.t y ON x.a = y.a AND x.b = y.b") == [(9,)]
    assert world.admin(f"SELECT count(*) FROM (SELECT DISTINCT a, b FROM {schema}.t) x") == [(1,)]


def test_the_key_stays_in_the_catalog(world: World, schema: str) -> None:
    world.admin(f"CREATE TABLE {schema}.t (a int, b int, PRIMARY KEY (b, a))")
    keys = world.admin(f"SHOW CONSTRAINTS PRIMARY KEYS FROM TABLE {schema}.t")
    assert [(row[3], row[4]) for row in keys] == [("b", 1), ("a", 2)]


def test_b32_not_null_is_enforced(world: World, schema: str) -> None:
    world.admin(f"CREATE TABLE {schema}.t (a int NOT NULL, b int)")
    with pytest.raises(psycopg.errors.NotNullViolation):
        world.admin(f"INSERT INTO {schema}.t VALUES (NULL, 1)")
