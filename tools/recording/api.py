"""Every address of the API, with every parameter, in every format, as several people, and with values that it must refuse."""

from __future__ import annotations

import time
from urllib.parse import urlencode, urlsplit

from recording.normal import Folder
from recording.web import answer_text, ask
from recording.world import World, components, layout_of, sign_in

LEVELS = ("lsoa", "ward", "lad")
METRICS = ("nearest", "coverage", "e2sfca")
OBJECTIVES = ("mclp", "p-median", "p-center", "lscp")


def record(world: World, folder: Folder, whole: bool) -> None:
    world.home("api")
    server = world.server()
    client = server.test_client()
    description = ask(client, folder, "/api/v1/openapi.json").get_json()
    asked = []
    for address in dict.fromkeys(
        [*catalogue(world, whole), *gaps(world, whole), *together(world), *data(world, client)]
    ):
        ask(client, folder, address)
        asked.append(address)
    for address in dict.fromkeys(sites(world, description, whole)):
        patient(client, folder, address)
        asked.append(address)
    for who in ("ann", "ben", "vic"):
        person = sign_in(server, who)
        for address in as_somebody(world):
            ask(person, folder, address, who)
    for method in ("POST", "HEAD", "OPTIONS", "DELETE"):
        ask(client, folder, "/api/v1/region", method=method)
    etag = client.get("/api/v1/region").headers["ETag"]
    ask(client, folder, "/api/v1/region", name="region, known already", headers={"If-None-Match": etag})
    folder.write("which parameters were asked", covered(description, asked))


def catalogue(world: World, whole: bool):
    facts = world.facts
    yield from (
        "/api/v1/region",
        "/api/v1/layers",
        "/api/v1/region?x=1",
        "/api/v1/nothing",
        "/api/v1",
        "/healthz",
        "/readyz",
    )
    for name, values in (
        ("kind", ["indicator", "services", "other"]),
        ("theme", [*facts["themes"], "other"]),
        ("partner", [*facts["partners"], "other"]),
    ):
        yield from (f"/api/v1/layers?{name}={value}" for value in values)
    yield f"/api/v1/layers?kind=services&theme={facts['themes'][0]}&partner={facts['partners'][0]}"
    hidden = ["record-owner", "record-partners", "record-gone", "record-later", "absent", "record-noise", "record-back"]
    for layer in [*(layer["id"] for layer in facts["layers"]), *hidden]:
        yield f"/api/v1/layers/{layer}"
        if layer not in facts["lists"] or layer == facts["lists"][0]:
            yield f"/api/v1/layers/{layer}/values?level=lad"
    for layer in facts["layers"] if whole else facts["layers"][:12]:
        if layer["kind"] == "indicator":
            yield from (f"/api/v1/layers/{layer['id']}/values?level={level}&format=csv" for level in LEVELS)
            yield from (f"/api/v1/layers/{layer['id']}/values?level=ward&period={p}" for p in layer["periods"][:2])
    first = facts["indicators"][0]
    yield from (f"/api/v1/layers/{first}/values?level={level}&format=geojson" for level in LEVELS)
    yield from (
        f"/api/v1/layers/{first}/values{q}" for q in ("", "?level=street", "?period=1066", "?format=xml", "?levels=lad")
    )
    yield from (f"/api/v1/layers/record-noise/values?level=ward&period={p}" for p in ("2025", "2026", "2027"))
    for level in LEVELS:
        yield from (f"/api/v1/areas/{level}{q}" for q in ("", "?format=geojson", "?format=csv", "?page=2"))
        for code in facts["areas"][level][::500][:3]:
            yield f"/api/v1/areas/{level}/{code}"
            yield f"/api/v1/areas/{level}/{code}?theme={facts['themes'][0]}"
    yield from ("/api/v1/areas/street", "/api/v1/areas/lad/NOWHERE", "/api/v1/areas/lsoa/x?theme=other")


