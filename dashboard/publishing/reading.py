"""Strangers' files are read by workers (:mod:`dashboard.jobs`): what reading one costs, and how it is asked for.

Small files of text are read where they are asked for. What unpacks costs what it unpacks to, which nobody knows before.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from pathlib import Path
from typing import Any

from dashboard.jobs import ASKER, Waiting
from dashboard.published import Published
from layers import Refused, Report, Viewer, read_report

MIB = 1 << 20
TEXT_S, PER_MIB_OF_TEXT_S = 0.05, 1.5
PACKED_S, PER_MIB_PACKED_S = 0.8, 12.0
MOST_S = 60.0
"""What reading a file costs in seconds of a processor, as estimated: no more than the time that its reader has."""
PACKED = (b"PK", b"SQLite format 3", b"\xd0\xcf\x11\xe0", b"\x1f\x8b")
PATIENCE_S, PATIENCE_HERE_S = 2.0, 10.0
"""How long one request of a process waits for a file before it shows a page that asks again; the second without processes for
jobs, where all programs that send files may not know of such a page."""


def price_of(path: Path) -> float:
    """Seconds of a processor for reading and checking a file, estimated by its first bytes and its size; 0 where there is none."""
    try:
        with path.open("rb") as file:
            packed = file.read(16).startswith(PACKED)
        size = path.stat().st_size / MIB
    except OSError:
        return 0.0
    each, first = (PER_MIB_PACKED_S, PACKED_S) if packed else (PER_MIB_OF_TEXT_S, TEXT_S)
    return min(first + size * each, MOST_S)


def is_read_here(price: float) -> bool:
    """Whether the request may read it by itself. By command, and in a worker, everything is."""
    asker = ASKER.get()
    return asker is None or asker.may_afford(price)


def read_by_a_worker(
    published: Published, key: Hashable, parameters: Mapping[str, Any], viewer: Viewer, *, price: float, filename: str
) -> Report:
    """What a worker says of a file. ``key``: everything that this depends on.

    Raises :class:`dashboard.jobs.Waiting`, which names the file, :class:`layers.Busy`, and Refused where the reading came to no end.
    """
    jobs = published.jobs
    patience_s = PATIENCE_S if jobs.elsewhere else PATIENCE_HERE_S
    try:
        return read_report(jobs.answer("read", key, parameters, viewer, price=price, patience_s=patience_s))
    except Waiting as waiting:
        raise Waiting(waiting.job, jobs.workers, f"Reading “{filename[:80]}”") from None


def unread(filename: str, refused: Refused) -> Report:
    """The report on a file whose reading came to no end."""
    return Report(filename, "", 0, "", None, None, None, tuple(refused.faults))
