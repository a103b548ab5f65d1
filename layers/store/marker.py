"""What a home remembers of the stores that it has had, so that a lost one is never replaced by a new one without a word.

``store-made.json`` in the home names each store by an id that the store itself holds. It is written when a store is made,
opened by a server or a writing command, or restored; reading commands leave it alone.
"""

from __future__ import annotations

import json
import os
import tempfile
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from layers.model import Fault, Refused
from layers.store import tables
from layers.store.blobs import sha256

FILE = "store-made.json"
RESTORE = "restore a backup: commonground restore FILE"


def store_id(region_id: str, made_at: datetime) -> str:
    """What tells a store from every other one: its region, and the microsecond in which it was made."""
    return sha256(f"{region_id} {tables.Moment().process_bind_param(made_at, None)}".encode())[:32]


@dataclass(frozen=True)
class Marker:
    """The memory of one store: ``name`` is what it is called in the home, one for each region pack."""

    home: Path
    name: str

    @property
    def file(self) -> Path:
        return self.home / FILE

    def known(self) -> str:
        """The id of the store that this home has had; "" for none. Raises :class:`Refused` when the file is damaged."""
        return self._read().get(self.name, "")

    def check(self, found: str) -> None:
        """Refuse a database that is not the store of this home. ``found``: the id of the store in it, "" for none."""
        known = self.known()
        if not known or known == found:
            return
        todo = f"{RESTORE}; to begin with an empty store instead, choose another COMMONGROUND_HOME"
        if not found:
            what = "this home has had a store, and now there is none: it was deleted, emptied or is somewhere else"
            raise Refused("The store is gone.", [Fault(what, str(self.file), todo)])
        what = f"the database holds the store {found[:8]}; the one of this home is {known[:8]}"
        todo = f"put the right one back, or {todo}"
        raise Refused("The database holds another store.", [Fault(what, str(self.file), todo)])

    def keep(self, made: str) -> None:
        """Remember a store, for good. A home that cannot be written to is no reason to stop: a later start does it."""
        known = self._read()
        if known.get(self.name) == made:
            return
        text = json.dumps(known | {self.name: made}, indent=1, sort_keys=True) + "\n"
        self.home.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=self.home, prefix=f".{FILE}.")
        try:
            with os.fdopen(handle, "w") as out:
                out.write(text)
                out.flush()
                os.fsync(out.fileno())
            Path(temporary).replace(self.file)
        finally:
            Path(temporary).unlink(missing_ok=True)

    def _read(self) -> dict[str, str]:
        try:
            found = json.loads(self.file.read_text("utf-8"))
            if not isinstance(found, dict):
                raise ValueError("it is not an object")
            return {str(name): str(made) for name, made in found.items()}
        except FileNotFoundError:
            return {}
        except (OSError, ValueError) as error:
            todo = "put it back from a copy of the home; it says which store belongs to this home"
            raise Refused("The home is damaged.", [Fault(f"cannot be read: {error}", str(self.file), todo)]) from error
