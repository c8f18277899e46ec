"""The link of `make serve-demo`: that of the service, and the sandbox's values for the form."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from urllib.parse import urlencode

import yaml


def main() -> None:
    told, configuration = (Path(name) for name in sys.argv[1:])
    link = json.loads(told.read_text())["link"]
    settings = yaml.safe_load(configuration.read_text())
    redshift, staging = settings["redshift"], settings["staging"]
    values = {
        "tenant": "Demo",
        "name": "sandbox",
        "pasted": f"{redshift['host']}:{redshift['port']}/{redshift['database']}",
        **{name: redshift[name] for name in ("workgroup", "host", "port", "database", "username")},
        "bucket": staging["bucket"],
        "bucket_region": staging["region"],
        "role_arn": settings["auth"]["role_arn"],
        "external_id": os.environ["SLUICE_EXTERNAL_ID"],
    }
    print(f"  {link}&{urlencode(values)}")


if __name__ == "__main__":
    main()
