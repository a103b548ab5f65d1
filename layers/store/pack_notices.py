"""What a region pack brings that is broken and therefore left out: for the log, ``/readyz`` and ``commonground check``."""

from __future__ import annotations

import sqlalchemy as sa

from layers.methods.travel import travel_faults
from layers.model import Fault, Refused
from layers.reading.package import read_package
from layers.region import Region
from layers.store import preparing, refresh, tables
from layers.store.guard import Published
from layers.store.layers import Layers


def pack_notices(region: Region, left_out: dict[str, str] | None = None) -> list[Fault]:
    """``left_out``: the layers that opening the store left out, as :class:`~layers.store.records.RefreshReport` has them."""
    layers = [_notice(f"layers/{name}", why) for name, why in (left_out or {}).items()]
    travel = [_notice(fault.where, str(fault)) for fault in travel_faults(region.path)]
    rest = [
        _notice(fault.where, str(fault))
        for fault in region.left_out
        if not fault.where.startswith(("layers/", "travel/"))
    ]
    return [*layers, *travel, *rest]


def check_pack(store: Layers) -> list[Fault]:
    """The same, found out by looking: each layer that the store has not published as the pack holds it is read."""
    with store.database.reading() as connection:
        columns = tables.pack_layers.c
        query = sa.select(columns.layer_id, columns.offered_sha256)
        offered = {row.layer_id: row.offered_sha256 for row in connection.execute(query)}
    left_out, published = {}, Published(store, store.database.reading)
    for one in refresh.look(store.database.region).layers:
        if one.broken:
            left_out[one.name] = one.broken
        elif not one.layer_id or offered.get(one.layer_id) != one.sha256:
            try:
                preparing.prepare(read_package(one.folder), store.database.region, published)
            except Refused as refused:
                left_out[one.name] = "; ".join(map(str, refused.faults)) or refused.title
            except Exception as error:  # what preparing makes of a broken table, opening would leave out, too
                left_out[one.name] = f"it cannot be prepared ({type(error).__name__}: {error})"
    return pack_notices(store.database.region, left_out)


def _notice(where: str, why: str) -> Fault:
    return Fault(f"left out: {why}", where, "what was published before stands", severity="warning", rule="left-out")
