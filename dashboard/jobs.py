"""What takes too long for a request: one bounded pool with a queue, progress and cancelling.

A job is data: what may be read about it is :class:`Job`, kept in one small file in the server's home, so that any of several
workers can answer for it, cancel it or find its result. The same key is the same job. A job whose worker has died counts as
lost after a while and may be started again by anybody.
"""

from __future__ import annotations

import hashlib
import json
import logging
import threading
import time
from collections.abc import Callable, Hashable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from dashboard.exports import write_whole
from layers import Cancelled, NotFound, Refused

log = logging.getLogger("commonground.jobs")

LOST_S = 30.0
"""A job that has not been heard of for this long, beyond the time that its kind takes, has lost its worker."""
KEEP_S = 24 * 3600.0
MOST_FILES = 400


@dataclass(frozen=True)
class Kind:
    """How much of one sort of work there may be at a time in a worker."""

    at_once: int
    waiting: int
    takes_s: float = 20.0  # at most, between two signs of life


KINDS = {
    "plan": Kind(at_once=1, waiting=11),  # a solver uses a core each; the other cores answer everybody else
    "file": Kind(at_once=2, waiting=1),  # a server has four threads unless told otherwise, and requests wait for these
}


@dataclass(frozen=True)
class Job:
    """How far a job is. ``state``: waiting, running, done, cancelled, refused, failed or lost."""

    id: str
    kind: str
    state: str
    place: int = 0  # in the queue of this worker: 1 is the next; 0 when it does not wait there
    progress: float | None = None  # 0 to 1; None where that cannot be said
    seconds: float = 0.0
    result: Any = None  # JSON types; before the end the best so far
    reasons: tuple[str, ...] = ()
    owner: str = ""  # who alone may read it; "" for everybody whom the asker lets
    about: Mapping[str, Any] = field(default_factory=dict)  # what the asker needs to decide that

    @property
    def over(self) -> bool:
        return self.state not in ("waiting", "running")


Progress = Callable[[float | None, Any], None]
"""``progress(share, result)``: how much is done, and the best so far."""
Work = Callable[[Progress, Callable[[], bool]], Any]
"""``work(progress, cancelled)`` answers with the result; when ``cancelled()`` it raises :class:`layers.Cancelled`."""


class Busy(Exception):
    """So much of a kind waits already that this has to be asked for again. ``count``: how many there are."""

    def __init__(self, count: int):
        super().__init__(f"{count} jobs are being worked on")
        self.count = count


class _Task:
    """A job of this worker that waits or runs."""

    def __init__(self, job: Job, work: Work, *, told: bool):
        self.job, self.work, self.told, self.started = job, work, told, False
        self.answer: Future = Future()


