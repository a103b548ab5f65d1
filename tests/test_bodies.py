"""What :mod:`tests.bodies` has to find, in every format that something can be taken away in."""

from __future__ import annotations

import gzip
import io
import zipfile

import geopandas as gpd
import pandas as pd
import pytest
from shapely.geometry import Point

from dashboard.exports import FORMATS, Document, Sheet, write
from tests.bodies import text_in

WORD = "Medlarhub"


def document() -> Document:
    frame = gpd.GeoDataFrame({"name": [WORD]}, geometry=[Point(-1, 54)], crs="EPSG:4326")
    tree = lambda: {"name": WORD}  # noqa: E731
    return Document(
        "values", "one", tree=tree, sheet=lambda: Sheet(pd.DataFrame({"name": [WORD]})), shapes=tree,
        frame=lambda: frame, layer="one", level="lsoa",
    )  # fmt: skip


@pytest.mark.parametrize("form", FORMATS)
def test_a_word_is_found_in_every_format(form):
    data = write(document(), form)
    assert WORD in text_in(data)
    assert WORD in text_in(gzip.compress(data))


def test_a_word_is_found_in_an_archive_in_an_archive():
    def zipped(name: str, content: bytes) -> bytes:
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr(name, content)
        return out.getvalue()

    packed = zipped("outer.zip", zipped("inner.txt", WORD.encode() * 50))
    assert WORD.encode() not in packed and WORD in text_in(packed) and "inner.txt" in text_in(packed)
