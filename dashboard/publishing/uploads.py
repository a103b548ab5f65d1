"""Files on their way in: streamed to a quarantine folder under the home folder, counted while they come, never opened here.

Names are made by us; what a sender calls a file is only shown. A file leaves quarantine when it could be read.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import re
import secrets
import shutil
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from flask import Request
from werkzeug.exceptions import RequestEntityTooLarge
from werkzeug.formparser import FormDataParser
from werkzeug.wsgi import get_input_stream

from layers import LIMITS, Fault, Refused, safe_name

MIB = 1 << 20
FORM_BYTES = 256 * 1024
KEEP_FREE = 512 * MIB
STALE_S = 3600
SET_ASIDE = 4
"""Files of one person that wait to be read, at most."""


@dataclass(frozen=True)
class Received:
    """An uploaded file in quarantine, and the fields of the form that came with it."""

    path: Path
    filename: str
    size: int
    sha256: str
    fields: dict[str, str]


class Uploads:
    """``store_id``: whose drafts the files are of; several stores may share a home."""

    def __init__(self, home: Path, cap: int = LIMITS.upload, *, store_id: str = ""):
        self.quarantine = home / "uploads" / "quarantine"
        self.before = home / "uploads" / "drafts"  # of every store, until each had a folder of its own
        self.kept = home / "uploads" / f"drafts-{hashlib.sha256(store_id.encode()).hexdigest()[:12]}"
        self.cap = cap

    def receive(self, request: Request) -> Received:
        """Stream the one file of a multipart form to disk. Raises :class:`Refused`; then nothing of it is left."""
        declared = request.content_length
        if declared is not None and declared > self.cap + FORM_BYTES:
            raise self._too_large()
        if request.mimetype != "multipart/form-data":
            raise Refused("Nothing was uploaded.", [Fault("there is no file", "file", "choose a file", rule="no-file")])
        self.quarantine.mkdir(parents=True, exist_ok=True)
        self.sweep()
        if shutil.disk_usage(self.quarantine).free < KEEP_FREE + (declared or self.cap):
            raise _no_room("the server's disk is almost full")
        sinks: list[_Sink] = []

        def factory(total_content_length, content_type, filename, content_length=None):
            if sinks:
                fault = Fault("there is more than one file", "file", "choose one", rule="many")
                raise Refused("Nothing was uploaded.", [fault])
            sinks.append(_Sink(self.quarantine / secrets.token_hex(16), self.cap))
            return sinks[0]

        parser = FormDataParser(
            stream_factory=factory,
            max_form_memory_size=FORM_BYTES,
            max_content_length=self.cap + FORM_BYTES,
            max_form_parts=40,
            silent=False,
        )
        try:
            stream = get_input_stream(request.environ, max_content_length=self.cap + FORM_BYTES)
            _, form, files = parser.parse(stream, request.mimetype, declared, request.mimetype_params)
            chosen = files.get("file")
            if chosen is None or not chosen.filename or not sinks:
                fault = Fault("there is no file", "file", "choose a file", rule="no-file")
                raise Refused("Nothing was uploaded.", [fault])
            sink = sinks[0]
            sink.finish()
            return Received(
                sink.path, safe_name(chosen.filename), sink.size, sink.digest.hexdigest(), form.to_dict(flat=True)
            )
        except RequestEntityTooLarge:
            self._drop(sinks)
            raise self._too_large() from None
        except OSError as error:
            self._drop(sinks)
            if error.errno not in (errno.ENOSPC, errno.EDQUOT):
                raise
            raise _no_room("the server's disk is full") from None
        except ValueError:  # a form that is cut off or not one
            self._drop(sinks)
            todo = "try again; if it happens again, save the file anew"
            fault = Fault("it arrived incomplete", "file", todo, rule="broken")
            raise Refused("The file was not taken.", [fault]) from None
        except BaseException:
            self._drop(sinks)
            raise

    def _too_large(self) -> Refused:
        what = f"the file is larger than {self.cap / MIB:,.0f} MiB"
        return Refused("The file was not taken.", [Fault(what, "file", "divide it", rule="too-large")])

    @staticmethod
    def _drop(sinks: list[_Sink]) -> None:
        for sink in sinks:
            sink.close()
            sink.path.unlink(missing_ok=True)

    def set_aside(self, received: Received, user: str) -> Received:
        """To be read while its sender waits. Few of one person are: the oldest goes when there is another."""
        whose = hashlib.sha256(user.encode()).hexdigest()[:12]
        place = self.quarantine / f"{whose}-{received.path.name}"
        received.path.replace(place)
        *older, _ = sorted(self.quarantine.glob(f"{whose}-*"), key=lambda path: (path == place, path.stat().st_mtime))
        for path in older[: max(len(older) + 1 - SET_ASIDE, 0)]:
            path.unlink(missing_ok=True)
        return replace(received, path=place)

    def set_aside_as(self, name: Any) -> Path | None:
        """Where a file lies that was set aside; None when it is not there any more."""
        if not (isinstance(name, str) and re.fullmatch(r"[0-9a-f]{12}-[0-9a-f]{32}", name)):
            return None
        path = self.quarantine / name
        return path if path.exists() else None

    def keep(self, received: Received, draft_id: str) -> Path:
        """Out of quarantine: the file of a draft."""
        self.kept.mkdir(parents=True, exist_ok=True)
        place = self.kept / _name(draft_id, received.sha256)
        received.path.replace(place)
        return place

    def path_of(self, draft_id: str, sha256: str) -> Path:
        before = self.before / _name(draft_id, sha256)
        return before if before.exists() else self.kept / _name(draft_id, sha256)

    def forget(self, draft_id: str) -> None:
        """Delete the files of a draft that is no more."""
        for file in (*self.kept.glob(f"{draft_id}-*"), *self.before.glob(f"{draft_id}-*")):
            file.unlink(missing_ok=True)

    def tidy(self, kept: Mapping[str, str]) -> None:
        """Delete what belongs to no draft; ``kept``: draft id -> SHA-256 of its file. To be called while no draft changes."""
        names = {_name(draft_id, sha256) for draft_id, sha256 in kept.items()}
        for folder in (self.kept, self.before):
            for file in folder.glob("*-*"):
                ours = folder == self.kept or file.name.partition("-")[0] in kept
                if ours and file.name not in names:
                    file.unlink(missing_ok=True)

    def sweep(self) -> None:
        """Remove what a broken connection or a crash left in quarantine."""
        oldest = time.time() - STALE_S
        for file in self.quarantine.iterdir():
            with contextlib.suppress(FileNotFoundError):
                if file.stat().st_mtime < oldest:
                    file.unlink(missing_ok=True)


def _no_room(what: str) -> Refused:
    todo = "tell the person who looks after this server"
    return Refused("The file was not taken.", [Fault(what, "", todo, rule="full")])


def _name(draft_id: str, sha256: str) -> str:
    return f"{draft_id}-{sha256[:32]}"


class _Sink:
    """A file that counts and hashes what is written to it, and stops at the cap."""

    def __init__(self, path: Path, cap: int):
        self.path, self.cap, self.size = path, cap, 0
        self.digest = hashlib.sha256()
        self._file = path.open("xb")
        path.chmod(0o600)

    def write(self, data: bytes) -> int:
        self.size += len(data)
        if self.size > self.cap:
            raise RequestEntityTooLarge
        self.digest.update(data)
        return self._file.write(data)

    def seek(self, *_):  # werkzeug rewinds what it has written; nobody reads it through this object
        return 0

    def finish(self) -> None:
        self._file.close()

    def close(self) -> None:
        with contextlib.suppress(OSError):  # what is still in its buffer finds no room either
            self._file.close()
