"""Whose word is taken for the browser's address, the scheme and the host, and under which hosts this site answers.

Between every server and the application, so that nothing else is asked before.
"""

from __future__ import annotations

import re
import ssl
from collections.abc import Sequence

import flask
from werkzeug.middleware.proxy_fix import ProxyFix

_HOST = re.compile(r"([a-z0-9._-]{1,253}|\[[0-9a-f:.]{2,45}\])(:[0-9]{1,5})?", re.ASCII)

FORWARDED = ("HTTP_FORWARDED", "HTTP_X_FORWARDED_", "HTTP_X_REAL_IP")
"""Beginnings of the headers in which proxies report; once it is settled what is believed, nobody else reads them."""

FOR_ANY_HOST = ("/healthz", "/readyz")
"""Whoever watches a machine asks it by its number. These say nothing that a name would protect."""

PROXIES, HOSTS = "COMMONGROUND_PROXIES", "COMMONGROUND_HOSTS"
"""Keys under which the application's settings keep what was installed."""

WRONG = "This address is not one of this site. Ask the person who sent you here for the right one.\n"


def install(server: flask.Flask, proxies: int = 0, hosts: Sequence[str] = ()) -> None:
    """Believe what ``proxies`` proxies in front report, and nobody else. Answer only under ``hosts``; under any where there are
    none."""
    server.config.update({PROXIES: proxies, HOSTS: tuple(hosts)})
    inside = _Hosts(server.wsgi_app, frozenset(hosts))
    server.wsgi_app = _own_scheme(
        ProxyFix(inside, x_for=proxies, x_proto=proxies, x_host=proxies) if proxies else inside
    )


def read(text: str) -> tuple[str, ...]:
    """The hosts of a list with commas, in small letters. Raises ValueError with the one that is none."""
    found = [name.strip().rstrip(".").lower() for name in text.split(",") if name.strip()]
    for name in found:
        if not _HOST.fullmatch(name):
            raise ValueError(name)
    return tuple(found)


class _Hosts:
    """400 in plain words for another host than the site's own. A host with a port counts with that port only."""

    def __init__(self, application, hosts: frozenset[str]):
        self._application, self._hosts = application, hosts

    def __call__(self, environ, start_response):
        for name in [name for name in environ if name.startswith(FORWARDED)]:
            del environ[name]
        if self._answers(environ):
            return self._application(environ, start_response)
        body = WRONG.encode()
        headers = [("Content-Type", "text/plain; charset=utf-8"), ("Content-Length", str(len(body)))]
        start_response(
            "400 Bad Request", [*headers, ("Cache-Control", "no-store"), ("X-Content-Type-Options", "nosniff")]
        )
        return [body]

    def _answers(self, environ) -> bool:
        if environ.get("PATH_INFO") in FOR_ANY_HOST:
            return True
        given = environ.get("HTTP_HOST", "").lower()
        if not given and not self._hosts:
            return True  # HTTP/1.0
        found = _HOST.fullmatch(given)
        if not found:
            return False
        name = found[1].rstrip(".")
        return not self._hosts or name in self._hosts or name + (found[2] or "") in self._hosts


def _own_scheme(application):
    """gunicorn takes the scheme from headers of any client on this machine. Its socket knows it."""

    def settled(environ, start_response):
        held = environ.get("gunicorn.socket")
        if held is not None:
            environ["wsgi.url_scheme"] = "https" if isinstance(held, ssl.SSLSocket) else "http"
            environ["SCRIPT_NAME"] = ""
        return application(environ, start_response)

    return settled
