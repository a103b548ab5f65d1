"""What a client may do with a connection before it has asked for anything: deadlines and bounds around waitress.

Waitress reads requests and sends answers without a thread; only a complete request takes one. What it lacks is here: deadlines
for the whole of a request and of an answer, one request at a time per connection, and room that nobody can fill for others.
"""

from __future__ import annotations

import contextlib
import heapq
import logging
import socket
import struct
import time
from collections import Counter
from dataclasses import dataclass
from io import BytesIO

from waitress import wasyncore
from waitress.adjustments import Adjustments
from waitress.buffers import ReadOnlyFileBasedBuffer
from waitress.channel import HTTPChannel
from waitress.parser import HTTPRequestParser
from waitress.receiver import ChunkedReceiver
from waitress.server import TcpWSGIServer
from waitress.task import ErrorTask, ThreadedTaskDispatcher
from waitress.utilities import BadRequest

from layers import LIMITS, network_of

log = logging.getLogger("commonground.serving")

MIB = 1 << 20
BACKLOG = 1024
LARGE = 64 * 1024


@dataclass(frozen=True)
class Limits:
    """How long a client may take, and how much room. Per process, where it is a number of something."""

    headers_s: float = 20.0  # from the first byte of a request to the end of its headers
    body_s: float = 600.0  # from there to its end
    answer_s: float = 600.0  # to take the answer
    still_s: float = 20.0  # without a byte moving, in either direction
    silent_s: float = 35.0  # a new connection without a byte; browsers open some ahead
    idle_s: float = (
        75.0  # between two requests: longer than proxies in front keep theirs, which is 60 s at most by default
    )
    stopping_s: float = 10.0  # for requests at work when the server is stopped
    connections: int = 2048
    per_address: int = 1500  # an office shares one, and one process may get them all; 0: no bound, as behind a proxy
    header_bytes: int = 32 * 1024
    body_bytes: int = LIMITS.upload + MIB
    waiting_bytes: int = 512 * MIB  # of half-sent requests, on disk, and untaken answers, in memory, together
    check_s: float = 1.0  # how often the deadlines are looked at


# ---- requests --------------------------------------------------------------------------------------------------------

MOST_CONTROL_LINE, MOST_TRAILER = 1024, 8 * 1024

WORDS = {
    400: "This request cannot be read.",
    413: "This is too large to be taken.",
    431: "The address or the headers of this request are too long.",
    501: "This way of sending a request is not known here.",
}


class Request(HTTPRequestParser):
    """A request on its way in, every part of it bounded."""

    path = ""  # named in the log when a request was refused before it had one

    def received(self, data: bytes) -> int:
        try:
            taken = super().received(data)
        except ValueError:  # a number of thousands of digits
            self.error, self.completed = BadRequest(""), True
            return len(data)
        body = self.body_rcv
        # without these bounds one endless line would be copied again with every packet
        if (
            isinstance(body, ChunkedReceiver)
            and not self.completed
            and (len(body.control_line) > MOST_CONTROL_LINE or len(body.trailer) > MOST_TRAILER)
        ):
            self.error, self.completed = BadRequest(""), True
        return taken


class Refusal(ErrorTask):
    """The answer to a request that could not be taken, in plain words."""

    def execute(self) -> None:
        error = self.request.error
        text = f"{WORDS.get(error.code, 'Something went wrong here. Please try again.')}\n".encode()
        self.status = f"{error.code} {error.reason}"
        self.response_headers += [("Content-Type", "text/plain; charset=utf-8"), ("Cache-Control", "no-store")]
        self.set_close_on_finish()
        self.content_length = len(text)
        self.write(text)
        self.channel.refused = True


PARTING_S, PARTING_STILL_S = 30.0, 5.0
"""After a refusal what the client still sends is read and forgotten for so long: closed at once, it might never see the answer."""

_WORDS_408 = b"The request did not arrive in time.\n"
TOO_SLOW = (
    b"HTTP/1.1 408 Request Timeout\r\nConnection: close\r\nContent-Type: text/plain; charset=utf-8\r\n"
    b"Content-Length: %d\r\n\r\n%s" % (len(_WORDS_408), _WORDS_408)
)


# ---- one connection --------------------------------------------------------------------------------------------------


