"""The region that is recorded: a copy of the pack with a travel-time table, and a store with accounts, layers and briefings.

Everything here is made through commands and read over HTTP. What has to be reached by a name of the code stands under
*The code that is recorded*, so that the recorder follows a move by one more line there.
"""

from __future__ import annotations

import csv
import json
import os
import shutil
import sys
import traceback
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from recording.normal import Normaliser

PASSWORD = "three random words"  # noqa: S105  of accounts in a store that is thrown away
MAP_POINT = (54.97, -1.61)


# ---- The code that is recorded: the only names of it that the recorder knows -------------------------------------------


def _first(*names: str) -> Any:
    """The first of ``module:name`` that exists."""
    for each in names:
        module, _, name = each.partition(":")
        try:
            return getattr(import_module(module), name)
        except (ImportError, AttributeError):
            continue
    raise SystemExit(f"none of {', '.join(names)} is in {Path.cwd()}: add its new place to tools/recording/world.py")


def command():
    return _first("dashboard.cli:main")


def create_server():
    return _first("dashboard.app:create_server")()


def selection_class():
    return _first("dashboard.selection:Selection", "dashboard.selection.selection:Selection")


def question_rows() -> list:
    """The fields of a link as the browser gets them; [] for code whose scripts know them by themselves."""
    try:
        return import_module("dashboard.question").as_data()
    except ModuleNotFoundError:
        return []


def scripts(checkout: Path) -> list[Path]:
    """What a browser loads to read links, in that order."""
    found = {file.name: file for file in sorted((checkout / "assets").rglob("*.js"))}
    return [found[name] for name in ("wording.js", "fields.js", "question.js", "selection.js") if name in found]


def check_code(checkout: Path) -> None:
    """The code of the current folder, not the recorder's own or an installed one."""
    for name in ("dashboard", "layers"):
        file = Path(import_module(name).__file__ or "").resolve()
        if checkout not in file.parents:
            raise SystemExit(f"{name} is imported from {file}, not from {checkout}")


# ---- commands ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Said:
    words: tuple[str, ...]
    status: int
    out: bytes
    err: str

    def text(self) -> str:
        try:
            out = self.out.decode("utf-8")
        except UnicodeDecodeError:
            out = f"{len(self.out):,} bytes that are no text"
        line = " ".join(word if " " not in word and word else repr(word) for word in self.words)
        err = f"--- standard error\n{self.err}" if self.err else ""
        return f"$ commonground {line}\nexit status {self.status}\n--- standard output\n{out}\n{err}"


def run(*words: Any, stdin: str = "") -> Said:
    """A command in this process, as it would be on the command line."""
    from click.testing import CliRunner

    words = tuple(map(str, words))
    before, sys.argv = sys.argv, ["commonground", *words]  # whether --json was given is looked up there
    try:
        done = CliRunner().invoke(command(), list(words), input=stdin, prog_name="commonground")
    finally:
        sys.argv = before
    err = done.stderr
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        err += "".join(traceback.format_exception_only(done.exception))
    return Said(words, done.exit_code, done.stdout_bytes, err)


# ---- the region ----------------------------------------------------------------------------------------------------------


@dataclass
class World:
    scratch: Path
    pack: Path
    normal: Normaliser
    seeded: list[tuple[str, Said]] = field(default_factory=list)
    facts: dict[str, Any] = field(default_factory=dict)
    """Everything by which questions are asked, as HTTP told it: ids of layers, partners, areas, the region's own question."""

    def home(self, part: str):
        """A copy of the seeded home for one part, so that no part sees what another has changed."""
        home = self.scratch / f"home-{part}"
        shutil.copytree(self.scratch / "home", home)
        os.environ["COMMONGROUND_HOME"] = str(home)
        return home

    def server(self):
        return create_server()