def gaps(world: World, whole: bool):
    facts = world.facts
    group = next((i for i in facts["indicators"] if i.startswith(("residents-65", "students", "older"))), "")
    base = {"need": facts["need"], "services": facts["services"], "robustness": "20"}
    one = facts["indicators"][0]

    def q(path="gaps", **more):
        return f"/api/v1/{path}?{urlencode(base | more, safe=',=')}"

    yield f"/api/v1/gaps?{urlencode({k: base[k] for k in ('need', 'services')}, safe=',=')}"  # with the usual draws
    for level in LEVELS:
        for metric in METRICS:
            yield q(level=level, metric=metric)
            yield q(level=level, metric=metric, alone="yes", detour="1.2")
            if level != "lsoa" or whole:
                yield q(level=level, metric=metric, format="csv")
                yield q(level=level, metric=metric, format="geojson")
    for metric in METRICS:
        yield from (q(metric=metric, level="ward", max_m=m) for m in ("500", "2000.5", "50000"))
        yield q(metric=metric, fair="yes")
        yield q(metric=metric, fair="yes", max_min="12.5")
        yield q(metric=metric, travel="bus")
        yield q(metric=metric, travel="bus", max_min="30", alone="yes")
        yield q(metric=metric, group=group)
        yield q(metric=metric, group="residents-65-plus-2020", level="ward")
    for more in (
        {"alone": "yes"}, {"detour": "1.4"}, {"detour": "2"}, {"robustness": "0"}, {"robustness": "7", "level": "lad"},
        {"need": one}, {"need": f"{one}=3,{facts['indicators'][1]}=0.5"}, {"need": "record-noise", "period": "2025"},
        {"need": "record-noise"}, {"services": ",".join(facts["lists"][:2]), "level": "ward"},
        {"services": ",".join(facts["lists"][:2]), "metric": "e2sfca"}, {"level": "ward", "fair": "yes"},
        {"level": "ward", "travel": "bus"},
    ):  # fmt: skip
        yield q(**more)
    for partner in facts["partners"]:
        yield q(partner=partner, level="ward")
    yield q(partner=facts["partners"][0], metric="e2sfca", format="csv")
    for wrong in (
        {"need": ""}, {"need": "absent"}, {"need": "record-owner"}, {"need": "record-gone"}, {"need": "record-later"},
        {"need": facts["lists"][0]}, {"need": f"{one}=x"}, {"need": f"{one}=-1"}, {"need": f"{one},{one}"},
        {"need": f"{one}=0"}, {"need": ",".join(f"n{i}" for i in range(25))}, {"services": ""}, {"services": "absent"},
        {"services": one}, {"level": "street"}, {"metric": "feet"}, {"max_m": "0"}, {"max_m": "-5"}, {"max_m": "far"},
        {"max_m": "inf"}, {"max_m": "1e9"}, {"detour": "0.5"}, {"detour": "x"}, {"alone": "perhaps"}, {"fair": "1"},
        {"max_min": "10"}, {"max_min": "-1", "fair": "yes"}, {"group": "absent"}, {"group": one}, {"travel": "rail"},
        {"travel": "bus", "fair": "yes"}, {"partner": "absent"}, {"period": "1066"}, {"robustness": "-1"},
        {"robustness": "2001"}, {"robustness": "1.5"}, {"format": "xml"}, {"colour": "red"}, {"detour": "1.2", "travel": "bus"},
        {"group": "record-owner", "metric": "e2sfca"},
    ):  # fmt: skip
        yield q(**wrong)


def together(world: World):
    facts = world.facts
    base = {"services": facts["services"]}

    def q(**more):
        return f"/api/v1/together?{urlencode(base | more, safe=',=')}"

    for level in LEVELS:
        yield from (q(level=level, format=form) for form in ("json", "csv", "geojson"))
    for more in (
        {}, {"max_m": "3000"}, {"detour": "1.4"}, {"need": facts["need"]}, {"need": facts["need"], "level": "ward"},
        {"need": "record-noise", "period": "2025"}, {"services": ",".join(facts["lists"][:2])},
        {"services": "absent"}, {"services": ""}, {"need": "absent"}, {"need": "a=x"}, {"level": "x"}, {"max_m": "x"},
        {"detour": "0"}, {"partner": "absent"}, {"format": "x"}, {"period": "1066"}, {"metric": "nearest"},
    ):  # fmt: skip
        yield q(**more)
    yield from (q(partner=partner) for partner in facts["partners"][:3])


