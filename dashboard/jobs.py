"""What takes too long for a request: asked for here, done by workers, one queue for every process of the site.

The queue stands in the store (:class:`layers.JobTable`). A job is data: its kind, its parameters and for whom it is, so that any
worker can do it; what they may see is asked again when it runs, and by whoever reads the result. ``commonground serve`` forks
processes that do nothing else (:mod:`dashboard.serving`); elsewhere a thread begins with the first job.

Within a request somebody asks (:data:`ASKER`); without one, by command or in a worker, everything is worked out where it is asked.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import logging
import math
import os
import socket
import threading
import time
from collections.abc import Callable, Hashable, Iterator, Mapping
from contextvars import ContextVar
from dataclasses import asdict, dataclass
from importlib import import_module
from typing import Any

from layers import Busy, Cancelled, Fault, Job, JobBounds, JobTable, NotFound, Refused, StoreFault, Viewer

log = logging.getLogger("commonground.jobs")

__all__ = ["ASKER", "Asker", "Busy", "Job", "Jobs", "Waiting", "id_of"]


@dataclass(frozen=True)
class Kind:
    """A sort of work. ``module`` has ``work(published, viewer, parameters, progress, cancelled)``, which answers with JSON types
    or with bytes; it calls ``progress(share, so_far)``, and raises :class:`layers.Cancelled` when ``cancelled()``."""

    module: str
    most_s: float = 120.0  # then it is ended
    here: bool = False  # it needs files of the home folder: only workers of the same home on the same host do it


KINDS = {
    "draws": Kind("dashboard.views.draws_work"),
    "access": Kind("dashboard.views.measuring_work"),
    "document": Kind("dashboard.api.large"),
    "plan": Kind("dashboard.views.siting"),
    "file": Kind("dashboard.briefings.web.downloads"),
    "read": Kind("dashboard.publishing.reading_work", most_s=150.0, here=True),
}

CHEAP_S = 0.35
"""What one request may work out by itself, in seconds of a processor as estimated; beyond it work becomes a job."""
WAIT_S = 0.5
"""How long a request waits for a job before it answers how far that is."""
MOST_WAITING = 1
"""Requests of a process that wait at a time; the others answer at once. Threads are for everybody."""
LEAVES_S = 5.0
"""Somebody whose connection ends while it waits counts for so long: another at the same address may ask the same."""
HEARTBEAT_S = 2.0
LOOKS_S = 0.2


class Asker:
    """Who asks within a request. ``client`` is an account or an address, ``left`` tells whether the connection has ended."""

    def __init__(self, client: str, left: Callable[[], bool] = lambda: False):
        self.client, self.left = hashlib.sha256(client.encode()).hexdigest(), left
        self.patient = True
        self._spent = 0.0

    def may_afford(self, price: float) -> bool:
        """Whether its own request may do work of this price. What it has done already counts."""
        if self._spent + price > CHEAP_S:
            return False
        self._spent += price
        return True


ASKER: ContextVar[Asker | None] = ContextVar("asker", default=None)
_NOBODY = Asker("here")


@contextlib.contextmanager
def without_waiting() -> Iterator[None]:
    """Within a request that will look again by itself: jobs are asked for and not waited for."""
    asker = ASKER.get()
    if asker is not None:
        asker.patient = False
    try:
        yield
    finally:
        if asker is not None:
            asker.patient = True


class Waiting(Exception):
    """The answer is being worked out: ask again in ``again_s`` seconds."""

    def __init__(self, job: Job, workers: int = 1, what: str = "This"):
        self.job = job
        self.again_s = again_in(job, workers)
        super().__init__(how_far(job, what))


def again_in(job: Job, workers: int = 1) -> int:
    """Seconds after which to ask again: soon when it is soon done, and never so late that the asker counts as gone."""
    return int(min(max(math.ceil(left_s(job, workers) / 2), 1), 5))


def left_s(job: Job, workers: int = 1) -> float:
    """Seconds until it may be done, at a guess: by its price, or by how far it has come."""
    if job.state == "running" and job.progress:
        return job.seconds * (1.0 / job.progress - 1.0)
    return job.ahead / max(workers, 1) + max(job.price - job.seconds, 0.0)


def how_far(job: Job, what: str = "This") -> str:
    """In a sentence or two."""
    if job.state == "waiting":
        return f"{what} takes a while. It waits in the queue, in place {job.place}."
    if job.progress is None:
        return f"{what} takes a while. It is being worked out."
    return f"{what} takes a while. It is being worked out: {math.floor(100 * job.progress)}% is done."


def why_busy(busy: Busy) -> str:
    """In two sentences."""
    if busy.own:
        return "You have asked for as much as one may at a time. Wait for the answers, then ask this again."
    return "So much has been asked for that this has no place in the queue. Ask again in a moment."


class Jobs:
    """The jobs of one site (a :class:`dashboard.published.Published`). ``elsewhere``: processes of their own do them, none is
    begun in this one."""

    def __init__(self, published: Any, bounds: JobBounds | None = None):
        self.table = JobTable(published.store, bounds or JobBounds())
        self.elsewhere = False
        self.workers = 1
        self.wait_s = WAIT_S
        self._published = published
        self._waiting = threading.BoundedSemaphore(MOST_WAITING)
        self._lock = threading.Lock()
        self._threads: list[threading.Thread] = []

    # ---- asking ------------------------------------------------------------------------------------------------------

    def submit(
        self,
        kind: str,
        key: Hashable,
        parameters: Mapping[str, Any],
        viewer: Viewer,
        *,
        price: float,
        first: Any = None,
    ) -> Job:
        """Queue a job, or join those who ask for the same. ``key``: everything that its result depends on.

        Whether this viewer may have the result must be settled before. Raises :class:`Busy`.
        """
        asker = ASKER.get() or _NOBODY
        job_id = id_of(kind, key)
        job = self.table.ask(
            job_id,
            queue_of(kind, self._published.home),
            parameters,
            asdict(viewer),
            asker.client,
            price=price,
            first=first,
        )
        if not job.over and not self.elsewhere:
            self._begin_here()
        return job

    def answer(
        self,
        kind: str,
        key: Hashable,
        parameters: Mapping[str, Any] | Callable[[], Mapping[str, Any]],
        viewer: Viewer,
        *,
        price: float,
        patience_s: float | None = None,
    ) -> bytes:
        """The result of a job, if it is there soon: within ``patience_s`` where that is not as always. ``parameters`` may be made
        when nobody has asked for it yet.

        Raises :class:`Waiting`, :class:`Busy`, and :class:`Refused` when it was.
        """
        if callable(parameters):
            parameters = {} if self.table.is_known(id_of(kind, key)) else parameters()
        job = self.submit(kind, key, parameters, viewer, price=price)
        if not job.over:
            job = self.wait(job.id, patience_s=patience_s)
        if job.state == "done":
            return job.result or b""
        if job.state == "failed" and OURS in job.reasons:
            raise RuntimeError(f"job {job.id} failed; the log of its worker says why")
        if job.state in ("refused", "failed"):
            raise Refused("The question cannot be answered.", [Fault(reason) for reason in job.reasons])
        raise Waiting(job, self.workers)

    def status(self, job_id: str) -> Job:
        """How far a job is; whoever has asked for it goes on asking. Raises NotFound."""
        job = self.table.find(job_id)
        if not job.over and (asker := ASKER.get()) is not None:
            self.table.poll(job_id, asker.client)
        return job

    def cancel(self, job_id: str) -> Job:
        """Who asks wants it no more. It stops when nobody else asks; its best so far stays readable."""
        asker = ASKER.get()
        if asker is None:
            self.table.stop(job_id)
        else:
            self.table.leave(job_id, asker.client)
        return self.table.find(job_id)

    def wait(self, job_id: str, seconds: float | None = None, *, patience_s: float | None = None) -> Job:
        """The job when it is over, or as it stands after some seconds. Within a request few wait, and not for long."""
        asker = ASKER.get()
        patience_s = self.wait_s if patience_s is None else patience_s
        seconds = patience_s if asker is not None or seconds is None else seconds
        end = time.monotonic() + seconds
        job = self.table.find(job_id)
        if asker is not None and (job.over or left_s(job, self.workers) > 2 * seconds):
            return job  # it will not be there so soon
        if asker is not None and not (asker.patient and self._waiting.acquire(blocking=False)):
            return job
        try:
            pause = 0.02
            while not job.over and time.monotonic() < end:
                if asker is not None and asker.left():
                    self.table.leave(job_id, asker.client, after_s=LEAVES_S)
                    break
                time.sleep(pause)
                pause = min(pause * 1.5, 0.15)
                job = self.table.find(job_id)
        finally:
            if asker is not None:
                self._waiting.release()
        return job

    def have_workers(self, count: int) -> None:
        """So many processes do nothing but jobs: none is done by a process that answers requests."""
        self.elsewhere, self.workers = True, count

    # ---- doing -------------------------------------------------------------------------------------------------------

    def _begin_here(self) -> None:
        with self._lock:
            self._threads = [thread for thread in self._threads if thread.is_alive()]
            if not self._threads:
                thread = threading.Thread(target=self._in_thread, name="jobs", daemon=True)
                self._threads.append(thread)
                thread.start()

    def _in_thread(self) -> None:
        """Do what waits; end when for a while nothing does."""
        token = ASKER.set(None)
        worker = Worker(self._published, f"{socket.gethostname()}:{os.getpid()}:thread")
        worker.run(lambda: not threading.main_thread().is_alive(), idle_s=10.0)
        ASKER.reset(token)

    def work_here(self, name: str, stopping: Callable[[], bool], alive: Callable[[], None]) -> None:
        """In a process for jobs: do them until ``stopping()``. What one of this name was at when it died is done again."""
        try:
            if lost := self.table.release(name):
                log.warning("%d job that was being worked on begins again", lost)
        except StoreFault:
            log.warning("the queue cannot be written to", exc_info=True)  # the job counts as lost after a while
        Worker(self._published, name, ends=True, alive=alive).run(stopping)


class Worker:
    """Does one job after the other. ``name`` is its own at any time; ``ends``: a process of its own, which may be ended."""

    def __init__(self, published: Any, name: str, *, ends: bool = False, alive: Callable[[], None] = lambda: None):
        self._published, self._table, self.name = published, published.live.jobs.table, name
        self._ends, self._alive, self._stopping = ends, alive, lambda: False
        self._queues = [queue_of(kind, published.home) for kind in KINDS]

    def run(self, stopping: Callable[[], bool], *, idle_s: float = math.inf) -> None:
        """Until ``stopping()``, or until nothing has waited for ``idle_s``."""
        self._stopping = stopping
        heard = time.monotonic()
        while not stopping() and time.monotonic() - heard < idle_s:
            self._alive()
            try:
                job = self._table.claim(self.name, self._queues)
            except Refused:
                log.warning("the queue cannot be read; it is tried again", exc_info=True)
                job = None
                time.sleep(1.0)
            if job is None:
                time.sleep(LOOKS_S)
                continue
            self._do(job)
            heard = time.monotonic()

    def _do(self, job: Job) -> None:
        pulse = _Pulse(self._table, job, self.name, self._stopping, self._alive, ends=self._ends)
        pulse.start()
        try:
            try:
                viewer = viewer_now(self._published, job.viewer)
                work = import_module(kind_of(job).module).work
                result = work(self._published, viewer, job.parameters, pulse.tell, pulse.over)
                data = result if isinstance(result, bytes) else json.dumps(result).encode()
                end, more = "done", {"result": data}
            except Cancelled:
                end = "failed" if pulse.late else "waiting" if self._stopping() else "cancelled"
                more = {"reasons": [LATE]} if pulse.late else {}
            except Refused as refused:
                end, more = "refused", {"reasons": [str(fault) for fault in refused.faults] or [refused.title]}
            except NotFound as missing:
                end, more = "refused", {"reasons": [str(missing)]}
            except MemoryError:
                log.exception("a job of the kind “%s” took too much memory", job.kind)
                end, more = "failed", {"reasons": [LARGE]}
            except Exception:
                log.exception("a job of the kind “%s” failed", job.kind)
                end, more = "failed", {"reasons": [OURS]}
        finally:
            pulse.stop()
        for pause in (0.5, 2.0, 5.0, 0.0):  # the database may be busy for a moment
            try:
                self._table.end(job.id, self.name, end, so_far=pulse.so_far, **more)
                return
            except StoreFault:
                log.warning("how a job ended could not be written", exc_info=True)
                time.sleep(pause)


OURS = "It stopped because of a mistake of ours."
LATE = "It took too long and was ended: ask for less at once."
LARGE = "It took too much memory and was ended: ask for less at once."


class _Pulse:
    """Tells that a worker lives and how far it is, and hears when nobody asks any more. A thread beside the work."""

    def __init__(self, table: JobTable, job: Job, name: str, stopping, alive, *, ends: bool):
        self._table, self._job, self._name = table, job, name
        self._stopping, self._alive, self._ends = stopping, alive, ends
        self._news: tuple[float | None, Any] = (None, None)
        self._fresh, self._given_up, self.late = False, False, False
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._beat, name="pulse", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._over.set()
        self._thread.join()

    @property
    def so_far(self) -> Any:
        return self._news[1]

    def tell(self, share: float | None, so_far: Any = None) -> None:
        self._news, self._fresh = (share, so_far if so_far is not None else self._news[1]), True

    def over(self) -> bool:
        """Whether the work is to end."""
        return self._given_up or self.late or self._stopping()

    def _beat(self) -> None:
        began = told = time.monotonic()
        most_s = kind_of(self._job).most_s
        while not self._over.wait(LOOKS_S):
            self._alive()
            now = time.monotonic()
            self.late = now - began > most_s
            if self._ends and now - began > most_s + 10.0:  # it does not listen
                self._table.end(self._job.id, self._name, "failed", reasons=[LATE])
                log.error("a job of the kind “%s” did not end in time; its process is ended", self._job.kind)
                os._exit(3)
            try:
                if now - told > HEARTBEAT_S or (self._fresh and now - told > HEARTBEAT_S / 2):
                    (share, so_far), told, self._fresh = self._news, now, False
                    self._given_up = not self._table.heard(self._job.id, self._name, share, so_far)
                else:
                    self._given_up = not self._table.is_wanted(self._job.id, self._name)
            except Refused:
                log.warning("a sign of life could not be written", exc_info=True)


def queue_of(kind: str, home: Any) -> str:
    """The name of a kind in the queue, which hosts may share: with its home where it needs files of it."""
    if not KINDS[kind].here:
        return kind
    return f"{kind}@{hashlib.sha256(f'{socket.gethostname()}:{home}'.encode()).hexdigest()[:10]}"


def kind_of(job: Job) -> Kind:
    return KINDS[job.kind.partition("@")[0]]


def viewer_now(published: Any, stored: Mapping[str, Any]) -> Viewer:
    """For whom a job is, with what they may do today. Raises NotFound for an account that is closed."""
    viewer = Viewer(**stored)
    return published.store.accounts.viewer_named(viewer.user) if viewer.signed_in else viewer


def id_of(kind: str, key: Hashable) -> str:
    """The same kind and key have the same id, in every process."""
    return hashlib.sha256(repr((kind, key)).encode()).hexdigest()[:32]