def sign_in(server, name: str):
    client = server.test_client()
    if name:
        done = client.post("/sign-in", data={"name": name, "password": PASSWORD, "next": "/"})
        if done.status_code != 303:
            raise SystemExit(f"{name} could not sign in: status {done.status_code}")
    return client


def make_world(scratch: Path, pack: Path, normal: Normaliser) -> World:
    """Copy the pack, fill a store, and add what a bare pack does not have."""
    for name in [name for name in os.environ if name.startswith("COMMONGROUND_")]:
        del os.environ[name]
    copy = scratch / "pack" / pack.name
    shutil.copytree(pack, copy)
    os.environ |= {
        "COMMONGROUND_REGION": str(copy),
        "COMMONGROUND_HOME": str(scratch / "home"),
        "COMMONGROUND_SECRET_KEY": "a key for recordings only",
    }
    world = World(scratch, copy, normal)
    world.facts = look_up(create_server())
    seed(world)
    return world


def layout_of(client, address: str) -> Any:
    return client.get("/_dash-layout", headers={"Referer": f"http://localhost{address}"})


def components(node: Any):
    """Every component of a layout."""
    if isinstance(node, list):
        for each in node:
            yield from components(each)
    elif isinstance(node, dict):
        if "namespace" in node and "props" in node:
            yield node
        for each in node.values():
            yield from components(each)


def look_up(server) -> dict[str, Any]:
    client = server.test_client()
    region = client.get("/api/v1/region").get_json()
    layers = client.get("/api/v1/layers").get_json()["layers"]
    areas = {
        level: [area["code"] for area in client.get(f"/api/v1/areas/{level}").get_json()["areas"]]
        for level in region["vintages"]
    }
    links = [
        each["props"].get("href") or "" for each in components(layout_of(client, "/").get_json()) if each["type"] == "A"
    ]
    gap = next((link for link in links if "show=gap" in link), "")
    asked = dict(parse_qsl(urlsplit(gap).query))
    services = asked["services"].split(",")[0]
    found = components(layout_of(client, f"/options?need={asked['need']}&services={services}").get_json())
    sites = next(each["props"]["data"]["sites"] for each in found if each["props"].get("id") == "options-config")
    return {
        "region": region, "layers": layers, "areas": areas, "need": asked["need"], "services": services,
        "sites": [str(site[0] if isinstance(site, list) else site["service_id"]) for site in sites],
        "partners": [partner["id"] for partner in region["partners"]],
        "councils": [p["id"] for p in region["partners"] if p["kind"] == "council"],
        "themes": [theme["id"] for theme in region["themes"]],
        "indicators": [layer["id"] for layer in layers if layer["kind"] == "indicator"],
        "lists": [layer["id"] for layer in layers if layer["kind"] == "services"],
    }  # fmt: skip


# ---- what is added ---------------------------------------------------------------------------------------------------

BRIEFING = """---
title: {title}
partner: {partner}
audience: {audience}
view: need={need}&services={services}&show=gap
---
# {{{{ gaps.areas }}}} small areas are far from help

**{{{{ gaps.residents }}}} residents** live in them. {{{{ gaps.rule }}}}

{more}

```exhibit
map
caption: Need, and the way to help
```

```notes
Start with the largest.
```

# The measure of noise

It is {{{{ whole layer=record-noise }}}} in the whole region, and worst in {{{{ worst layer=record-noise }}}}.
"""


def write_layer(folder: Path, name: str, codes: list[str], first: float, **ours: Any) -> Path:
    folder.mkdir(parents=True)
    with (folder / "data.csv").open("w", newline="") as file:
        csv.writer(file).writerows([["area_code", "value"], *((code, first + n % 89) for n, code in enumerate(codes))])
    ours = {
        "kind": "indicator", "measure": "score", "unit": "points", "direction": "high-is-worse", "period": "2025",
        "geography": {"level": "lsoa", "vintage": 2021}, "columns": {"area_code": "area_code", "value": "value"},
    } | ours  # fmt: skip
    document = {
        "name": name, "title": name.replace("-", " ").title(), "profile": "tabular-data-package",
        "licenses": [{"name": "OGL-UK-3.0"}], "sources": [{"title": "Made up for the recording"}],
        "resources": [{"name": "data", "path": "data.csv"}], "commonground": ours,
    }  # fmt: skip
    (folder / "datapackage.json").write_text(json.dumps(document), "utf-8")
    return folder