class Connection(HTTPChannel):
    """One client's connection. Its times are those of the monotonic clock; a clock that is put right ends nothing."""

    parser_class = Request
    error_task_class = Refusal

    def __init__(self, server, sock, addr, adj, map=None):
        self.moved = self.opened = time.monotonic()  # when a byte moved last, in either direction
        self.began: float | None = None  # the request on its way in
        self.headers_ended: float | None = None
        self.answering: float | None = None  # since when an answer waits to be taken
        self.answered = False  # anything yet
        self.held = b""  # what came after a request that is at work: requests are read one at a time
        self.left = False  # the client will say no more
        self.refused = False
        self.parting: float | None = None  # since when what is still sent is read and forgotten
        self.address = address_of(addr[0])
        super().__init__(server, sock, addr, adj, map)

    def add_channel(self, map=None) -> None:
        super().add_channel(map)
        self.server.per_address[self.address] += 1

    def del_channel(self, map=None) -> None:
        if self._fileno in self.server.active_channels:
            self.server.per_address[self.address] -= 1
            if not self.server.per_address[self.address]:
                del self.server.per_address[self.address]
        super().del_channel(map)

    # ---- reading

    def readable(self) -> bool:
        if self.parting is not None:
            return True
        if self.will_close or self.close_when_flushed or self.total_outbufs_len:
            return False
        if self.left:
            if not self.requests:
                self.will_close = True
            return False
        if self.held and not self.requests:
            data, self.held = self.held, b""
            try:
                self.received(data)
            except Exception:
                self.handle_error()
                return False
        return not self.held  # while a request is at work too, to learn that its client has left

    def handle_read(self) -> None:
        try:
            data = self.socket.recv(self.adj.recv_bytes)
        except (BlockingIOError, InterruptedError):
            return
        except OSError:
            self.handle_close()
            return
        if data:
            self.moved = time.monotonic()
            if self.parting is None:
                self.received(data)
        elif self.requests:  # it may only have closed its side: the answer is still sent
            self.left = True
        else:
            self.handle_close()

    def received(self, data: bytes) -> bool:
        """Read one request; the bytes after it wait until it is answered. Else one packet with hundreds of requests for large
        answers would hold a thread until they are taken."""
        with self.requests_lock:
            if self.will_close or self.close_when_flushed:
                return False
            if self.requests:
                self.held += data
                return True
            while data:
                if self.request is None:
                    self.request = self.parser_class(self.adj)
                if self.began is None:  # blank lines before a request count too
                    self.began, self.answering = time.monotonic(), None
                request = self.request
                data = data[request.received(data) :]
                if request.headers_finished and self.headers_ended is None:
                    self.headers_ended = time.monotonic()
                if request.expect_continue and request.headers_finished and not request.completed:
                    self.send_continue()
                if not request.completed:
                    continue
                self.request, self.sent_continue = None, False
                self.headers_ended = None
                if not request.empty:
                    self.began, self.held = None, data
                    self.requests.append(request)
                    self.server.add_task(self)
                    break
        return True

    def check_client_disconnected(self) -> bool:
        return self.left or not self.connected

    # ---- writing

    def write_soon(self, data) -> int:
        if isinstance(data, bytes) and len(data) >= LARGE:
            # kept as it is: waitress would copy it twice, the second time to a file
            data = ReadOnlyFileBasedBuffer(BytesIO(data))
            data.prepare()
        return super().write_soon(data)

    def send(self, data: bytes, do_close: bool = True) -> int:
        sent = super().send(data, do_close)
        if sent:
            self.moved = time.monotonic()
        return sent

    def service(self) -> None:
        super().service()
        self.moved, self.answered = time.monotonic(), True

    def handle_write(self) -> None:
        if not (self.refused and self.close_when_flushed) or self.will_close:
            super().handle_write()
            return
        self._flush_exception(self._flush_some)
        if self.connected and not self.total_outbufs_len:
            self.close_when_flushed = False
            self.parting = self.moved = time.monotonic()
            with contextlib.suppress(OSError):
                self.socket.shutdown(socket.SHUT_WR)

    def handle_close(self) -> None:
        if self.request is not None:
            self.request.close()
        super().handle_close()

    # ---- deadlines

    def waiting_bytes(self) -> int:
        return self.total_outbufs_len + (self.request.body_bytes_received if self.request is not None else 0)

    def overdue(self, now: float, limits: Limits) -> bool:
        """Whether this connection has had its time."""
        if self.parting is not None:
            return now - self.parting > PARTING_S or now - self.moved > PARTING_STILL_S
        if self.total_outbufs_len:
            if self.answering is None:
                self.answering = now
            return now - max(self.moved, self.answering) > limits.still_s or now - self.answering > limits.answer_s
        if self.requests:  # that is our work, not the client's
            return False
        if self.began is None:
            return now - self.moved > (limits.idle_s if self.answered else limits.silent_s)
        if now - self.moved > limits.still_s:
            return True
        if self.headers_ended is None:
            return now - self.began > limits.headers_s
        return now - self.headers_ended > limits.body_s

    def end(self) -> None:
        """Close it now; whoever has half asked is told why. Only in the thread of the loop."""
        if self.began is not None and not self.total_outbufs_len and self.socket is not None:
            with contextlib.suppress(OSError):
                self.socket.send(TOO_SLOW)
        elif self.total_outbufs_len and self.socket is not None:
            with contextlib.suppress(OSError):  # what it has not taken is thrown away by the system too, at once
                self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.handle_close()

    def since(self) -> float:
        """Since when this connection has been waiting for its client."""
        return self.answering or self.began or (self.moved if self.answered else self.opened)

    def dispensable(self, now: float) -> tuple[int, float]:
        """Order in which connections give way when there are too many: half-asked ones, idle ones, untaken answers; each the
        longest first; last those that have only just come or are being worked for."""
        since = self.since()
        if self.requests or now - since < 2:
            return 3, since
        return 2 if self.total_outbufs_len else 1 if self.answered and self.began is None else 0, since


