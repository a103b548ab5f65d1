"""A file from another host, by command or job and never in a request: only from where ``COMMONGROUND_FEEDS`` allows.

An allowed *host* (``data.example.org``) means https on its usual port, at public addresses only: after the name is resolved, and
after each redirect too. An allowed *origin* (``http://127.0.0.1:8099``) is taken exactly as written, wherever it leads. What was
checked is what is connected to: the name is not asked for a second time. No proxy and no credentials are taken from the
environment, none from an address, and no cookie is kept.
"""

from __future__ import annotations

import contextlib
import http.client
import ipaddress
import re
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from urllib.parse import urljoin, urlsplit

from layers.model import Fault, Refused

SECONDS = 60.0
"""For all of it: resolving, connecting, redirects, headers and body."""
MOST_BYTES = 100 * 2**20
MOST_REDIRECTS = 5
_CHUNK = 64 * 1024
_HOST = re.compile(r"(?=.{1,253}\Z)(?!-)[a-z0-9-]{1,63}(?:\.[a-z0-9-]{1,63})+")
_ORIGIN = re.compile(r"https?://(?:[a-z0-9.-]+|\[[0-9a-f:.]+\])(?::\d{1,5})?")
_ODD = re.compile(r"[^\x21-\x7e]|\\")
_INSIDE = tuple(map(ipaddress.ip_network, ("64:ff9b::/96", "64:ff9b:1::/48", "2002::/16", "2001::/32", "::/96")))
"""IPv6 addresses that lead to an IPv4 one: nobody serves a feed there."""
TITLE = "The feed was not fetched."


def allowed_of(text: str) -> tuple[str, ...]:
    """The hosts and origins of ``COMMONGROUND_FEEDS``, parted by commas or spaces. Raises :class:`Refused` for what is neither."""
    found = tuple(dict.fromkeys(part.lower() for part in re.split(r"[\s,]+", text) if part))
    if faults := [
        Fault(f"'{part[:100]}' is neither a host nor an origin", "COMMONGROUND_FEEDS", _TODO)
        for part in found
        if not (_HOST.fullmatch(part) or _ORIGIN.fullmatch(part))
    ]:
        raise Refused("The setting cannot be used.", faults)
    return found


_TODO = "write a host such as data.example.org, or a whole origin such as https://data.example.org:8443, without a path"


def fetch(
    url: str,
    allowed: Iterable[str],
    *,
    seconds: float = SECONDS,
    most_bytes: int = MOST_BYTES,
    resolve: Callable[..., list] = socket.getaddrinfo,
) -> bytes:
    """The body of what is at ``url``. Raises :class:`Refused`, saying what stopped it and what to do.

    ``allowed`` are hosts and origins as :func:`allowed_of` gives them; with none, nothing is fetched.
    """
    until, allowed = time.monotonic() + seconds, tuple(allowed)
    for _ in range(MOST_REDIRECTS + 1):
        place = _place_of(url, allowed)
        answer = _asked(place, _address_of(place, resolve, until), until, most_bytes)
        if isinstance(answer, bytes):
            return answer
        url = urljoin(url, answer.to)
    raise _refused(f"it redirects more than {MOST_REDIRECTS} times", place.host, "name the address that it ends at")


@dataclass(frozen=True)
class _Place:
    """An address that may be asked, as far as can be said before its name is resolved."""

    scheme: str
    host: str
    port: int
    path: str
    exact: bool  # allowed as an origin: whatever its address is


@dataclass(frozen=True)
class _Redirect:
    to: str


def _place_of(url: str, allowed: tuple[str, ...]) -> _Place:
    if len(url) > 2_000 or _ODD.search(url):
        raise _refused("the address holds what none can", ascii(url[:80]), "copy it again")
    try:
        parts = urlsplit(url)
        host, port = (parts.hostname or "").lower(), parts.port
    except ValueError:
        raise _refused("the address cannot be read", url[:80], "copy it again") from None
    if parts.scheme not in ("http", "https") or not host:
        raise _refused("it is no web address", url[:80], "begin it with https://")
    if "@" in parts.netloc:
        raise _refused("the address holds a name or password", host, "take it out: feeds are read without signing in")
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    if f"{parts.scheme}://{parts.netloc.lower()}" in allowed:
        return _Place(parts.scheme, host, port or (443 if parts.scheme == "https" else 80), path, exact=True)
    if host not in allowed:
        todo = f"add {host} to COMMONGROUND_FEEDS, if its publisher is to be trusted"
        raise _refused("feeds may not be read from there", host, todo)
    if parts.scheme != "https" or port not in (None, 443):
        todo = "use https:// on its usual port, or allow the whole origin"
        raise _refused("a host is read over https on its usual port only", f"{parts.scheme}://{parts.netloc}", todo)
    return _Place("https", host, 443, path, exact=False)


