"""Goal: what the documents show as a configuration is one, by the published schema and by the program itself."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from harness import PROGRAM, ROOT

pytestmark = pytest.mark.cli
DOCUMENTS = sorted([ROOT / "README.md", ROOT / "sandbox/README.md", *(ROOT / "docs").rglob("*.md"),
                    *(ROOT / "changelog").rglob("*.md")])  # fmt: skip
# Of other programs: ```yaml kubernetes.
BLOCK = re.compile(r"^```ya?ml\n(.*?)^```", re.DOTALL | re.MULTILINE)


def examples() -> list[tuple[str, str]]:
    return [
        (f"{path.relative_to(ROOT)}-{number}", text)
        for path in DOCUMENTS
        for number, text in enumerate(BLOCK.findall(path.read_text()), 1)
    ]


@pytest.fixture(scope="module")
def validator() -> jsonschema.Draft202012Validator:
    printed = subprocess.run([str(PROGRAM), "config", "schema"], capture_output=True, text=True, check=True).stdout
    schema = json.loads(printed)
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema)


def problems(validator: jsonschema.Draft202012Validator, document: Any, *, whole: bool) -> list[str]:
    """`whole` False: a part of a file, which may lack what every file must have."""
    found = []
    for error in validator.iter_errors(document):
        # At the top: the groups that every file must have, in itself or by an include.
        if not whole and error.validator in ("required", "anyOf") and not error.absolute_path:
            continue
        found.append(f"{error.json_path}: {error.message}")
    return found


def test_there_are_examples() -> None:
    assert any(name.startswith("README") for name, _ in examples())


@pytest.mark.parametrize(("name", "text"), examples(), ids=[name for name, _ in examples()])
def test_example_fits_the_schema(
    validator: jsonschema.Draft202012Validator, tmp_path: Path, name: str, text: str
) -> None:
    document = yaml.safe_load(text)
    whole = isinstance(document, dict) and {"name", "redshift", "staging"} <= set(document)
    assert problems(validator, document, whole=whole) == []
    if not whole:
        return
    file = tmp_path / "sluice.yaml"
    file.write_text(text)
    variables = dict.fromkeys(re.findall(r"\$\{([A-Z_]+)\}", text), "value-of-variable")
    ran = subprocess.run([str(PROGRAM), "-c", str(file), "config", "validate"], capture_output=True, text=True,
                         env=variables)  # fmt: skip
    assert ran.returncode == 0, ran.stderr


@pytest.mark.parametrize(
    ("change", "where"),
    [
        ({"nmae": "acme"}, "$"),
        ({"redshift": {"workgroup": "analytics", "host": "h", "database": "dev", "prot": 1}}, "$.redshift"),
        ({"staging": {"bucket": "BAD_bucket", "region": "us-east-1"}}, "$.staging.bucket"),
        ({"auth": {"role_arn": "arn:aws:iam::123456789012:role/r", "profile": "p"}}, "$.auth"),
    ],
)
def test_the_schema_refuses_what_the_program_refuses(
    validator: jsonschema.Draft202012Validator, tmp_path: Path, change: dict[str, Any], where: str
) -> None:
    good = next(yaml.safe_load(text) for name, text in examples() if name == "README.md-1")
    bad = {**good, **change}
    assert any(problem.startswith(where) for problem in problems(validator, bad, whole=True))
    file = tmp_path / "sluice.yaml"
    file.write_text(yaml.safe_dump(bad))
    ran = subprocess.run([str(PROGRAM), "-c", str(file), "config", "validate"], capture_output=True,
                         env={"SLUICE_EXTERNAL_ID": "acme-42"})  # fmt: skip
    assert ran.returncode == 2