address_of = network_of
"""What counts as one address."""


# ---- all connections of a process ------------------------------------------------------------------------------------


class Server(TcpWSGIServer):
    """Every connection of one process, on a socket that it shares with the others."""

    channel_class = Connection

    def __init__(self, application, listening: socket.socket, threads: int, limits: Limits):
        adjustments = Adjustments(
            sockets=[listening],
            threads=threads,
            backlog=BACKLOG,
            ident="Common Ground",
            recv_bytes=16 * 1024,
            max_request_header_size=limits.header_bytes,
            max_request_body_size=limits.body_bytes,
            inbuf_overflow=LARGE,
            outbuf_overflow=256 * 1024,
            outbuf_high_watermark=limits.waiting_bytes,  # beyond it a thread would wait for the reader
            log_socket_errors=False,
            clear_untrusted_proxy_headers=False,  # dashboard.auth.hosts settles whom to believe, under every server
            asyncore_use_poll=True,
        )
        self.limits = limits
        self.stopping = False
        self.per_address: Counter[str] = Counter()
        self._next_check = 0.0
        dispatcher = ThreadedTaskDispatcher()
        dispatcher.queue_logger = logging.getLogger("commonground.serving.queue")
        dispatcher.queue_logger.setLevel(logging.ERROR)  # a queue is what is wanted of it
        dispatcher.set_thread_count(threads)
        sockinfo = (listening.family, listening.type, listening.proto, listening.getsockname())
        super().__init__(
            application,
            {},
            _sock=listening,
            dispatcher=dispatcher,
            adj=adjustments,
            sockinfo=sockinfo,
            bind_socket=False,
        )

    # ---- accepting

    def readable(self) -> bool:
        return self.accepting

    def handle_accept(self) -> None:
        for _ in range(1 + len(self.active_channels) // 64):  # a crowd is let in faster; else processes share evenly
            try:
                client, peer = self.socket.accept()
                self.set_socket_options(client)
            except OSError:  # another process was quicker, or the client has gone
                return
            self._make_room(address_of(peer[0]))
            self.channel_class(self, client, peer, self.adj, map=self._map)

    def _make_room(self, address: str) -> None:
        """Nobody is turned away: where there are too many, the one that has wasted most time gives way."""
        here = self.active_channels
        full = len(here) >= self.limits.connections
        if full or 0 < self.limits.per_address <= self.per_address[address]:
            crowd = max(self.per_address, key=self.per_address.__getitem__) if full else address
            theirs, now = [one for one in here.values() if one.address == crowd], time.monotonic()
            # some at once, for looking for them takes its time
            for one in heapq.nsmallest(1 + len(theirs) // 64, theirs, key=lambda one: one.dispensable(now)):
                one.end()

    # ---- the loop

    def stop(self, *_) -> None:
        """End soon. May be a signal's handler."""
        self.stopping = True
        self.pull_trigger()

    def run(self) -> None:
        """Serve until ``stopping`` is set; then end what is at work, in bounded time."""
        while not self.stopping:
            self._turn()
        wasyncore.dispatcher.close(self)
        end = time.monotonic() + self.limits.stopping_s
        while self.active_channels and time.monotonic() < end:
            for one in list(self.active_channels.values()):
                if not (one.requests or one.total_outbufs_len or one.held or one.headers_ended):
                    one.handle_close()
            self._turn(0.05)
        self.task_dispatcher.shutdown(timeout=max(0.1, end - time.monotonic()))

    def _turn(self, seconds: float = 1.0) -> None:
        wasyncore.poll2(min(seconds, self.limits.check_s), self._map)
        now = time.monotonic()
        if now >= self._next_check:
            self._next_check = now + self.limits.check_s
            self.check(now)

    def check(self, now: float) -> None:
        """End what is overdue; where too much waits to be sent or taken, what has waited longest."""
        waiting = {}
        for one in list(self.active_channels.values()):
            if one.overdue(now, self.limits):
                one.end()
            elif size := one.waiting_bytes():
                waiting[one] = size
        too_much = sum(waiting.values()) - self.limits.waiting_bytes
        for one in sorted(waiting, key=Connection.since):
            if too_much <= 0:
                return
            if waiting[one] >= LARGE:
                too_much -= waiting[one]
                one.end()
