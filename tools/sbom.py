"""Write a software bill of materials in CycloneDX JSON: everything that is installed to serve, from the lock file.

    python tools/sbom.py requirements.lock > build/sbom.json

Equal lock files give equal bytes: there is no date and no random number in it.
"""

from __future__ import annotations

import hashlib
import json
import re
import sys
import tomllib
import uuid
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
_PINNED = re.compile(r"^([A-Za-z0-9][A-Za-z0-9._-]*)(?:\[[^\]]*\])?==([^\s;\\]+)")
_HASH = re.compile(r"--hash=sha256:([0-9a-f]{64})")


def components(lock: str) -> list[dict]:
    """A component for every pinned line, with the hashes of its files. Raises ValueError for a line that is neither."""
    found: list[dict] = []
    for number, line in enumerate(lock.splitlines(), 1):
        text = line.strip()
        if pinned := _PINNED.match(text):
            name, version = re.sub(r"[-_.]+", "-", pinned[1]).lower(), pinned[2]
            purl = f"pkg:pypi/{name}@{version}"
            found.append(
                {"type": "library", "bom-ref": purl, "name": name, "version": version, "purl": purl, "hashes": []}
            )
        elif text and not text.startswith(("#", "--")):
            raise ValueError(f"line {number} of the lock file is no pinned package: {text[:80]}")
        for sha256 in _HASH.findall(text) if found else ():
            found[-1]["hashes"].append({"alg": "SHA-256", "content": sha256})
    return sorted(found, key=lambda one: one["name"])


def document(lock: str) -> dict:
    """The whole bill."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    parts = components(lock)
    main = f"pkg:generic/{project['name']}@{project['version']}"
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "serialNumber": f"urn:uuid:{uuid.UUID(hashlib.sha256(lock.encode()).hexdigest()[:32])}",
        "version": 1,
        "metadata": {
            "component": {
                "type": "application",
                "bom-ref": main,
                "name": project["name"],
                "version": project["version"],
            }
        },
        "components": parts,
        "dependencies": [{"ref": main, "dependsOn": [one["bom-ref"] for one in parts]}],
    }


if __name__ == "__main__":
    json.dump(document(Path(sys.argv[1]).read_text("utf-8")), sys.stdout, indent=1)
    sys.stdout.write("\n")
