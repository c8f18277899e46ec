# Goal: standard clients work with the sandbox unchanged: AWS's Python driver with IAM, psql, and awswrangler's unload.
# Each runs in its own process and finds the sandbox only by environment variables.

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest

from redshift_sandbox import account
from redshift_sandbox.minting import psql_command
from redshift_sandbox.processes import own_state
from redshift_sandbox.testing import RunningSandbox, fresh_name


@pytest.fixture
def environment(sandbox: RunningSandbox, tmp_path: Path) -> dict[str, str]:
    """Only what is needed: the sandbox's variables, and the CA for the driver's own TLS."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    config = tmp_path / "aws-config"
    config.write_text(dedent(f"""
        [profile base]
        aws_access_key_id = {sandbox.world.card.base.key_id}
        aws_secret_access_key = {sandbox.world.card.base.secret}
        [profile reader]
        role_arn = {sandbox.world.role_arn}
        external_id = {sandbox.world.card.external_id}
        source_profile = base
        region = {account.REGION}
    """))
    led = {name: value for name, value in sandbox.environment.items() if name.startswith("AWS_")}
    del led["AWS_ACCESS_KEY_ID"], led["AWS_SECRET_ACCESS_KEY"]
    own = {"AWS_CONFIG_FILE": str(config), "AWS_SHARED_CREDENTIALS_FILE": "/nonexistent",
           "AWS_EC2_METADATA_DISABLED": "true", "SSL_CERT_FILE": str(sandbox.world.ca_file),
           "SANDBOX_PORT": str(sandbox.world.redshift_port)}  # fmt: skip
    return {**kept, **led, **own}


def run(script: str, environment: dict[str, str]) -> Any:
    """Runs a client's script; it prints one JSON document."""
    command = [sys.executable, "-W", "ignore", "-c", dedent(script)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


CONNECT = """
    import json, os
    import redshift_connector
    connection = redshift_connector.connect(
        iam=True, is_serverless=True, host="localhost", port=int(os.environ["SANDBOX_PORT"]), database="dev",
        serverless_work_group="analytics", serverless_acct_id="123456789012", region="us-east-1", {more})
    connection.autocommit = True
"""


def test_redshift_connector_with_a_role(environment: dict[str, str]) -> None:
    script = CONNECT.format(more='profile="reader"') + """
    cursor = connection.cursor()
    cursor.execute("SELECT current_user, count(*) FROM tpch.nation WHERE n_nationkey >= %s", (5,))
    print(json.dumps(list(cursor.fetchone())))
    """
    assert run(script, environment) == [account.ROLE_DB_USER, 20]


def test_redshift_connector_with_keys(sandbox: RunningSandbox, environment: dict[str, str]) -> None:
    card = sandbox.world.card
    more = f'access_key_id="{card.keys.key_id}", secret_access_key="{card.keys.secret}"'
    script = CONNECT.format(more=more) + """
    cursor = connection.cursor()
    cursor.execute("SELECT id, a_decimal, a_timestamp, a_varchar FROM types.types_plain WHERE id IN (1, 5) ORDER BY 1")
    print(json.dumps([[str(value) for value in row] for row in cursor.fetchall()]))
    """
    assert run(script, environment) == [
        ["1", "1.50", "2024-02-29 12:34:56.789012", "varchar"], ["5", "None", "None", "None"],
    ]  # fmt: skip


def test_redshift_connector_fetches_a_data_frame(environment: dict[str, str]) -> None:
    script = CONNECT.format(more='profile="reader"') + """
    cursor = connection.cursor()
    cursor.execute("SELECT l_orderkey, l_quantity, l_shipdate, l_comment FROM tpch.lineitem")
    frame = cursor.fetch_dataframe()
    print(json.dumps([len(frame), str(frame["l_quantity"].sum())]))
    """
    rows, quantity = run(script, environment)
    assert rows == 60175
    assert float(quantity) > 1_000_000


def test_awswrangler_unload(environment: dict[str, str]) -> None:
    folder = fresh_name("wrangler")
    script = CONNECT.format(more='profile="reader"') + f"""
    import boto3
    import awswrangler as wr
    frame = wr.redshift.unload(
        "SELECT l_orderkey, l_linenumber, l_extendedprice, l_shipdate, l_shipmode FROM tpch.lineitem "
        "WHERE l_shipmode = 'AIR'", path="s3://{account.BUCKET}/{account.ROOT}/{folder}/", con=connection,
        boto3_session=boto3.Session(profile_name="reader"))
    cursor = connection.cursor()
    cursor.execute("SELECT count(*), sum(l_extendedprice) FROM tpch.lineitem WHERE l_shipmode = 'AIR'")
    count, total = cursor.fetchone()
    print(json.dumps([len(frame), str(frame["l_extendedprice"].sum()), count, str(total)]))
    """
    rows, price, expected_rows, expected_price = run(script, environment)
    assert rows == expected_rows > 1000
    assert price == expected_price


def test_awswrangler_cleans_up_after_itself(sandbox: RunningSandbox, environment: dict[str, str]) -> None:
    folder = fresh_name("wrangler")
    script = CONNECT.format(more='profile="reader"') + f"""
    import boto3
    import awswrangler as wr
    frame = wr.redshift.unload(
        "SELECT r_name FROM tpch.region", path="s3://{account.BUCKET}/{account.ROOT}/{folder}/", con=connection,
        boto3_session=boto3.Session(profile_name="reader"), keep_files=False, max_file_size=5.0, region="us-east-1")
    print(json.dumps(sorted(name.strip() for name in frame["r_name"])))
    """
    assert run(script, environment) == ["AFRICA", "AMERICA", "ASIA", "EUROPE", "MIDDLE EAST"]
    assert sandbox.objects(f"{account.ROOT}/{folder}/") == []


def psql(sandbox: RunningSandbox, *arguments: str) -> subprocess.CompletedProcess[str]:
    state = own_state("", "localhost", sandbox.world.redshift_port, sandbox.world.aws_url)
    command, environment = psql_command(sandbox.world.directory, state, ["-X", "-v", "ON_ERROR_STOP=1", *arguments])
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60)


def test_psql_selects_and_describes(sandbox: RunningSandbox) -> None:
    done = psql(sandbox, "-At", "-c", "SELECT current_user, count(*) FROM tpch.region")
    assert (done.returncode, done.stdout) == (0, f"{account.ROLE_DB_USER}|5\n"), done.stderr


def test_psql_unloads(sandbox: RunningSandbox) -> None:
    where = f"{account.ROOT}/{fresh_name('psql')}/"
    text = sandbox.unload_text("SELECT * FROM tpch.nation", where)
    done = psql(sandbox, "-c", text, "-c", "SELECT 'still here'")
    assert done.returncode == 0, done.stderr
    assert "INFO:  UNLOAD completed, 25 record(s) unloaded successfully." in done.stderr
    assert done.stdout.splitlines()[0] == "UNLOAD"
    assert sandbox.manifest(where)["meta"]["record_count"] == 25


def test_psql_shows_an_error_with_its_detail(sandbox: RunningSandbox) -> None:
    keys = sandbox.unload_keys("sluice/elsewhere/")
    done = psql(sandbox, "-c", sandbox.unload_text("SELECT 1 AS a", "sluice/here/", keys=keys))
    assert done.returncode == 1
    assert "ERROR:  S3ServiceException:" in done.stderr
    assert "Status 403,Error AccessDenied" in done.stderr
