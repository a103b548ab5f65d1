"""Tinyland with three things more, by which access can be measured besides distance.

``no-car`` (half of all households everywhere, every one of them in T16), ``older`` (people over 65: 100 in T01 to T08, none
elsewhere) and the travel-time table ``bus`` to the clinics.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pandas as pd

from tests.tiny import write_tiny_pack

CODES = [f"T{i:02d}" for i in range(1, 17)]


def bus() -> pd.DataFrame:
    """5 minutes to C1 from everywhere but T16, which takes 90; nobody reaches C2."""
    return pd.DataFrame({"origin": CODES, "destination": "C1", "minutes": [5.0] * 15 + [90.0]})


def add_layer(pack, like: str, name: str, table: pd.DataFrame, **ours) -> None:
    folder = pack / "layers" / name
    shutil.copytree(pack / "layers" / like, folder)
    table.to_csv(folder / "data.csv", index=False)
    document = json.loads((folder / "datapackage.json").read_text("utf-8"))
    document |= {"name": name, "title": name.title()}
    document["resources"][0]["schema"]["fields"] = [{"name": header} for header in table.columns]
    document["commonground"] |= ours | {"columns": {header: header for header in table.columns}}
    (folder / "datapackage.json").write_text(json.dumps(document), "utf-8")


def write_measured_pack(path: Path) -> Path:
    """Write the pack into the folder ``path`` and return it."""
    write_tiny_pack(path)
    share = pd.DataFrame({"area_code": CODES, "numerator": [50] * 15 + [100], "denominator": 100})
    add_layer(path, "crowded", "no-car", share)
    older = pd.DataFrame({"area_code": CODES, "value": [100] * 8 + [0] * 8})
    add_layer(path, "crowded", "older", older, measure="count", unit="people", counts_people=False)
    folder = path / "travel"
    folder.mkdir()
    bus().to_parquet(folder / "bus.parquet")
    (folder / "bus.toml").write_text('title = "By bus"\nlevel = "lsoa"\nservices = ["clinics"]\n', "utf-8")
    return path