def is_public(address: str) -> bool:
    """Whether an IP address is one of the public internet, however it is written."""
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    if isinstance(found, ipaddress.IPv6Address):
        if found.ipv4_mapped is not None:
            return is_public(str(found.ipv4_mapped))
        if any(found in inside for inside in _INSIDE):
            return False
    return found.is_global and not (found.is_multicast or found.is_reserved or found.is_unspecified)


def _address_of(place: _Place, resolve: Callable[..., list], until: float) -> str:
    """The address to connect to: of a host, only when every one that it has is public."""
    found: list = []

    def look() -> None:
        try:
            found.extend(row[4][0] for row in resolve(place.host, place.port, type=socket.SOCK_STREAM))
        except (OSError, UnicodeError):
            found.clear()

    looking = threading.Thread(target=look, daemon=True)  # the resolver has no time limit of its own
    looking.start()
    looking.join(max(until - time.monotonic(), 0))
    if looking.is_alive():
        raise _too_slow(place)
    if not found:
        raise _refused(
            "its name leads nowhere", place.host, "check the address, and whether this machine may look it up"
        )
    if not place.exact and (inside := [address for address in found if not is_public(address)]):
        todo = "a feed on this network has to be allowed as a whole origin"
        raise _refused(f"its name leads to {inside[0]}, which is not of the public internet", place.host, todo)
    return found[0]


class _Connection(http.client.HTTPConnection):
    """To an address that was checked already; the name is what the certificate has to say."""

    def __init__(self, place: _Place, address: str, seconds: float):
        super().__init__(place.host, place.port, timeout=seconds)
        self._place, self._address = place, address
        self._held: socket.socket | None = None  # the library lets go of its own when the answer is the last one
        self.late = False

    def connect(self) -> None:
        self.sock = self._held = socket.create_connection((self._address, self.port), timeout=self.timeout)
        if self._place.scheme == "https":
            context = ssl.create_default_context()
            self.sock = context.wrap_socket(self.sock, server_hostname=self.host, do_handshake_on_connect=False)
            self._held = self.sock
            self.sock.do_handshake()

    def stop(self) -> None:
        """Whatever is being waited for ends now: a byte a minute would start every shorter wait anew."""
        self.late = True
        if self._held is not None:
            with contextlib.suppress(OSError):
                self._held.shutdown(socket.SHUT_RDWR)


def _asked(place: _Place, address: str, until: float, most_bytes: int) -> bytes | _Redirect:
    left = until - time.monotonic()
    if left <= 0:
        raise _too_slow(place)
    connection = _Connection(place, address, left)
    watch = threading.Timer(left, connection.stop)
    watch.daemon = True
    watch.start()
    try:
        connection.request("GET", place.path, headers={"Accept-Encoding": "identity", "User-Agent": "Common Ground"})
        return _read(connection.getresponse(), place, most_bytes, connection)
    except TimeoutError:
        raise _too_slow(place) from None
    except (OSError, http.client.HTTPException) as error:
        if connection.late:
            raise _too_slow(place) from None
        what = f"it could not be read ({type(error).__name__}: {str(error)[:120]})"
        raise _refused(what, place.host, "try again later; nothing was changed") from None
    finally:
        watch.cancel()
        connection.close()


def _read(
    response: http.client.HTTPResponse, place: _Place, most_bytes: int, connection: _Connection
) -> bytes | _Redirect:
    if response.status in (301, 302, 303, 307, 308):
        if not (to := response.headers.get("Location", "")):
            raise _refused("it redirects nowhere", place.host, "ask its publisher for the right address")
        return _Redirect(to)
    if response.status != 200:
        raise _refused(f"it answers {response.status} {response.reason[:60]}", place.host, "check the address")
    if response.headers.get("Content-Encoding", "identity").lower() not in ("", "identity"):
        raise _refused("it is sent packed, which was not asked for", place.host, "ask its publisher for the plain file")
    too_large = _refused(
        f"it is larger than {most_bytes / 2**20:g} MiB", place.host, "ask its publisher for a smaller one"
    )
    if (response.length or 0) > most_bytes:
        raise too_large
    body = bytearray()
    while chunk := response.read1(_CHUNK):
        body += chunk
        if len(body) > most_bytes:
            raise too_large
    if connection.late:
        raise _too_slow(place)
    if response.length:  # what was promised and did not come
        raise _refused("it was cut short", place.host, "try again later; nothing was changed")
    return bytes(body)


def _too_slow(place: _Place) -> Refused:
    return _refused(
        "it took too long", place.host, f"try again later; all of it has to come within {SECONDS:g} seconds"
    )


def _refused(what: str, where: str, todo: str) -> Refused:
    return Refused(TITLE, [Fault(what, where, todo, rule="feed")])
