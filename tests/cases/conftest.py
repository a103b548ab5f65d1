"""The region of the cases: built from official open data, where these lie beside the repository."""

from __future__ import annotations

from pathlib import Path

import pytest

from layers import build_region, inspect_upload, load_region

ROOT = Path(__file__).parents[2]
CASES = ROOT / "../shared/cases/publishing"
DATA = ROOT / "../shared/data"


@pytest.fixture(scope="session")
def cases() -> Path:
    if not CASES.is_dir():
        pytest.skip("the cases of publishing are not at ../shared/cases/publishing")
    return CASES


@pytest.fixture(scope="session")
def north_east(tmp_path_factory):
    if not DATA.is_dir():
        pytest.skip("the real open data is not at ../shared/data")
    pack = tmp_path_factory.mktemp("pack") / "north-east"
    build_region(ROOT / "data/regions/north-east.toml", DATA, pack, only_layers=())
    return load_region(pack)


@pytest.fixture
def look(cases, north_east):
    """Read a case as somebody would who has answered everything about the layer, and ``said`` about the file."""

    def inspect(name: str, region=None, **said):
        here = region or north_east
        about = {"id": "case", "title": "A case", "theme": here.themes[0].id, "partner": here.partners[0].id}
        if said.get("kind") != "services":
            about |= {"measure": "score", "direction": "neutral", "period": "2022"}
        return inspect_upload(cases / name, here, hints={**about, **said})

    return inspect
