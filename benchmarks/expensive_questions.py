"""Expensive questions and slow clients beside people: how long everybody waits.

    make expensive-questions                   # commonground serve on the region in use; python -m benchmarks.expensive_questions --help
    python -m benchmarks.expensive_questions --prices       # what a draw costs, for dashboard/views/draws.py

Eight askers each ask for gaps with eight indicators and 2,000 draws, each time with other weights, wait as the answer tells them,
and ask the next when they have been answered. Eight slow clients hold connections. Fifty people open pages and ask the API, with
time to think. Everything is on this machine, in a home of its own, and ends by itself.
"""

from __future__ import annotations

import argparse
import contextlib
import http.client
import itertools
import json
import random
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

from benchmarks.slow_clients import AFTER, Attack, row, served

SLOW = ("slow headers", "half-sent body", "slow body", "silent")
DRAWS, INDICATORS = 2_000, 8
GIVES_UP_S = 120.0


def get(port: int, path: str, timeout: float = 60.0) -> tuple[int, dict[str, str], bytes]:
    """Status (0: none in time), headers and body of a request on a connection of its own."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout)
    try:
        connection.request("GET", path, headers={"Connection": "close"})
        answer = connection.getresponse()
        return answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read()
    except OSError:
        return 0, {}, b""
    finally:
        connection.close()


# ---- the site's own questions ----------------------------------------------------------------------------------------


@dataclass
class Site:
    """What can be asked here, found out by asking."""

    port: int
    needs: list[str] = field(default_factory=list)
    services: list[str] = field(default_factory=list)
    areas: list[str] = field(default_factory=list)
    partner: str = ""
    theme: str = ""

    def look(self) -> Site:
        layers = json.loads(get(self.port, "/api/v1/layers")[2])["layers"]
        self.services = [layer["id"] for layer in layers if layer["kind"] == "services"]
        for layer in layers:
            if layer["kind"] == "indicator" and "lsoa" in layer["levels"] and len(self.needs) < INDICATORS:
                question = f"/api/v1/gaps?need={layer['id']}&services={self.services[0]}&robustness=0"
                if get(self.port, question)[0] == 200:
                    self.needs.append(layer["id"])
        found = json.loads(get(self.port, "/api/v1/areas/lsoa")[2])
        self.areas = [area["code"] for area in found["areas"]]
        return self

    def expensive(self, chance: random.Random) -> str:
        need = ",".join(f"{name}={chance.uniform(0.5, 2):.4f}" for name in self.needs)
        return f"/api/v1/gaps?need={quote(need)}&services={self.services[0]}&robustness={DRAWS}"

    def ordinary(self, chance: random.Random) -> str:
        need, services, area = chance.choice(self.needs), chance.choice(self.services), chance.choice(self.areas)
        return chance.choice(
            [
                "/",
                "/catalogue",
                f"/areas/{area}",
                "/api/v1/layers",
                f"/api/v1/layers/{need}/values?level=lsoa",
                f"/api/v1/areas/lsoa/{area}",
                f"/data/classes?need={need}&show=need&level=lsoa",
                f"/data/classes?need={need}&services={services}&show=gap&level=lsoa",
                f"/api/v1/gaps?need={need}&services={services}&robustness=0",
            ]
        )


# ---- who asks --------------------------------------------------------------------------------------------------------


@dataclass
class Asked:
    """What happened to one who asks again and again."""

    took: list[float] = field(default_factory=list)
    statuses: Counter = field(default_factory=Counter)
    kinds: dict[str, list[float]] = field(default_factory=dict)


def person(site: Site, number: int, over: threading.Event, asked: Asked, think_s: float) -> None:
    chance = random.Random(f"person {number}")
    over.wait(chance.uniform(0, think_s))
    while not over.is_set():
        path = site.ordinary(chance)
        began = time.monotonic()
        status, *_ = get(site.port, path, 10)
        took = time.monotonic() - began if status in (200, 304) else 10.0
        asked.took.append(took)
        asked.kinds.setdefault(path.partition("?")[0].rpartition("/")[0] or path[:12], []).append(took)
        asked.statuses[status] += 1
        over.wait(chance.uniform(0.5, 1.5) * think_s)


def asker(site: Site, number: int, over: threading.Event, asked: Asked) -> None:
    """Waits as it is told. A question that was begun in time is seen to its end."""
    chance = random.Random(f"asker {number}")
    while not over.is_set():
        path, began = site.expensive(chance), time.monotonic()
        while True:
            status, headers, _ = get(site.port, path)
            asked.statuses[status] += 1
            if status == 200 or time.monotonic() - began > GIVES_UP_S:
                break
            time.sleep(float(headers.get("retry-after", 1)))
        asked.took.append(time.monotonic() - began if status == 200 else float("inf"))


def measure(port: int, chosen) -> dict[str, dict]:
    site, over = Site(port).look(), threading.Event()
    people, askers = [Asked() for _ in range(chosen.people)], [Asked() for _ in range(chosen.askers)]
    for path in {site.ordinary(random.Random(n)) for n in range(60)}:  # as on any day but the first minute
        get(port, path)
    threads = [
        threading.Thread(target=person, args=(site, n, over, one, chosen.think)) for n, one in enumerate(people)
    ] + [threading.Thread(target=asker, args=(site, n, over, one)) for n, one in enumerate(askers)]
    with contextlib.ExitStack() as stack:
        for kind in itertools.islice(itertools.cycle(SLOW), chosen.clients):
            stack.enter_context(Attack(port, kind, 1, 1.0))
        for thread in threads:
            thread.start()
        time.sleep(chosen.seconds)
        over.set()
        for thread in threads:
            thread.join()
    took = [seconds for one in people for seconds in one.took]
    waited = [seconds for one in askers for seconds in one.took]
    kinds: dict[str, list[float]] = {}
    for one in people:
        for kind, some in one.kinds.items():
            kinds.setdefault(kind, []).extend(some)
    return {
        "people": row(took) | {"statuses": dict(sum((one.statuses for one in people), Counter()))},
        "p95_of_each": {kind: round(row(some)["p95_ms"]) for kind, some in sorted(kinds.items())},
        "askers": row(waited) | {"statuses": dict(sum((one.statuses for one in askers), Counter()))} if waited else {},
    }


# ---- what a draw costs -----------------------------------------------------------------------------------------------


def prices() -> None:
    """Nanoseconds of a processor for an area in one draw, on the region in use."""
    from dashboard import settings
    from dashboard.published import Published
    from dashboard.views.gaps import gaps_for
    from layers import PUBLIC, GapRequest, load_region, open_to_read

    here = settings.from_environment(to_read=True)
    region = load_region(here.region)
    published = Published(region, open_to_read(here.database_url, region, marker=here.marker), here.home)
    layers = published.store.layers(PUBLIC)
    services = [layer.id for layer in layers if layer.kind == "services"]
    areas = len(region.areas["lsoa"])

    def seconds(need, metric, draws, services) -> float:
        request = GapRequest(
            tuple((n, 1.0) for n in need), tuple(services), metric=metric, max_m=5_000.0, robustness=draws
        )
        began = time.process_time()
        gaps_for(published, request, PUBLIC)
        return time.process_time() - began

    usable = {"with counts": [], "without": []}
    for layer in layers:
        if layer.kind == "indicator" and "lsoa" in layer.levels:
            with contextlib.suppress(Exception):
                seconds([layer.id], "nearest", 0, services[:1])
                counts = published.store.values(layer.id, "lsoa", PUBLIC).frame["numerator"].notna().any()
                usable[
                    "with counts" if counts and layer.descriptor.measure in ("percentage", "rate") else "without"
                ].append(layer.id)
    print(f"{areas} areas; indicators: { ({kind: len(found) for kind, found in usable.items()}) }")
    for kind, found in usable.items():
        for count in (1, 4, 8):
            if len(found) >= count:
                need = found[:count]
                base = seconds(need, "nearest", 1, services[:1])
                each = (seconds(need, "nearest", 1_001, services[:1]) - base) / 1_000 / areas
                print(f"{count} {kind}: {1e9 * each:.0f} ns")
    need = (usable["without"] or usable["with counts"])[:1]
    for metric in ("coverage", "e2sfca"):
        for some in (services[:1], services):
            sites = sum(published.store.layer(name, PUBLIC).sites for name in some)
            seconds(need, metric, 2, some)  # whatever is kept from now on
            base = seconds(need, metric, 1, some)
            each = (seconds(need, metric, 101, some) - base) / 100 / areas
            print(f"{metric}, {sites} sites: {1e9 * each:.0f} ns")


def main() -> None:
    words = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    words.add_argument("--people", type=int, default=50)
    words.add_argument("--askers", type=int, default=8, help="of expensive questions")
    words.add_argument("--clients", type=int, default=8, help="slow ones")
    words.add_argument("--seconds", type=float, default=90)
    words.add_argument("--think", type=float, default=6.0, help="seconds between two requests of a person, on average")
    words.add_argument("--prices", action="store_true", help="measure what a draw costs instead")
    words.add_argument("--json", type=Path, help="write the figures here too")
    chosen = words.parse_args()
    if chosen.prices:
        prices()
        return
    found = {}
    for name, askers, clients in (
        ("people alone", 0, 0),
        ("with askers and slow clients", chosen.askers, chosen.clients),
    ):
        part = argparse.Namespace(**vars(chosen) | {"askers": askers, "clients": clients})
        with served(AFTER) as port:
            found[name] = measure(port, part)
        print(name, json.dumps(found[name], indent=1), flush=True)
    if chosen.json:
        chosen.json.write_text(json.dumps(found, indent=1), "utf-8")


if __name__ == "__main__":
    main()