def sites(world: World, description: dict, whole: bool):
    facts = world.facts
    base = {"need": facts["need"], "services": facts["services"], "exact": "no", "level": "ward"}
    known = [p for p in description["paths"]["/sites"]["get"]["parameters"] if p["name"] == "objective"]
    objectives = tuple(known[0]["schema"]["enum"]) if known else OBJECTIVES

    def q(**more):
        return f"/api/v1/sites?{urlencode(base | more, safe=',=')}"

    for objective in objectives:
        for demand in ("underserved", "all"):
            yield q(objective=objective, demand=demand, new="2")
        yield q(objective=objective, level="lsoa", new="3")
        yield q(objective=objective, exact="yes", new="2")
        yield q(objective=objective, metric="coverage")
    lad = facts["areas"]["lad"][0]
    for more in (
        {}, {"exact": "yes", "level": "lsoa"}, {"format": "geojson"}, {"exact": "yes", "format": "geojson"}, {"exclude": lad},
        {"exclude": f"{lad},{facts['areas']['ward'][9]},absent"}, {"metric": "e2sfca"}, {"fair": "yes", "level": "lsoa"},
        {"fair": "yes", "max_min": "12", "level": "lsoa", "exact": "yes"}, {"max_m": "2500"}, {"detour": "1.4"},
        {"partner": facts["partners"][0]}, {"alone": "yes"}, {"travel": "bus", "level": "lsoa"}, {"new": "0"}, {"new": "26"},
        {"new": "x"}, {"objective": "x"}, {"demand": "x"}, {"exact": "x"}, {"format": "csv"}, {"need": "absent"},
        {"need": "absent", "exact": "yes"}, {"services": "record-gone"}, {"exact": "yes", "max_m": "-1"},
        {"robustness": "5"}, {"period": "1066"},
    ):  # fmt: skip
        yield q(**more)


def patient(client, folder: Folder, address: str) -> None:
    """A plan: asked again until it is proven, so that the record does not depend on how fast the machine is."""
    response = client.get(address)
    end = time.monotonic() + 90
    while response.status_code == 202 and time.monotonic() < end:
        response = client.get(address)
    folder.write(address, answer_text(response, folder.normal, f"GET {address}"))


def data(world: World, client):
    """What feeds the map."""
    facts = world.facts
    asked = urlencode({"need": facts["need"], "services": facts["services"]}, safe=",=")
    queries = [
        "",
        f"?need={facts['indicators'][0]}&level=ward&classes=7&scheme=jenks",
        "?need=none",
        "?need=absent&level=x",
    ]
    queries += [f"?{asked}&show={show}&metric={metric}" for show in ("access", "gap") for metric in METRICS]
    queries += [f"?{asked}&show=gap&overlays={name}" for name in ("near", "vanish", "moran", "hot", "rings")]
    queries += [f"?{asked}&show=gap&level=ward&fair=yes&partner={facts['partners'][0]}&bands=partner"]
    queries += ["?need=record-owner", f"?{asked}&show=gap&travel=bus&max_min=30"]
    for query in queries:
        yield from (f"/data/{what}{query}" for what in ("classes", "readings", "gap", "table.csv"))
    for layer in [*facts["lists"], facts["indicators"][0], "record-gone", "absent"]:
        yield f"/data/services/{layer}.geojson"
    site = facts["sites"][0]
    for query in ("", f"?{asked}", f"?{asked}&options=A:x{site};B~Two:o425000-565000&option=B", "?need=none"):
        yield from (f"/data/options.{form}{query}" for form in ("json", "csv"))
    yield from ("/data/nothing", "/data/shapes/absent.bin", "/data")
    yield from shapes(client)


def shapes(client):
    for each in components(layout_of(client, "/").get_json()):
        if each["props"].get("id") == "explore-config":
            config = each["props"]["data"]
            yield from (address for part in ("outlines", "names") for address in config[part].values())
            yield from filter(None, (config["context"], config["labels"]))


def as_somebody(world: World):
    facts = world.facts
    for layer in ("record-owner", "record-partners", "record-gone", "record-later"):
        yield from (f"/api/v1/layers/{layer}", f"/api/v1/layers/{layer}/values?level=lad")
        yield f"/api/v1/gaps?need={layer}&services={facts['services']}&robustness=5&level=ward"
    yield from (
        "/api/v1/layers",
        f"/api/v1/areas/lad/{facts['areas']['lad'][0]}",
        "/data/classes?need=record-owner&level=lad",
    )


def covered(description: dict, asked: list[str]) -> str:
    """Every parameter of the description with how often it was asked; an address that was never asked is a mistake here."""
    lines = []
    prefix = description["servers"][0]["url"]
    for path, methods in description["paths"].items():
        parts = path.split("/")
        mine = [
            urlsplit(a).query for a in [f"{prefix}/openapi.json", *asked]
            if len(p := urlsplit(a).path.removeprefix(prefix).split("/")) == len(parts)
            and all(w.startswith("{") or w == got for w, got in zip(parts, p, strict=True))
        ]  # fmt: skip
        if not mine:
            raise SystemExit(f"{path} is in the description but not in the recording: add it to tools/recording/api.py")
        for parameter in methods["get"]["parameters"]:
            name = parameter["name"]
            n = len(mine) if parameter["in"] == "path" else sum(f"{name}=" in f"&{q}" for q in mine)
            lines.append(f"{path} {name}: {n}")
    return "\n".join(lines)
