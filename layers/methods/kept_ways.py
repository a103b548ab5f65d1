"""Ways over land that were found, kept in memory and in a file, for whoever asks about the same two cells again.

A way depends on the land and on nothing else, so the file is named after the land: a region pack built anew with other outlines or
crossings has another one. A list's new version finds the ways of all sites that stayed; those that are gone do no harm. The file may
be thrown away at any time.
"""

from __future__ import annotations

import hashlib
import logging
import tempfile
import threading
import zipfile
from pathlib import Path

import numpy as np

log = logging.getLogger("commonground.ways")
MOST = 4_000_000  # pairs: 100 MB
RULE = 1  # grows when a way is measured otherwise, so that older files are not read
WORTH_S = 0.25  # seconds of looking that are worth a file


class KeptWays:
    """Metres by a pair's number. Threads may share it: what is read is replaced whole, never changed."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._table = (
            np.empty(0, dtype=np.int64),
            np.empty(0),
            np.empty(0),
        )  # pair, sorted; metres or inf; looked so far
        self._file: Path | None = None
        self._write = False
        self._spent = 0.0

    def __len__(self) -> int:
        return len(self._table[0])

    def find(self, pairs: np.ndarray, most: np.ndarray) -> np.ndarray:
        """Metres; inf where the way is known to be longer than ``most``; NaN where nobody knows yet."""
        keys, metres, looked = self._table
        out = np.full(len(pairs), np.nan)
        if len(keys):
            at = np.minimum(np.searchsorted(keys, pairs), len(keys) - 1)
            known = (keys[at] == pairs) & (np.isfinite(metres[at]) | (looked[at] >= most))
            out[known] = metres[at[known]]
        return out

    def of(self, first: np.ndarray, last: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """What is known of the pairs whose numbers lie in some ranges (from ``first`` to before ``last``): pairs, metres, looked."""
        keys, metres, looked = self._table
        wanted = np.zeros(len(keys) + 1, dtype=np.int64)
        np.add.at(wanted, np.searchsorted(keys, first), 1)
        np.add.at(wanted, np.searchsorted(keys, last), -1)
        some = np.cumsum(wanted)[:-1] > 0
        return keys[some], metres[some], looked[some]

    def add(self, pairs: np.ndarray, metres: np.ndarray, looked: np.ndarray, seconds: float = 0.0) -> None:
        """``metres``: inf where no way of at most ``looked`` was found."""
        with self._lock:
            self._merge(pairs, metres, looked)
            self._spent += seconds
            if self._file is not None and self._write and self._spent >= WORTH_S:
                self._spent = 0.0
                self._save()

    def _merge(self, pairs: np.ndarray, metres: np.ndarray, looked: np.ndarray) -> None:
        keys, there, before = self._table
        if len(keys) + len(pairs) > MOST:
            keys, there, before = keys[:0], there[:0], before[:0]
        keys, there, before = (np.concatenate(v) for v in ((keys, pairs), (there, metres), (before, looked)))
        order = np.lexsort((-before, there, keys))  # of a pair that stands twice: its way, else the farthest look
        first = np.ones(len(order), dtype=bool)
        first[1:] = keys[order[1:]] != keys[order[:-1]]
        order = order[first]
        self._table = (keys[order], there[order], before[order])

    # --- the file ---

    def keep_in(self, folder: Path, land: np.ndarray, write: bool) -> None:
        """Read what was kept for this land, and from now on keep there what took long to find, if ``write``."""
        name = hashlib.sha256(np.packbits(land).tobytes() + repr((land.shape, RULE)).encode()).hexdigest()[:32]
        with self._lock:
            self._file, self._write = Path(folder) / f"{name}.npz", write
            self._load()

    def _load(self) -> None:
        try:
            with np.load(self._file, allow_pickle=False) as found:
                self._merge(found["pairs"], found["metres"], found["looked"])
        except FileNotFoundError:
            pass
        except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
            log.warning("%s cannot be read and is made anew: %s", self._file, error)

    def _save(self) -> None:
        """Write a new file beside the old one and give it its name: another process may be reading."""
        try:
            self._load()  # what other processes found meanwhile
            self._file.parent.mkdir(parents=True, exist_ok=True)
            with tempfile.NamedTemporaryFile(dir=self._file.parent, suffix=".part", delete=False) as out:
                pairs, metres, looked = self._table
                np.savez(out, pairs=pairs, metres=metres, looked=looked)
            Path(out.name).replace(self._file)
        except OSError as error:
            log.warning("%s cannot be written; the ways will be looked for again: %s", self._file, error)