def seed(world: World) -> None:
    """Four people, layers of every audience and state, a travel-time table, briefings. Each step's answer is kept."""
    facts, folder = world.facts, world.scratch / "files"
    codes, theme = facts["areas"]["lsoa"], facts["themes"][0]
    mine, theirs = facts["councils"][:2]
    ours = {"theme": theme, "partner": mine}

    def step(name: str, *words: Any, stdin: str = "", status: int = 0) -> None:
        said = run(*words, stdin=stdin)
        world.seeded.append((name, said))
        if said.status != status:
            raise SystemExit(f"the recording cannot begin, {name} went wrong:\n{said.text()}")

    for who, role, partner in (
        ("ada", "admin", mine), ("ann", "analyst", mine), ("ben", "analyst", theirs), ("vic", "viewer", mine),
    ):  # fmt: skip
        more = ("--role", role, "--partner", partner, "--password-stdin", "--json")
        step(f"add {who}", "user", "add", who, *more, stdin=PASSWORD)

    def publish(name: str, layer: str, *words: str, first: float = 1.0, status: int = 0, **more: Any) -> None:
        made = write_layer(folder / name, layer, codes, first, **(ours | more))
        step(name, "layers", "publish", made, "--by", "ann", "--json", *words, status=status)

    publish("noise 1", "record-noise", "--note", "The first.")
    publish("noise 2", "record-noise", "--note", "Others.", "--checked-by", "ada", first=3.0)
    publish("noise 3", "record-noise", "--append", "--review-on", "2099-03-31", first=4.5, period="2026")
    publish("noise later", "record-noise", "--at", "2099-04-01", first=9.0, period="2027")
    publish("owner", "record-owner", audience="owner")
    publish("partners", "record-partners", audience="partners")
    publish("later", "record-later", "--at", "2099-01-01T09:30")
    publish("gone", "record-gone")
    publish("of others", "record-others", partner=theirs, status=1)
    publish("back", "record-back")
    publish("back 2", "record-back", first=2.0)
    step("withdraw", "layers", "withdraw", "record-gone", "--by", "ann", "--reason", "It was wrong.", "--json")
    step("rollback", "layers", "rollback", "record-back", "--to", 1, "--by", "ann", "--reason", "Better.", "--json")

    table = folder / "bus.csv"
    sites = facts["sites"]
    with table.open("w", newline="") as file:
        rows = ((code, sites[n % len(sites)], 5 + n % 70) for n, code in enumerate(codes))
        csv.writer(file).writerows([["origin", "destination", "minutes"], *rows])
    more = ("--title", "By bus", "--services", facts["services"], "--source", "Made up", "--json")
    step("travel", "travel", "add", table, "--id", "bus", *more)

    def brief(name: str, briefing: str, title: str, audience: str = "public", more: str = "More to come.") -> None:
        file = folder / f"{name.replace(' ', '-')}.md"
        asked = {"need": facts["need"], "services": facts["services"]}
        file.write_text(BRIEFING.format(title=title, partner=mine, audience=audience, more=more, **asked), "utf-8")
        step(name, "briefing", "publish", file, "--by", "ann", "--id", briefing, "--note", name, "--json")

    brief("briefing 1", "record-far", "Far from help")
    brief("briefing 2", "record-far", "Far from help, again", more="Nothing more.")
    brief("briefing partners", "record-inside", "For partners", audience="partners")
    brief("briefing gone", "record-over", "Over")
    step("briefing withdraw", "briefing", "withdraw", "record-over", "--by", "ann", "--reason", "It is over.", "--json")
