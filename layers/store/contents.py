"""What is stored of one version of a layer: its descriptor, and its two tables as bytes."""

from __future__ import annotations

import json

import sqlalchemy as sa

from layers.descriptor import descriptor_of_dict
from layers.model import Descriptor
from layers.store import tables


def descriptor_of(row: sa.Row) -> Descriptor:
    return descriptor_of_dict(json.loads(row.descriptor))


def read_content(connection: sa.Connection, layer_id: str, version: int, part: str) -> bytes:
    table = tables.contents
    return bytes(
        connection.execute(
            sa.select(table.c.parquet).where(
                table.c.layer_id == layer_id, table.c.version == version, table.c.part == part
            )
        ).scalar_one()
    )
