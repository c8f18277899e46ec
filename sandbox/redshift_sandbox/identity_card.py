"""The ids and keys by which clients know a sandbox, kept in its directory so that a restart does not change them."""

from __future__ import annotations

import json
import os
import secrets
import uuid
from dataclasses import asdict, dataclass, field
from pathlib import Path

from redshift_sandbox.identity.model import new_secret, unique_id

_FILE = "identity.json"


@dataclass(frozen=True)
class KeyPair:
    """A long-term AWS key."""

    key_id: str
    secret: str = field(repr=False)


@dataclass(frozen=True)
class IdentityCard:
    """Secrets and ids of one sandbox directory. Only its owner can read the file."""

    workgroup_id: str
    external_id: str
    base: KeyPair  # of the user sluice-base, who may assume the role
    keys: KeyPair  # of the user sluice-keys, who connects with these keys

    @staticmethod
    def of(directory: Path) -> IdentityCard:
        """Reads the card of a sandbox directory, or writes a new one."""
        path = directory / _FILE
        if path.exists():
            raw = json.loads(path.read_text())
            return IdentityCard(**{**raw, "base": KeyPair(**raw["base"]), "keys": KeyPair(**raw["keys"])})
        card = IdentityCard(
            workgroup_id=str(uuid.uuid4()),
            external_id=f"sluice-{secrets.token_hex(8)}",
            base=KeyPair(unique_id("AKIA"), new_secret()),
            keys=KeyPair(unique_id("AKIA"), new_secret()),
        )
        directory.mkdir(parents=True, exist_ok=True)
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as out:
            json.dump(asdict(card), out)
        return card
