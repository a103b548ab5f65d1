"""``manifest.json`` of a region pack: the SHA-256 of every file, so that half a pack is known for what it is.

What everything rests on (the definition, areas, lookups, land around) has to be whole, or the pack is refused. A layer, a travel-time
table, a briefing, everyday names, places, lines or a logo that are broken are left out with a notice, and the rest is served. A pack
without a manifest, from before there were any, is taken at its word.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, field
from functools import lru_cache
from hashlib import file_digest
from pathlib import Path

from layers.model import Fault, Refused

FILE = "manifest.json"
PARTS = ("layers", "travel", "briefings", "context", "brand")
"""Folders whose things are left out one by one. All else has to be whole."""
OPTIONAL = ("lookups/names.csv", "lookups/groups.csv", "affected.toml")
"""Files elsewhere that are left out, too: what they say, the pack can do without."""
NOT_LISTED = (FILE, "build.json")
SEAL = "build the pack again; if it was changed on purpose: commonground region seal PACK"


@dataclass(frozen=True)
class PackFaults:
    """What is wrong with the files of a pack. ``parts``: ``layers/<folder>``, ``travel/<id>``,
    ``briefings/<id>``, ``context/<what>``, ``brand/<what>`` or a file of :data:`OPTIONAL` -> why."""

    whole: tuple[Fault, ...] = ()
    parts: dict[str, Fault] = field(default_factory=dict)


def write_manifest(pack: Path) -> None:
    """Take down every file of a pack as it is now."""
    _write(pack, {name: _sha256(Path(pack) / name) for name in _names(pack)})


def update_manifest(pack: Path, *names: str) -> None:
    """Take down some files as they are now, and leave what is known of the others. Nothing for a pack without a manifest."""
    known = read_manifest(pack)
    if known is not None:
        _write(pack, known | {name: _sha256(Path(pack) / name) for name in names})


def read_manifest(pack: Path) -> dict[str, str] | None:
    """File -> SHA-256; None where there is no manifest. Raises :class:`Refused` when it cannot be read."""
    try:
        document = json.loads((Path(pack) / FILE).read_text("utf-8"))
        return {str(name): str(digest) for name, digest in document["files"].items()}
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        fault = Fault(f"cannot be read: {error}", FILE, SEAL)
        raise Refused(f"The region pack {pack} cannot be used.", [fault]) from error


def pack_faults(pack: Path, under: str = "") -> PackFaults:
    """Compare every file of a pack, or of one folder in it, with its manifest. A file is read again when it has changed."""
    known = read_manifest(pack)
    if known is None:
        return PackFaults()
    known = {name: digest for name, digest in known.items() if name.startswith(f"{under}/") or not under}
    whole, parts = [], {}
    there = set(_names(pack, under))
    for name in sorted(known.keys() | there):
        if name not in there:
            what = "the file is missing"
        elif name not in known:
            what = "the file is not in manifest.json"
        elif _remembered(Path(pack) / name) != known[name]:
            what = "the file is not what manifest.json says: it was changed or cut short"
        else:
            continue
        fault = Fault(what, name, SEAL, rule="pack-file")
        if part := _part(name):
            parts.setdefault(part, fault)
        else:
            whole.append(fault)
    return PackFaults(tuple(whole), parts)


def _part(name: str) -> str:
    if name in OPTIONAL:
        return name
    folder, _, rest = name.partition("/")
    if folder not in PARTS or not rest:
        return ""
    return f"{folder}/{rest.split('/')[0] if folder == 'layers' else Path(rest).stem}"


def _names(pack: Path, under: str = "") -> list[str]:
    """Every file that counts: not what an editor or a file manager leaves behind, nor one that is being written."""
    files = [file.relative_to(pack) for file in sorted((Path(pack) / under).rglob("*")) if file.is_file()]
    return [name.as_posix() for name in files if name.as_posix() not in NOT_LISTED and not _in_passing(name)]


def _in_passing(name: Path) -> bool:
    hidden = any(part.startswith(".") for part in name.parts)
    return hidden or name.suffix == ".part" or name.name in ("Thumbs.db", "desktop.ini")


def _sha256(file: Path) -> str:
    with file.open("rb") as opened:
        return file_digest(opened, "sha256").hexdigest()


def _remembered(file: Path) -> str:
    try:
        found = file.stat()
        return _digest_of(file, found.st_mtime_ns, found.st_size, found.st_ino)
    except OSError:
        return ""


@lru_cache(4096)
def _digest_of(file: Path, _changed: int, _size: int, _inode: int) -> str:
    return _sha256(file)


def _write(pack: Path, files: dict[str, str]) -> None:
    part = Path(pack) / f"{FILE}.part"
    text = json.dumps({"files": dict(sorted(files.items()))}, indent=1, ensure_ascii=False) + "\n"
    with part.open("w", encoding="utf-8") as out:
        out.write(text)
        out.flush()
        os.fsync(out.fileno())
    part.replace(Path(pack) / FILE)
