"""The OpenAPI document as a judge: every answer is one that it describes, or the test fails."""

from __future__ import annotations

import functools
import json
import re
from dataclasses import dataclass, field
from typing import Any

import yaml
from jsonschema import Draft202012Validator, FormatChecker
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

BASE = "urn:openapi"


@dataclass(eq=False)
class Contract:
    document: dict[str, Any]
    # "GET /tenants/{tenant}" -> statuses that a test has seen
    seen: dict[str, set[int]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        resource = Resource(contents=self.document, specification=DRAFT202012)
        self.registry: Registry[Any] = Registry().with_resource(BASE, resource)
        self.patterns = [
            (re.compile(re.sub(r"\{[^}]+\}", "[^/]+", path) + "$"), path) for path in self.document["paths"]
        ]

    def operations(self) -> dict[str, str]:
        """ "GET /me" -> operationId"""
        return {
            f"{method.upper()} {path}": operation["operationId"]
            for path, item in self.document["paths"].items()
            for method, operation in item.items()
            if method in {"get", "post", "put", "delete"}
        }

    def path_of(self, path: str) -> str | None:
        """What is written out stands before what has a name in its place."""
        matches = [template for pattern, template in self.patterns if pattern.match(path)]
        return min(matches, key=lambda template: template.count("{"), default=None)

    @functools.cache  # noqa: B019  # one contract for a process
    def validator(self, pointer: str) -> Draft202012Validator:
        return Draft202012Validator(
            {"$ref": f"{BASE}#{pointer}"},
            registry=self.registry,
            format_checker=FormatChecker(),
        )

    def judge(self, method: str, path: str, status: int, headers: dict[str, str], body: bytes) -> None:
        """Of a path below /api/v1."""
        template = self.path_of(path.split("?")[0])
        kind = headers.get("content-type", "")
        if status >= 400:
            assert kind == "application/problem+json", (
                method,
                path,
                status,
                kind,
                body[:500],
            )
            self._valid("/components/schemas/Problem", json.loads(body), (method, path, status))
            assert json.loads(body)["status"] == status
        if template is None:
            assert status in {401, 403, 404, 421}, (method, path, status)
            return
        operation = self.document["paths"][template].get(method.lower())
        if operation is None:
            assert status >= 400, (method, path, status)
            return
        self.seen.setdefault(f"{method} {template}", set()).add(status)
        if status >= 400:
            return
        answers = operation["responses"]
        assert str(status) in answers, f"{method} {template} answers {status}, the document knows {list(answers)}"
        answer = answers[str(status)]
        for name in answer.get("headers", {}):
            assert name.lower() in headers, f"{method} {template}: no header {name}"
        if status == 204:
            assert body == b""
            return
        known = kind.split(";")[0]
        assert known in answer["content"], f"{method} {template} answers {kind}"
        if known == "application/json":
            escaped = template.replace("~", "~0").replace("/", "~1")
            pointer = f"/paths/{escaped}/{method.lower()}/responses/{status}/content/application~1json/schema"
            self._valid(pointer, json.loads(body), (method, path, status))

    def _valid(self, pointer: str, value: Any, what: tuple[Any, ...]) -> None:
        errors = [f"{error.json_path}: {error.message}" for error in self.validator(pointer).iter_errors(value)]
        assert not errors, (what, errors, value)

    def judge_schema(self, schema: str, value: Any) -> None:
        self._valid(f"/components/schemas/{schema}", value, (schema,))


def load(text: str) -> Contract:
    return Contract(yaml.safe_load(text))