class Jobs:
    """The jobs of one server. Files in ``folder``: ``ID.json`` is how far a job is, ``ID.stop`` asks it to stop."""

    def __init__(self, folder: Path, kinds: Mapping[str, Kind] = KINDS):
        self._folder, self._kinds = folder, kinds
        threads = sum(kind.at_once for kind in kinds.values())
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="job")
        self._lock = threading.Lock()
        self._tasks: dict[str, _Task] = {}  # by id, first come first

    def submit(
        self,
        kind: str,
        key: str,
        work: Work,
        *,
        owner: str = "",
        about: Mapping[str, Any] | None = None,
        first: Any = None,
    ) -> Job:
        """Queue a job, or find the one of the same kind, key and owner. ``first``: what is its result until there is a better
        one. Raises :class:`Busy` when too many wait."""
        job_id = id_of(kind, key, owner)
        with self._lock:
            known = self._read(job_id)
            if known is not None and (known.state in ("done", "refused") or not known.over):
                return known
            self._make_room(kind)
            self._tidy()
            self._stop_file(job_id).unlink(missing_ok=True)
            job = Job(job_id, kind, "waiting", result=first, owner=owner, about=about or {})
            self._write(job)
            self._queue(_Task(job, work, told=True))
        return self.status(job_id, owner)

    def run(self, kind: str, key: Hashable, make: Callable[[], Any]) -> Any:
        """Do something in its turn and wait for it; whoever asks for the same meanwhile waits for the same. Returns what
        ``make`` returns and raises what it raises; raises :class:`Busy` when too many wait."""
        job_id = id_of(kind, key)
        with self._lock:
            task = self._tasks.get(job_id)
            if task is None:
                self._make_room(kind)
                task = _Task(Job(job_id, kind, "waiting"), lambda *_: make(), told=False)
                self._queue(task)
        return task.answer.result()

    def status(self, job_id: str, owner: str = "") -> Job:
        """How far a job is. Raises NotFound for one that is not known, or somebody else's."""
        job = self._read(job_id)
        if job is None or job.owner not in ("", owner):
            raise NotFound("There is no such job.")
        return replace(job, place=self._place(job_id))

    def cancel(self, job_id: str, owner: str = "") -> Job:
        """Ask a job to stop, whichever worker runs it; its best result so far stays readable."""
        job = self.status(job_id, owner)
        if not job.over:
            self._stop_file(job_id).touch()
        return job

    def wait(self, job_id: str, owner: str = "", seconds: float = 20.0) -> Job:
        """The job when it is over, or as it stands after some seconds."""
        end = time.monotonic() + seconds
        while not (job := self.status(job_id, owner)).over and time.monotonic() < end:
            time.sleep(0.02)
        return job

    # ---- the queue; with the lock held --------------------------------------------------------------------------------

    def _of_kind(self, kind: str) -> list[_Task]:
        return [task for task in self._tasks.values() if task.job.kind == kind]

    def _make_room(self, kind: str) -> None:
        count, row = len(self._of_kind(kind)), self._kinds[kind]
        if count >= row.at_once + row.waiting:
            raise Busy(count)

    def _queue(self, task: _Task) -> None:
        self._tasks[task.job.id] = task
        self._start_next(task.job.kind)

    def _start_next(self, kind: str) -> None:
        tasks = self._of_kind(kind)
        free = self._kinds[kind].at_once - sum(task.started for task in tasks)
        for task in [task for task in tasks if not task.started][: max(free, 0)]:
            task.started = True
            self._pool.submit(self._do, task)

    # ---- the work; in a thread of the pool ----------------------------------------------------------------------------

    def _do(self, task: _Task) -> None:
        job, start = task.job, time.monotonic()
        stop = self._stop_file(job.id)

        def tell(**news: Any) -> None:
            task.job = replace(task.job, seconds=time.monotonic() - start, **news)
            if task.told:
                self._write(task.job)

        def cancelled() -> bool:
            return stop.exists() or not threading.main_thread().is_alive()  # a server that ends waits for no job

        result, error = None, None
        try:
            tell(state="running")
            if cancelled():
                raise Cancelled
            result = task.work(lambda share, so_far: tell(progress=share, result=so_far), cancelled)
            end = {"state": "done", "progress": 1.0, "result": result}
        except Cancelled as stopped:
            end, error = {"state": "cancelled"}, stopped
        except Refused as refused:
            end, error = {"state": "refused", "reasons": tuple(str(fault) for fault in refused.faults)}, refused
        except Exception as mistake:
            end, error = {"state": "failed", "reasons": ("It stopped because of a mistake of ours.",)}, mistake
            if task.told:  # otherwise whoever waits for it hears
                log.exception("a job of the kind “%s” failed", job.kind)
        stop.unlink(missing_ok=True)
        try:
            tell(**end)
        finally:  # whatever the disk says, the next one has its turn
            with self._lock:
                del self._tasks[job.id]
                self._start_next(job.kind)
            if error is None:
                task.answer.set_result(result)
            else:
                task.answer.set_exception(error)

    # ---- files --------------------------------------------------------------------------------------------------------

    def _file(self, job_id: str) -> Path:
        if not (job_id.isascii() and job_id.isalnum() and len(job_id) <= 64):
            raise NotFound("There is no such job.")
        return self._folder / f"{job_id}.json"

    def _stop_file(self, job_id: str) -> Path:
        return self._file(job_id).with_suffix(".stop")

    def _read(self, job_id: str) -> Job | None:
        try:
            stored = json.loads(self._file(job_id).read_text("utf-8"))
        except (OSError, ValueError):
            return None
        job = Job(**stored["job"] | {"reasons": tuple(stored["job"]["reasons"])})
        silent = time.time() - stored["heard"]
        if not job.over and job_id not in self._tasks and silent > self._kinds[job.kind].takes_s + LOST_S:
            return replace(job, state="lost", reasons=("The server was restarted while it worked on this.",))
        return job

    def _write(self, job: Job) -> None:
        text = json.dumps({"job": asdict(job), "heard": time.time()}, ensure_ascii=False)
        write_whole(self._file(job.id), text.encode())

    def _place(self, job_id: str) -> int:
        with self._lock:
            task = self._tasks.get(job_id)
            if task is None or task.started:
                return 0
            return 1 + [one for one in self._of_kind(task.job.kind) if not one.started].index(task)

    def _tidy(self) -> None:
        """Remove what is old, and the oldest of what is too many."""
        files = []
        for file in self._folder.glob("*"):
            try:
                files.append((file.stat().st_mtime, file))
            except OSError:
                continue  # another worker was quicker
        files.sort(reverse=True)
        for number, (written, file) in enumerate(files):
            if number >= MOST_FILES or time.time() - written > KEEP_S:
                file.unlink(missing_ok=True)


def id_of(kind: str, key: Hashable, owner: str = "") -> str:
    """The same kind, key and owner have the same id, in every worker."""
    return hashlib.sha256(repr((kind, key, owner)).encode()).hexdigest()[:32]
