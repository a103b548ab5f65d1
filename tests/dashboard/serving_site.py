"""A server for the tests of serving: ``python -m tests.dashboard.serving_site PORT '{"headers_s": 1}'``. It has no region."""

from __future__ import annotations

import json
import logging
import os
import sys
import time

from dashboard import serving

MANY = 48 * 2**20


def application(environ, start_response):
    path = environ["PATH_INFO"]
    body = environ["wsgi.input"].read()
    if path == "/large":
        answer = [b"x" * MANY]
    elif path == "/streamed":
        answer = (b"x" * 2**20 for _ in range(MANY // 2**20))
    elif path == "/fails":
        raise RuntimeError("a secret of the program")
    elif path == "/works":  # until its client has left
        gone = environ["waitress.client_disconnected"]
        end = time.monotonic() + 10
        while not gone() and time.monotonic() < end:
            time.sleep(0.02)
        print("left" if gone() else "stayed", file=sys.stderr, flush=True)
        answer = [b""]
    elif path == "/sleeps":
        time.sleep(1)
        answer = [b"slept"]
    else:
        answer = [json.dumps({"pid": os.getpid(), "body": len(body), "address": environ["REMOTE_ADDR"]}).encode()]
    start_response("200 OK", [("Content-Type", "text/plain")])
    return answer


def main() -> None:
    logging.basicConfig()
    given = {"workers": 2, "threads": 2, **json.loads(sys.argv[2])}
    workers, threads = given.pop("workers"), given.pop("threads")
    listening = serving.listen_on("127.0.0.1", int(sys.argv[1]))
    serving.serve(
        application, listening, workers=workers, threads=threads, limits=serving.Limits(**given),
        ready=lambda: print("ready", listening.getsockname()[1], flush=True),
    )  # fmt: skip


if __name__ == "__main__":
    main()
