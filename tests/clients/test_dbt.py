"""dbt with its Redshift adapter, by the profile of the README: seed, a table, a view, an incremental model, tests."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from textwrap import dedent

import pytest
from programs import CLIENTS, ROOT, run_program
from redshift_sandbox.serverless_fixture import RedshiftServerless

FILES = {
    "dbt_project.yml": """
        name: shop
        version: "1.0"
        profile: sandbox
        models:
          shop: {+materialized: table}
    """,
    "seeds/countries.csv": "code,name\nde,Germany\nfr,France\n",
    "models/orders.sql": "SELECT 1 AS id, 'de' AS country UNION ALL SELECT 2, 'fr'",
    "models/by_country.sql": """
        {{ config(materialized='view') }}
        SELECT c.name, count(*) AS orders FROM {{ ref('orders') }} o JOIN {{ ref('countries') }} c ON c.code = o.country
        GROUP BY 1
    """,
    "models/events.sql": """
        {{ config(materialized='incremental', unique_key='id', dist='id', sort='id') }}
        SELECT {{ var('first') }} + id AS id, '{{ var('first') }}'::varchar(9) AS run FROM {{ ref('orders') }}
        {% if is_incremental() %} WHERE {{ var('first') }} + id > (SELECT min(id) FROM {{ this }}) {% endif %}
    """,
    "models/schema.yml": """
        version: 2
        models:
          - name: orders
            columns: [{name: id, data_tests: [unique, not_null]}]
    """,
}


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Path]:
    for name, text in FILES.items():
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(dedent(text))
    readme = (ROOT / "sandbox" / "README.md").read_text()
    (profile,) = re.findall(r"<!-- tested: dbt -->\n```yaml dbt\n(.*?)```", readme, re.DOTALL)
    (tmp_path / "profiles.yml").write_text(profile)
    yield tmp_path


def test_debug_seed_run_and_test(
    project: Path, client_environment: dict[str, str], redshift_serverless: RedshiftServerless
) -> None:
    environment = {**client_environment, "DBT_SEND_ANONYMOUS_USAGE_STATS": "false", "DO_NOT_TRACK": "1"}

    def dbt(*arguments: str) -> str:
        # The sandbox's certificate is for the database; dbt itself calls nobody.
        return run_program([CLIENTS / "dbt/bin/dbt", "--no-use-colors", *arguments], environment, project)

    assert "All checks passed!" in dbt("debug")
    told = dbt("build", "--vars", "first: 0")
    assert "ERROR=0" in told and "PASS=6" in told, told
    assert redshift_serverless.load("SELECT * FROM dbt_shop.by_country ORDER BY 1") == [("France", 1), ("Germany", 1)]
    dbt("run", "--vars", "first: 1", "--select", "events")
    assert redshift_serverless.load("SELECT * FROM dbt_shop.events ORDER BY 1") == [(1, "0"), (2, "1"), (3, "1")]
