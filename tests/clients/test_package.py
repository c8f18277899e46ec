"""The wheel `redshift-sandbox`, in an environment that has nothing else, serves a stranger's test."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from textwrap import dedent

import pytest
from programs import ROOT, run_program

STRANGERS_TEST = """
    import os

    import boto3
    import psycopg


    def test_database(redshift_serverless):
        redshift_serverless.load("CREATE TABLE public.t (a int, b varchar(10) ENCODE lzo) DISTSTYLE EVEN;"
                                 "INSERT INTO public.t VALUES (1, 'x'), (2, 'y')")
        with psycopg.connect(
            host=redshift_serverless.host, port=redshift_serverless.port, dbname=redshift_serverless.database,
            user=redshift_serverless.user, password=redshift_serverless.password, sslmode="verify-full",
            sslrootcert=redshift_serverless.ca_file, client_encoding="utf8",
        ) as connection:
            assert connection.execute("SELECT count(*), max(b) FROM public.t").fetchone() == (2, "y")
        assert redshift_serverless.meter.wake_ups == 1


    def test_aws(redshift_environment):
        assert boto3.client("sts").get_caller_identity()["Arn"] == "arn:aws:iam::123456789012:user/developer"
        given = boto3.client("redshift-serverless").get_credentials(workgroupName="analytics", dbName="dev")
        assert given["dbUser"] == os.environ["REDSHIFT_USER"] == redshift_environment.user
        where = f"s3://{redshift_environment.bucket}/out/"
        with redshift_environment.connect() as connection:
            connection.execute(f"UNLOAD ('SELECT * FROM public.t') TO '{where}' "
                               f"IAM_ROLE '{redshift_environment.role_arn}' FORMAT PARQUET")
        listed = boto3.client("s3").list_objects_v2(Bucket=redshift_environment.bucket, Prefix="out/")
        assert sum(one["Size"] for one in listed["Contents"]) > 0
"""


@pytest.fixture(scope="module")
def stranger(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """An environment with the wheel, pytest and what the wheel asks for."""
    folder = tmp_path_factory.mktemp("stranger")
    wheels, source = folder / "wheels", folder / "source"
    # A copy, because setuptools leaves its own files beside what it builds.
    shutil.copytree(
        ROOT / "sandbox", source, ignore=shutil.ignore_patterns("tests", "build", "*.egg-info", "__pycache__")
    )
    run_program(
        [sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "--no-build-isolation", "-w", wheels, source],
        dict(os.environ),
    )
    (wheel,) = wheels.glob("redshift_sandbox-*.whl")
    subprocess.run([sys.executable, "-m", "venv", folder / "venv"], check=True)
    environment = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    for name, value in os.environ.items():
        if name.startswith(("PIP_", "REDSHIFT_SANDBOX_CACHE")) or name.lower().endswith("_proxy"):
            environment[name] = value
    # The versions that the project itself is tested with, where it has them.
    locked = ["-c", ROOT / "tools" / "requirements.lock"]
    quick = ["--disable-pip-version-check", "--no-compile"]
    command = [folder / "venv/bin/pip", "install", "-q", *quick, *locked, wheel, "pytest"]
    run_program(command, environment)
    (folder / "environment").write_text("\n".join(f"{name}={value}" for name, value in environment.items()))
    yield folder


def environment_of(stranger: Path) -> dict[str, str]:
    return dict(line.split("=", 1) for line in (stranger / "environment").read_text().splitlines())


def test_a_strangers_test_gets_a_workgroup(stranger: Path, tmp_path: Path) -> None:
    (tmp_path / "test_mine.py").write_text(dedent(STRANGERS_TEST))
    asked = [stranger / "venv/bin/pytest", "-q", "-p", "no:cacheprovider"]
    told = run_program(asked, environment_of(stranger), tmp_path)
    assert "2 passed" in told


def test_without_postgresql_it_says_what_to_install(stranger: Path, tmp_path: Path) -> None:
    (tmp_path / "test_mine.py").write_text("def test_it(redshift_serverless):\n    pass\n")
    environment = {**environment_of(stranger), "REDSHIFT_SANDBOX_POSTGRES": str(tmp_path)}
    told = run_program(
        [stranger / "venv/bin/pytest", "-q", "-p", "no:cacheprovider"], environment, tmp_path, fails=True
    )
    assert "PostgreSQL 15 is missing" in told and "apt-get install postgresql-15" in told
    assert "Traceback" not in told and "REDSHIFT_SANDBOX_POSTGRES" in told


def test_the_command_comes_with_it(stranger: Path, tmp_path: Path) -> None:
    environment = environment_of(stranger)
    program = stranger / "venv/bin/redshift-sandbox"
    folder = tmp_path / "box"
    told = run_program([program, "up", "--developer", "--data", "", "--dir", folder], environment)
    try:
        assert "is ready" in told and "redshift-data" in told and "sluice" not in told
        asked = ["psql", "--dir", folder, "--", "-X", "-At", "-c", "CREATE SCHEMA mine; SELECT current_user"]
        assert run_program([program, *asked], environment).splitlines()[-1] == "IAM:developer"
    finally:
        run_program([program, "down", "--dir", folder], environment)
