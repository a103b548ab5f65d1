"""What every process of the server does now and then: forget what is over, and who signed in longer ago than the settings keep it.

A thread of its own, begun in the process that serves and never before the processes part; by :mod:`dashboard.serving`, or elsewhere
with the first request. Several processes may do it at once: each time it is a few short transactions, and a second one finds nothing left.
"""

from __future__ import annotations

import logging
import os
import random
import threading

import flask

from dashboard.published import Published
from dashboard.publishing.uploads import Uploads
from dashboard.serving import IN_EACH_PROCESS
from layers import SYSTEM, Drafts, Refused, forget_sign_ins, forget_what_is_over

log = logging.getLogger("commonground.housekeeping")

EVERY_S = 3600.0
FIRST_S = 60.0
"""After the start of a process: whoever waits for it is served first."""

EXTENSION = "commonground-housekeeping"


class Housekeeping:
    def __init__(self, published: Published, *, sign_in_days: int = 0, draft_days: int = 0):
        self.published = published
        self.sign_in_days, self.draft_days = sign_in_days, draft_days
        self.began_in = 0  # the process whose thread does it

    def begin(self) -> None:
        """Begin in this process, once."""
        if self.began_in != os.getpid():
            self.began_in = os.getpid()
            threading.Thread(target=self._go_on, name="housekeeping", daemon=True).start()

    def _go_on(self) -> None:
        rest = threading.Event()  # nobody sets it: the thread ends with its process
        rest.wait(FIRST_S * (1 + random.random()))  # noqa: S311 - so that processes do not all do it in the same moment
        while True:
            self.do()
            rest.wait(EVERY_S * (0.9 + 0.2 * random.random()))  # noqa: S311

    def do(self) -> None:
        """Once. A store that cannot be written to is no reason to stop: the next time it may be."""
        store = self.published.store
        try:
            done = forget_what_is_over(store, draft_days=self.draft_days)
            uploads = Uploads(self.published.home, store_id=store.id)
            for draft_id in done.drafts:
                uploads.forget(draft_id)
            Drafts(store).settle(uploads.tidy)
            if self.sign_in_days:
                forget_sign_ins(store, by=SYSTEM, days=self.sign_in_days)
            if done.drafts or done.briefing_drafts:
                log.info(
                    "drafts that nobody has changed for long were forgotten: %s",
                    ", ".join(done.drafts + done.briefing_drafts),
                )
        except (Refused, OSError):
            log.warning("what is over could not be forgotten; it is tried again later", exc_info=True)
        except Exception:
            log.exception("housekeeping failed; it is tried again later")


def install(server: flask.Flask, housekeeping: Housekeeping) -> None:
    server.extensions[EXTENSION] = housekeeping
    server.extensions.setdefault(IN_EACH_PROCESS, []).append(housekeeping.begin)
    server.before_request(housekeeping.begin)
