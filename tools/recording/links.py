"""Links as people send them, whole and broken: what Python reads and writes, and what the browser's script reads and writes."""

from __future__ import annotations

import json
import random
import shutil
import subprocess
from pathlib import Path
from urllib.parse import parse_qsl, quote

from recording.normal import Folder, json_text
from recording.world import World, components, layout_of, question_rows, scripts, selection_class

HOW_MANY = 500
SETTLED = 100
"""Of so many the server is asked which view it opens."""


def record(world: World, folder: Folder, whole: bool) -> None:
    world.home("links")
    client = world.server().test_client()
    queries = make(world)
    config = next(
        each["props"]["data"] for each in components(layout_of(client, "/").get_json())
        if each["props"].get("id") == "explore-config"
    )  # fmt: skip
    browser = in_node(Path.cwd(), queries, config["catalogue"])
    for n, query in enumerate(queries):
        found = {"link": query, "python": in_python(query), "browser": browser[n]}
        if n % (HOW_MANY // SETTLED) == 0 and (whole or n % 20 == 0):
            found["server"] = opened(client, query)
        folder.write(f"{n:03}", json_text(found))


def in_python(query: str) -> dict:
    kind = selection_class()
    selection, notices = kind.from_query(dict(parse_qsl(query)))
    again = kind.from_data(selection.as_data())
    return {
        "selection": selection.as_data(), "notices": list(notices), "written": selection.query_string(),
        "classes": selection.classes_query(), "needs": list(selection.needs), "link": selection.link(),
        "the same from data": again.as_data() == selection.as_data(),
    }  # fmt: skip


def opened(client, query: str) -> dict:
    """The view that the server settles on, and what it tells the reader."""
    response = layout_of(client, f"/?{query}")
    if response.status_code != 200:
        return {"status": response.status_code}
    props = {
        each["props"].get("id"): each["props"]
        for each in components(response.get_json())
        if isinstance(each["props"].get("id"), str)
    }
    notices = [each["props"]["children"] for each in components(props["notices"].get("children"))]
    return {"selection": props["selection"]["data"], "notices": notices}


def in_node(checkout: Path, queries: list[str], catalogue: dict) -> list[dict]:
    node = shutil.which("node")
    if not node:
        raise SystemExit("links are read by assets/selection.js too: node is not on the PATH")
    given = {"scripts": [str(file) for file in scripts(checkout)], "queries": queries, "catalogue": catalogue}
    given["rows"] = question_rows()
    done = subprocess.run(  # noqa: S603  our own script
        [node, str(Path(__file__).with_name("links.js"))],
        input=json.dumps(given),
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise SystemExit(f"assets/selection.js could not be run:\n{done.stderr[-2000:]}")
    return json.loads(done.stdout)


# ---- the links -------------------------------------------------------------------------------------------------------


NUMBERS = (
    "", "0", "1", "1.0", "01", "1e3", "1E3", "+5", "-1", " 7 ", "1_000", "0x10", "nan", "NaN", "inf", "Infinity", "-0", ".5", "5.",
    "200000", "200001", "199999.999", "600", "600.5", "12.5", "1,5", "٣", "1e400", "0.1e1", "3.0000001", "--3", "3km", "2000", "750",
)  # fmt: skip
NAMES = (
    "", "absent", "UPPER", "a b", "-a", "a" * 80, "a" * 81, "é", "a_b.c-d", "<script>",
    "none", "a/b", ".a", "a,", "%", "a%00", "constructor",
    "__proto__",
)  # fmt: skip


def make(world: World) -> list[str]:
    """The same links for the same region: first the plain ones, then ones with every odd value in its place, then broken ones."""
    draw, facts = random.Random(20261), world.facts  # noqa: S311  nothing is secret
    some = facts["indicators"] + ["record-noise", "record-owner"]
    level, show = ("lsoa", "ward", "lad"), ("need", "access", "gap")
    overlays = ("near", "vanish", "moran", "hot", "rings")

    def need() -> str:
        parts = draw.sample(some, draw.randint(1, 3))
        return ",".join(part + draw.choice(["", "", "=2", "=0.5", "=1", "=1000", "=1.0", "=1e2"]) for part in parts)

    fine = {
        "theme": lambda: draw.choice(facts["themes"]), "need": need,
        "services": lambda: ",".join(draw.sample(facts["lists"], draw.randint(1, 2))), "show": lambda: draw.choice(show),
        "partner": lambda: draw.choice(facts["partners"]), "owner": lambda: draw.choice(facts["partners"]),
        "level": lambda: draw.choice(level), "period": lambda: draw.choice(["2025", "2024/25", "Jan-Apr 2024", "2025 Q1"]),
        "bands": lambda: draw.choice(["region", "partner", "national"]), "classes": lambda: str(draw.randint(3, 7)),
        "scheme": lambda: draw.choice(["quantiles", "equal", "jenks"]),
        "metric": lambda: draw.choice(["nearest", "coverage", "e2sfca"]), "max_m": lambda: f"{draw.uniform(1, 20_000):g}",
        "detour": lambda: draw.choice(["1", "1.2", "1.4", "1.0"]), "alone": lambda: "yes", "fair": lambda: "yes",
        "max_min": lambda: draw.choice(["10", "12.5", "45"]), "group": lambda: draw.choice(facts["indicators"]),
        "travel": lambda: "bus", "overlays": lambda: ",".join(draw.sample(overlays, draw.randint(1, 3))),
        "shared": lambda: "yes", "area": lambda: draw.choice(facts["areas"][draw.choice(level)]),
        "at": lambda: f"{draw.uniform(54.5, 55.5):.5f},{draw.uniform(-2.5, -1.3):.5f},{draw.uniform(8, 15):.3f}",
    }  # fmt: skip
    odd = {
        "need": ["a=", "a=0", "a=1001", "a=x", "a,a", "a,", ",a", "a==2", "a=2=3", "a=1e3", "a= 2", "none,a", "none", "=1",
                 ",".join(f"n{i}" for i in range(20)), ",".join(f"n{i}" for i in range(21))],
        "services": [",", "a,,b", "a,a", "a b", ",".join(f"s{i}" for i in range(20)), ",".join(f"s{i}" for i in range(21))],
        "overlays": ["near,near", "rings,near", ",", "near,x", "x", "hot,"], "classes": [*NUMBERS, "2", "3", "7", "8"],
        "at": ["55,-1.6,12", "55,-1.6", "55,-1.6,12,1", "47,0,9", "55,-1.6,20", "x,y,z", " 55 , -1.6 , 12 ", "55,-1.6,", "nan,nan,nan",
               "62,4,3", "48,-12,19", "1e1,0,9", "0x37,-1,9"],
        "max_m": NUMBERS, "max_min": NUMBERS, "detour": [*NUMBERS, "1.20", "1.3", "1.4e0"],
        "period": ["a" * 60, "a" * 61, "2025\n", "😀" * 60, "a\u00a0b", "a\u2028b", "2024–25", "\u200b", "a\tb"],
        "alone": ["no", "YES", "1", "true"], "fair": ["no", "on"], "shared": ["no", "yes "],
        **{name: ["X", "Need", " need", "need,gap"] for name in ("show", "level", "bands", "scheme", "metric")},
        **dict.fromkeys(("theme", "partner", "owner", "group", "travel", "area"), NAMES),
    }  # fmt: skip
    # Python's reading of a link decodes what the browser's does, so both get it written the same way
    links = ["", f"need={facts['need']}&services={facts['services']}&show=gap"]
    links += [f"{name}={quote(make_(), safe=',=')}" for name, make_ in fine.items()]
    links += [f"{name}={quote(value, safe=',=')}" for name, values in odd.items() for value in values]
    links += ["need", "=", "&&&", "need=&level=", "x=1", "NEED=a", "level=ward&level=lad", "need=%zz", "need=a+b", "level=ward;x=1",
              "?level=ward", "level=ward#lad", "need=%FF", "level=%77ard", "a" * 3000, "&".join(f"x{i}=1" for i in range(50))]  # fmt: skip
    while len(links) < HOW_MANY:
        names = draw.sample(sorted(fine), draw.randint(2, len(fine)))
        parts = []
        for name in names:
            value = draw.choice(odd[name]) if draw.random() < 0.12 and name in odd else fine[name]()
            parts.append(f"{name}={quote(value, safe=',=')}")
        links.append("&".join(parts))
    return links[:HOW_MANY]
