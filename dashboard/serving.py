"""``commonground serve``: a few processes that take connections from one socket, some that do what takes long
(:mod:`dashboard.jobs`), and one that keeps them running.

The application is made once, before the processes part: they share its memory until they write. Each runs the loop and the
threads of :mod:`dashboard.connections`. A process that dies, or whose loop stands still, is replaced.
"""

from __future__ import annotations

import contextlib
import errno
import gc
import ipaddress
import logging
import mmap
import os
import select
import signal
import socket
import struct
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from dashboard.connections import BACKLOG, Limits, Server
from layers import Refused

log = logging.getLogger("commonground.serving")

HANGS_S = 120.0
"""A loop that has not turned for this long is not coming back."""

STOPS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


def listen_on(host: str, port: int) -> socket.socket:
    """The socket, bound; nobody is let in before :func:`serve`. Raises :class:`Refused` in a sentence when it cannot be had."""
    where = f"{host}:{port}"
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
    except (socket.gaierror, UnicodeError):
        raise Refused(f"There is no address “{host}”: give one of this machine with --host.") from None
    listening = socket.socket(found[0], socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind(found[4])
    except OSError as error:
        listening.close()
        raise _not_to_be_had(error, where) from None
    return listening


def is_loopback(listening: socket.socket) -> bool:
    """Whether only this machine can reach it."""
    return ipaddress.ip_address(listening.getsockname()[0].partition("%")[0]).is_loopback


def _not_to_be_had(error: OSError, where: str) -> Refused:
    words = {
        errno.EADDRINUSE: f"{where} is in use by another program: stop that one, or choose another port with --port.",
        errno.EACCES: f"{where} may not be used by this account: choose a port above 1023 with --port.",
        errno.EADDRNOTAVAIL: f"{where} is not an address of this machine: choose another with --host.",
    }
    return Refused(words.get(error.errno, f"{where} cannot be used: {error.strerror}."))


Work = Callable[[str, Callable[[], bool], Callable[[], None]], None]
"""``work(name, stopping, alive)`` works until ``stopping()``, and says ``alive()`` all the while. ``name`` is that of its seat: the
one who takes the place of a dead process has it too."""


def serve(
    application,
    listening: socket.socket,
    *,
    workers: int,
    threads: int,
    limits: Limits,
    ready: Callable[[], None],
    work: Work | None = None,
    job_workers: int = 0,
) -> None:
    """Serve until SIGTERM, SIGINT or SIGHUP. ``job_workers`` processes do ``work`` and take no connections.

    Raises :class:`Refused` when another program has taken the port meanwhile.
    """
    try:
        listening.listen(BACKLOG)
    except OSError as error:
        host, port = listening.getsockname()[:2]
        raise _not_to_be_had(error, f"{host}:{port}") from None
    listening.setblocking(False)
    threads_ended()
    Keeper(application, listening, workers, threads, room_for(limits), work, job_workers).run(ready)


def room_for(limits: Limits) -> Limits:
    """As many connections as the system lets a process have files: two each, and some for everything else."""
    try:
        import resource
    except ImportError:
        return limits
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 2 * limits.connections + FILES
    if soft != resource.RLIM_INFINITY and soft < wanted:
        soft = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        soft = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
        if soft < wanted:
            log.warning(
                "only %d files may be open at once, so fewer connections are kept; raise it with ulimit -n", soft
            )
            return replace(limits, connections=max(64, (soft - FILES) // 2))
    return limits


IN_EACH_PROCESS = "commonground-in-each-process"
"""Extension of an application: what is begun in every process that answers requests."""

FILES = 256
"""Open files that are no connection: the store, the region, what threads are working on."""


@dataclass
class Worker:
    pid: int
    seat: int
    started: float
    beat: int = 0  # what it last wrote
    heard: float = 0.0  # when that changed


class Keeper:
    """Starts the processes, replaces those that end, and ends them all."""

    def __init__(
        self,
        application,
        listening: socket.socket,
        workers: int,
        threads: int,
        limits: Limits,
        work: Work | None = None,
        job_workers: int = 0,
    ):
        self._application, self._listening = application, listening
        self._threads, self._limits = threads, limits
        self._workers: list[Worker] = []
        self._for_requests, self._seats, self._job_work = workers, workers + job_workers, work
        self._beats = mmap.mmap(-1, 8 * self._seats)  # shared: a number per process, which grows while its loop turns
        self._stopping = False

    def run(self, ready: Callable[[], None]) -> None:
        heard, told = os.pipe()
        os.set_blocking(told, False)
        gc.collect()
        gc.freeze()  # the collector would otherwise write to, and so copy, what the processes share
        before = {number: signal.signal(number, self._stop) for number in STOPS}
        before[signal.SIGCHLD] = signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(told, warn_on_full_buffer=False)
        try:
            for seat in range(self._seats):
                self._start(seat)
            ready()
            while not self._stopping:
                if select.select([heard], [], [], 1.0)[0]:
                    os.read(heard, 512)
                self._replace_dead()
            self._end_all()
        finally:
            signal.set_wakeup_fd(-1)
            for number, handler in before.items():
                signal.signal(number, handler)
            os.close(heard)
            os.close(told)

    def _stop(self, *_) -> None:
        self._stopping = True

    # ---- starting

    def _start(self, seat: int) -> None:
        sys.stdout.flush()
        sys.stderr.flush()
        keeper = os.getpid()
        held = signal.pthread_sigmask(signal.SIG_BLOCK, STOPS)  # until the new process has handlers of its own
        pid = os.fork()
        if pid == 0:
            self._work(seat, keeper, held)
        signal.pthread_sigmask(signal.SIG_SETMASK, held)
        now = time.monotonic()
        self._workers.append(Worker(pid, seat, started=now, heard=now))

    def _work(self, seat: int, keeper: int, held) -> None:
        """In the new process. Never returns."""
        status = 1
        try:
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl+C is for the keeper, which tells everybody
            signal.signal(signal.SIGHUP, signal.SIG_IGN)
            if seat < self._for_requests:
                server = _Worker(self._application, self._listening, self._threads, self._limits)
                server.tells(self._beats, seat, keeper)
                signal.signal(signal.SIGTERM, server.stop)
                signal.pthread_sigmask(signal.SIG_SETMASK, held)
                for begin in getattr(self._application, "extensions", {}).get(IN_EACH_PROCESS, ()):
                    begin()  # threads, which would not have come along
                server.run()
            else:
                self._listening.close()
                self._do_jobs(seat, keeper, held)
            threading._shutdown()  # as at the end of any program: pools are told, and wait for what they do
            status = 0
        except BaseException:
            log.exception("a process of the server ended by a mistake")
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            logging.shutdown()
            os._exit(status)  # what the keeper has to tidy up at its end is not ours

    def _do_jobs(self, seat: int, keeper: int, held) -> None:
        """In a process for jobs, which gives way to those that answer people, and has so much memory."""
        over = threading.Event()
        signal.signal(signal.SIGTERM, lambda *_: over.set())
        signal.pthread_sigmask(signal.SIG_SETMASK, held)
        with contextlib.suppress(OSError):
            os.nice(NICE)
        memory_bound(JOB_BYTES)

        def alive() -> None:
            _beat(self._beats, seat)
            if os.getppid() != keeper:
                os._exit(1)  # killed: nobody will ever end us

        self._job_work(f"{socket.gethostname()}:{keeper}:{seat}", over.is_set, alive)

    # ---- keeping

    def _replace_dead(self) -> None:
        now = time.monotonic()
        for worker in list(self._workers):
            beat = struct.unpack_from("Q", self._beats, 8 * worker.seat)[0]
            if beat != worker.beat:
                worker.beat, worker.heard = beat, now
            elif now - worker.heard > HANGS_S:
                log.error("process %d stands still and is ended", worker.pid)
                _tell(worker.pid, signal.SIGKILL)
            if status := _ended(worker.pid):
                self._workers.remove(worker)
                if self._stopping:
                    continue
                log.error("process %d %s; another one takes its place", worker.pid, status)
                if now - worker.started < 5:
                    time.sleep(1)  # one that cannot live is not started a thousand times
                self._start(worker.seat)

    def _end_all(self) -> None:
        self._listening.close()
        for worker in self._workers:
            _tell(worker.pid, signal.SIGTERM)
        end = time.monotonic() + self._limits.stopping_s + 2
        while self._workers and time.monotonic() < end:
            self._workers = [worker for worker in self._workers if not _ended(worker.pid)]
            time.sleep(0.02)
        for worker in self._workers:
            _tell(worker.pid, signal.SIGKILL)
            with contextlib.suppress(ChildProcessError):
                os.waitpid(worker.pid, 0)


class _Worker(Server):
    """The connections of a process that has a keeper."""

    def tells(self, beats: mmap.mmap, seat: int, keeper: int) -> None:
        self._beats, self._seat, self._keeper = beats, seat, keeper

    def check(self, now: float) -> None:
        _beat(self._beats, self._seat)
        if os.getppid() != self._keeper:  # killed: nobody will ever end us
            self.stopping = True
        super().check(now)


NICE = 8
"""Jobs take what the processes for people leave."""
JOB_BYTES = 3 * 2**30
"""What a job may take beside what its process has from the start."""


def memory_bound(more: int) -> None:
    """Let this process have so much more memory than it has, and no more: whoever asks for it gets a MemoryError."""
    try:
        import resource

        now = int(Path("/proc/self/statm").read_text().split()[0]) * os.sysconf("SC_PAGE_SIZE")
        hard = resource.getrlimit(resource.RLIMIT_AS)[1]
        wanted = now + more if hard == resource.RLIM_INFINITY else min(now + more, hard)
        resource.setrlimit(resource.RLIMIT_AS, (wanted, hard))
    except (ImportError, OSError, ValueError):
        log.warning("this system bounds no process's memory", exc_info=True)


def _beat(beats: mmap.mmap, seat: int) -> None:
    struct.pack_into("Q", beats, 8 * seat, struct.unpack_from("Q", beats, 8 * seat)[0] + 1)


def _tell(pid: int, number: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)


def _ended(pid: int) -> str:
    """How a process ended, in words; "" when it has not."""
    try:
        found, status = os.waitpid(pid, os.WNOHANG)
    except ChildProcessError:
        return "is gone"
    if not found:
        return ""
    code = os.waitstatus_to_exitcode(status)
    return f"was ended by {signal.Signals(-code).name}" if code < 0 else f"ended with status {code}"


def threads_ended() -> None:
    """Wait for the threads that making the application has started; one that a new process lacks might hold a lock in it."""
    for thread in threading.enumerate():
        if thread is not threading.current_thread():
            thread.join(30)
