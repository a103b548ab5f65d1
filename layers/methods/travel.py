"""Travel-time tables of a region pack: minutes from areas to services, worked out elsewhere, in place of distance.

A pack may hold ``travel/<id>.parquet`` (columns ``origin`` area code, ``destination`` service id, ``minutes``) beside
``travel/<id>.toml``, which says what it is: ``title``, ``level``, ``services`` (ids of the layers it leads to), ``source``,
``note``. A journey planner (r5py, OpenTripPlanner) makes such tables; this project only reads them. :func:`add_travel` checks a
CSV or Parquet file against areas and services before it writes anything.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from layers.manifest import pack_faults, update_manifest
from layers.methods.access import TRAVEL_COLUMNS, read_travel
from layers.model import LEVELS, Fault, Refused

_ID = re.compile(r"[a-z0-9][a-z0-9._-]{0,79}\Z")
_COLUMNS = ["origin", "destination", "minutes"]


@dataclass(frozen=True)
class TravelTable:
    """What a stored table is. ``stamp`` changes when its file does."""

    id: str
    title: str
    level: str
    services: tuple[str, ...]
    source: str = ""
    note: str = ""
    stamp: tuple[int, int] = (0, 0)


def travel_tables(pack: Path) -> tuple[TravelTable, ...]:
    """The tables of a pack, by id. A table whose description cannot be read is not offered: :func:`travel_faults` says why."""
    return tuple(table for table, _ in _all(pack) if table is not None)


def travel_faults(pack: Path) -> tuple[Fault, ...]:
    """What is wrong with the descriptions in ``travel/``; () when nothing is."""
    return tuple(fault for _, faults in _all(pack) for fault in faults)


def load_travel(pack: Path, table_id: str) -> pd.DataFrame:
    """The rows of a stored table: ``origin, destination, minutes``. Raises :class:`Refused` when there is none or it is damaged."""
    file = Path(pack) / "travel" / f"{table_id}.parquet"
    if not _ID.match(table_id) or not file.is_file():
        fault = Fault(f"there is no travel-time table '{table_id}'", "travel", "check the name", rule="travel-unknown")
        raise Refused("The travel-time table cannot be used.", [fault])
    if fault := pack_faults(pack, "travel").parts.get(f"travel/{table_id}"):
        raise Refused("The travel-time table cannot be used.", [fault])
    return read_travel_file(file)


def read_travel_file(path: Path) -> pd.DataFrame:
    """A CSV or Parquet file as ``origin, destination, minutes``. Raises :class:`Refused` when it cannot be read."""
    path = Path(path)
    try:
        if path.suffix.lower() == ".parquet":
            table = pd.read_parquet(path)
        else:
            texts = dict.fromkeys(["origin", "destination", "from_id", "to_id"], str)
            table = pd.read_csv(path, dtype=texts, encoding="utf-8-sig")
    except Exception as error:  # pyarrow and pandas raise many kinds for a file that is not what its name says
        # without the path that the system names: whoever chooses the table on the map reads this
        said = getattr(error, "strerror", None) or (str(error).splitlines() or ["it cannot be read"])[0]
        what = said[:200].replace(str(path), path.name)
        fault = Fault(what, path.name, "hand in a CSV or Parquet file", rule="travel-file")
        raise Refused("The travel-time table cannot be read.", [fault]) from None
    table = table.rename(columns={old: new for old, new in TRAVEL_COLUMNS.items() if new not in table.columns})
    return table[[name for name in _COLUMNS if name in table.columns]]  # what is missing, read_travel names


def add_travel(
    pack: Path,
    file: Path,
    table_id: str,
    *,
    title: str,
    level: str,
    services: Sequence[str],
    codes: Sequence[str],
    service_ids: Sequence[str],
    source: str = "",
    note: str = "",
) -> TravelTable:
    """Check a table and store it in the pack under ``table_id``; an older one of that id is replaced.

    ``codes`` are the area codes of ``level`` in area order, ``service_ids`` all sites of the layers ``services``. Raises
    :class:`Refused` with every fault of the table (unknown and missing origins, unknown destinations, ...); then nothing is written.
    """
    faults = []
    if not _ID.match(table_id):
        what = f"“{table_id[:40]}” cannot be an id"
        faults.append(Fault(what, "id", "use small letters, digits, dots and hyphens", rule="travel-id"))
    if not title.strip():
        faults.append(Fault("the table has no title", "title", "say what it is, for example “By bus, Tuesday 9 am”"))
    if level not in LEVELS:
        faults.append(Fault(f"unknown level '{level}'", "level", f"use {', '.join(LEVELS)}", rule="level"))
    if not services:
        faults.append(Fault("no services were named", "services", "name the layers that it leads to"))
    if faults:
        raise Refused("The travel-time table cannot be stored.", faults)
    table = read_travel_file(file)
    read_travel(table, list(codes), list(service_ids))
    folder = Path(pack) / "travel"
    folder.mkdir(exist_ok=True)
    about = {"title": title.strip(), "level": level, "services": list(services), "source": source, "note": note}
    lines = [f"{name} = {json.dumps(value, ensure_ascii=False)}" for name, value in about.items()]
    _replace(folder / f"{table_id}.parquet", lambda part: table.to_parquet(part, index=False))
    _replace(folder / f"{table_id}.toml", lambda part: part.write_text("\n".join(lines) + "\n", "utf-8"))
    update_manifest(pack, f"travel/{table_id}.parquet", f"travel/{table_id}.toml")
    return next(each for each in travel_tables(pack) if each.id == table_id)


def _replace(file: Path, write) -> None:
    """Whole or not at all: a server may be reading."""
    part = file.with_name(f"{file.name}.part")
    write(part)
    part.replace(file)


def _all(pack: Path) -> list[tuple[TravelTable | None, list[Fault]]]:
    folder = Path(pack) / "travel"
    if not folder.is_dir():
        return []
    broken = pack_faults(pack, "travel").parts
    whole = [file for file in sorted(folder.glob("*.toml")) if f"travel/{file.stem}" not in broken]
    return [*map(_describe, whole), *((None, [fault]) for fault in broken.values())]


def _describe(file: Path) -> tuple[TravelTable | None, list[Fault]]:
    where, table = f"travel/{file.name}", file.with_suffix(".parquet")
    if not _ID.match(file.stem):
        return None, [Fault("the name cannot be an id", where, "use small letters, digits, dots and hyphens")]
    try:
        about = tomllib.loads(file.read_text("utf-8"))
        stat = table.stat()
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        return None, [Fault(f"cannot be read: {error}", where, "add the table again with: commonground travel add")]
    services = about.get("services")
    if not about.get("title") or about.get("level") not in LEVELS or not isinstance(services, list) or not services:
        return None, [Fault("title, level and services are needed", where, "fill them in", rule="travel-about")]
    said = (str(about.get(name, "")) for name in ("source", "note"))
    stamp = (stat.st_mtime_ns, stat.st_size)
    return TravelTable(file.stem, str(about["title"]), about["level"], tuple(map(str, services)), *said, stamp), []
