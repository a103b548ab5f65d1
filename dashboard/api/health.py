"""``/healthz``: the process answers. ``/readyz``: the store can be read, and written to. Neither needs a sign-in."""

from __future__ import annotations

import logging
import shutil
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

from flask import Blueprint

from dashboard.api.answers import ApiError
from dashboard.web import published
from layers import Store, StoreFault, pack_notices

log = logging.getLogger("commonground")

KEEP_S = 2.0
"""How long an answer is given again: whoever asks may be anybody, and each look writes to the disk."""
LITTLE_FREE = 256 * 2**20
READ_ONLY = "The store can be read, but nothing can be written to it; publishing and signing in have to wait."


def blueprint() -> Blueprint:
    routes = Blueprint("health", __name__)
    routes.add_url_rule("/healthz", view_func=healthz)
    looked = Looked()
    routes.add_url_rule("/readyz", "readyz", lambda: readyz(looked))
    return routes


def healthz():
    return {"status": "ok"}


@dataclass
class Looked:
    """What the last look at the store found: "" when all is well, else which of the two cannot be done."""

    at: float = float("-inf")
    cannot: str = ""
    lock: threading.Lock = field(default_factory=threading.Lock)

    def now(self, store: Store) -> str:
        with self.lock:  # whoever comes meanwhile is given the same answer
            if time.monotonic() - self.at >= KEEP_S:
                self.cannot = look(store)
                self.at = time.monotonic()
            return self.cannot


def look(store: Store) -> str:
    for cannot, probe in (("read", store.probe), ("read", store.generation), ("write", store.probe_writing)):
        try:
            probe()
        except Exception as error:  # whatever the database raises, the answer is that we are not ready
            log.warning("the store cannot be %s: %s", "read" if cannot == "read" else "written to", error)
            return cannot if isinstance(error, StoreFault) else "read"
    return ""


def little_room(home: Path) -> list[str]:
    try:
        free = shutil.disk_usage(home).free
    except OSError:  # a home that is gone is told by what needs it
        return []
    words = f"Only {free / 2**20:,.0f} MiB are free on the disk of the home: what is large cannot be published."
    return [words] if free < LITTLE_FREE else []


def readyz(looked: Looked):
    here = published()
    cannot = looked.now(here.store)
    if cannot == "read":
        raise ApiError(503, "not-ready", "The store cannot be read.")
    answer = {"status": "read-only" if cannot else "ready", "region": here.region.id}
    notices = [READ_ONLY] if cannot else []
    notices += little_room(here.home)
    notices += [str(fault) for fault in pack_notices(here.region, here.store.filled.left_out)]
    return answer | ({"notices": notices} if notices else {})
