"""What the mistakes' tests share: how something is broken, and how its finding is looked at.

A file test_mistakes_*.py holds a list MISTAKES of one kind and one test that calls `assert_named_with_its_cure`
for each of them."""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

from harness import issued_secrets
from scene import Scene, bad

# What a test undoes when it is over, in the reverse order.
Break = Callable[[Scene, ExitStack], None]


@dataclass(frozen=True)
class Mistake:
    """`finding` is the id that must be told; each of `names` must stand in its remedy, filled in from the scene
    ({bucket}, {role}, ...). Exit code 2 means that the form itself is refused: then `finding` is the field."""

    id: str
    break_it: Break
    finding: str
    names: tuple[str, ...] = ()
    exit_code: int = 1
    auth: str = "role"
    leaves: bool = False  # something stays in the bucket, because nothing else is possible


def setting(group: str, name: str, value: Any) -> Break:
    """Another value in the form."""

    def change(scene: Scene, _: ExitStack) -> None:
        text = value(scene) if callable(value) else value
        if group:
            scene.settings[group][name] = text
        else:
            scene.settings[name] = text

    return change


def variable(name: str, value: str) -> Break:
    def change(scene: Scene, _: ExitStack) -> None:
        scene.harness.variables[name] = value

    return change


def forget(*names: str) -> Break:
    def change(scene: Scene, _: ExitStack) -> None:
        for name in names:
            del scene.harness.variables[name]
        scene.harness.variables["AWS_EC2_METADATA_DISABLED"] = "true"

    return change


def port(listener: Callable[[], Any]) -> Break:
    """A port where something else happens."""

    def change(scene: Scene, stack: ExitStack) -> None:
        made = listener()
        scene.settings["redshift"]["port"] = made if isinstance(made, int) else stack.enter_context(made)

    return change


def fault(name: str, **args: Any) -> Break:
    def change(scene: Scene, stack: ExitStack) -> None:
        scene.sandbox.faults.set(name, args=args)
        stack.callback(scene.sandbox.faults.clear, name)

    return change


def act(do: Callable[[Scene], Any], undo: Callable[[Scene], Any]) -> Break:
    def change(scene: Scene, stack: ExitStack) -> None:
        stack.callback(undo, scene)
        do(scene)

    return change


def rights(**members: Any) -> Callable[[str], Break]:
    """The role's policy with one statement changed; no members: without it."""
    return lambda sid: act(lambda s: s.change_rights(sid, **members), lambda s: s.set_rights(s.rights))


def trust(**changed: Any) -> Break:
    return act(lambda s: s.set_role(**changed), lambda s: s.set_role())


def grants_to(user: Callable[[Scene], str]) -> Break:
    """The grants went to another user."""

    def do(scene: Scene) -> None:
        scene.revoke()
        scene.sql(f'CREATE USER "{user(scene)}" PASSWORD DISABLE')
        scene.sql(f'GRANT USAGE ON SCHEMA {scene.schema} TO "{user(scene)}"')
        scene.sql(f'GRANT SELECT ON ALL TABLES IN SCHEMA {scene.schema} TO "{user(scene)}"')

    def undo(scene: Scene) -> None:
        scene.sql(f'REVOKE SELECT ON ALL TABLES IN SCHEMA {scene.schema} FROM "{user(scene)}"')
        scene.sql(f'REVOKE USAGE ON SCHEMA {scene.schema} FROM "{user(scene)}"')
        scene.sql(f'DROP USER "{user(scene)}"')
        scene.grant()

    return act(do, undo)


def sql(do: str, undo: str) -> Break:
    """{schema} and {user} are the scene's."""

    def fill(scene: Scene, text: str) -> None:
        for statement in text.split(";"):
            scene.sql(statement.format(schema=scene.schema, user=scene.user))

    return act(lambda s: fill(s, do), lambda s: fill(s, undo))


def query(text: str) -> Break:
    def change(scene: Scene, _: ExitStack) -> None:
        scene.settings["streams"].append({"name": "q", "sql": text.format(schema=scene.schema)})

    return change


def clock(seconds: int) -> Break:
    """This machine's clock is behind AWS's by so much."""
    return act(lambda s: s.sandbox.clock.advance(seconds), lambda s: s.turn_clock_back(seconds))


def assert_named_with_its_cure(
    make_scene: Callable[[str, str], Scene],
    mistake: Mistake,
    meanwhile: Callable[[Scene, Mistake], None] = lambda *_: None,
) -> None:
    """Green before it, told by its finding with its cure while it lasts, green again after it; nothing changed.
    `meanwhile` looks at what else is true of it, and may change the destination."""
    scene = make_scene(mistake.id, mistake.auth)
    assert_green(scene)
    with ExitStack() as undo:
        mistake.break_it(scene, undo)
        before = scene.harness.tables()
        finished = scene.check()
        facts = facts_of(scene)  # now: the second check leaves an object of its own where it may not delete
        screen = scene.harness.run("check")
        assert scene.harness.tables() == before
        meanwhile(scene, mistake)
    assert finished.exit_code == screen.exit_code == mistake.exit_code, finished
    if mistake.exit_code == 2:
        assert mistake.finding in fields_of(finished.json), finished.json
    else:
        assert_told(mistake, finished.json["findings"], facts)
    assert_presentable(finished.stdout + finished.stderr + screen.stdout + screen.stderr)
    assert (scene.objects() != []) == mistake.leaves, scene.objects()
    for key in scene.objects():
        scene.sandbox.aws.store.delete(scene.bucket, key)
    assert_no_secret(scene)
    scene.restore_configuration()
    assert_green(scene)


def assert_green(scene: Scene) -> None:
    finished = scene.check()
    assert finished.exit_code == 0, finished
    assert list(bad(finished)) == []


def facts_of(scene: Scene) -> dict[str, str]:
    return {"user": scene.user, "schema": scene.schema, "role": scene.role, "role_arn": scene.role_arn,
            "base_arn": scene.base_arn, "bucket": scene.bucket_name, "workgroup_arn": scene.sandbox.workgroup_arn,
            "port": str(scene.settings["redshift"]["port"]), "left": "".join(scene.objects()[:1])}  # fmt: skip


def assert_told(mistake: Mistake, findings: list[dict[str, Any]], facts: dict[str, str]) -> None:
    told = [f for f in findings if f["id"] == mistake.finding]
    assert told, [f["id"] + ": " + f["seen"] for f in findings if f["severity"] != "ok"]
    remedies = "\n".join(f["remedy"] for f in told)
    for name in mistake.names:
        expected = re.sub(r"\{(\w+)\}", lambda m: facts[m[1]], name)
        assert expected in remedies, remedies
    assert all(f["seen"] and f["why"] and f["remedy"] for f in told)
    calm = {"ok", "advice"} - {told[0]["severity"]}
    first = next(f for f in findings if f["severity"] not in calm)
    assert first["id"] == mistake.finding, f"{first['id']} comes first: {first['seen']}"
    assert not re.search(r"<[a-z_]+>", told[0]["seen"] + told[0]["why"]), told[0]


def fields_of(document: dict[str, Any]) -> list[str]:
    """What the configuration's problems are about."""
    return [p["field"] for p in document.get("problems", [])] + [document["error"]["subject"]]


def assert_presentable(text: str) -> None:
    for sign in ("Traceback", "terminate called", "what():", "internal error", "\x00"):
        assert sign not in text


def assert_no_secret(scene: Scene) -> None:
    text = "".join(scene.harness.outputs)
    for secret in issued_secrets(scene.sandbox):
        assert not secret or secret not in text
