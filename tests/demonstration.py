"""Stores of the embedded demonstration region. Filling one takes seconds of processor, so one run of the tests fills one."""

from __future__ import annotations

import fcntl
import os
import shutil
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
DEMO = ROOT / "data" / "demo"


def shared_folder(tmp_path_factory) -> Path:
    """What all processes of one run of the tests share, and no other run."""
    own = tmp_path_factory.getbasetemp()
    return own.parent if "PYTEST_XDIST_WORKER" in os.environ else own


def store_url(home: Path) -> str:
    """Where commands keep the demonstration's store in a home."""
    from dashboard.settings import from_environment

    return from_environment({"COMMONGROUND_HOME": str(home)}).database_url


def filled_home(tmp_path_factory, name: str = "demo-home") -> Path:
    """A home of its own that holds the filled store of the demonstration, as its commands would have left it."""
    from layers import load_region, open_store

    made = shared_folder(tmp_path_factory) / "filled-demo"
    with (made.with_suffix(".lock")).open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not made.exists():
            filling = made.with_suffix(".filling")
            shutil.rmtree(filling, ignore_errors=True)
            filling.mkdir()
            open_store(store_url(filling), load_region(DEMO)).close()
            filling.rename(made)
    home = tmp_path_factory.mktemp(name)
    shutil.copytree(made, home, dirs_exist_ok=True)
    return home
