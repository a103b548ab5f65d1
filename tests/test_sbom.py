"""The bill of materials names everything that the lock file installs, with its hashes, and nothing else."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tools.sbom import components

ROOT = Path(__file__).resolve().parents[1]


def test_it_is_the_lock_file():
    lock = (ROOT / "requirements.lock").read_text("utf-8")
    made = subprocess.run(
        [sys.executable, "tools/sbom.py", "requirements.lock"], cwd=ROOT, capture_output=True, check=True
    ).stdout
    bill = json.loads(made)
    assert (bill["bomFormat"], bill["specVersion"]) == ("CycloneDX", "1.5")
    assert re.fullmatch(r"urn:uuid:[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", bill["serialNumber"])
    told = {(one["name"], one["version"]) for one in bill["components"]}
    pinned = {
        (re.sub("[-_.]+", "-", name).lower(), version)
        for name, version in re.findall(r"(?m)^([\w.-]+)==([^\s;\\]+)", lock)
    }
    assert told == pinned and len(told) > 20
    assert sum(len(one["hashes"]) for one in bill["components"]) == lock.count("--hash=sha256:")
    assert all(one["hashes"] for one in bill["components"])
    refs = [one["bom-ref"] for one in bill["components"]]
    assert len(set(refs)) == len(refs) and set(bill["dependencies"][0]["dependsOn"]) == set(refs)


def test_a_line_that_is_not_pinned_is_not_passed_over():
    assert components("") == []
    with pytest.raises(ValueError, match="line 2"):
        components("a==1\nb>=2\n")
