"""A short run of ``make kills``; the long one has its own target."""

from __future__ import annotations

import importlib.util
from pathlib import Path

TOOL = Path(__file__).parents[1] / "tools" / "kills.py"


def test_a_writer_that_is_killed_at_random_leaves_a_whole_store(tmp_path):
    spec = importlib.util.spec_from_file_location("kills", TOOL)
    kills = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(kills)
    done = kills.run(12, 5, tmp_path, say=lambda *_, **__: None)
    assert done["kills"] == 12
    assert done["checks"] >= 6
