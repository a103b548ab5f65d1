"""What questions without draws cost, in seconds of a processor: ``python -m benchmarks.question_costs [--region PACK]``.

In a home of its own, so that no way around water is known. *At first* is the first question about a list of services, *then* the
same with other weights in a process that has forgotten its answers, as after a restart; what a worker does of it is told apart.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

FORMS = {
    "values": ("json", "csv", "geojson"),
    "gaps": ("json", "csv", "geojson"),
    "together": ("json", "csv", "geojson"),
}


def seconds(work: Callable[[], object]) -> tuple[float, object]:
    began = time.process_time()
    found = work()
    return time.process_time() - began, found


def main() -> None:
    words = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    words.add_argument("--region", type=Path, help="a region pack; left out: the demonstration")
    chosen = words.parse_args()
    with tempfile.TemporaryDirectory() as home:
        os.environ["COMMONGROUND_HOME"] = home
        if chosen.region:
            os.environ["COMMONGROUND_REGION"] = str(chosen.region)
        measure()


def measure() -> None:
    from dashboard import memory, settings
    from dashboard.api.answers import compress
    from dashboard.exports import write
    from dashboard.published import Published
    from dashboard.views.gap_files import gaps_export, together_export
    from dashboard.views.gaps import gaps_for
    from dashboard.views.together import together_for
    from dashboard.views.values import values_export
    from layers import PUBLIC, GapRequest, Refused, load_region, open_store

    here = settings.from_environment(to_read=True)
    region = load_region(here.region)
    published = Published(region, open_store(here.database_url, region, marker=here.marker), here.home)
    region.water  # noqa: B018 - made at the start of a server
    layers = published.store.layers(PUBLIC)

    def ask(need: str, services: str, **how):
        return gaps_for(published, GapRequest(((need, 1.0),), (services,), robustness=0, **how), PUBLIC)

    lists = sorted((layer for layer in layers if layer.kind == "services"), key=lambda layer: layer.sites)
    need = next(
        layer.id
        for layer in layers
        if layer.kind == "indicator" and "lsoa" in layer.levels and "gaps" in layer.descriptor.fit_for
    )
    print(f"{len(region.areas['lsoa'])} areas")
    for layer in lists:
        try:
            first, _ = seconds(lambda layer=layer: ask(need, layer.id))
        except Refused:  # not fit for it
            continue
        memory._of.clear()
        again, found = seconds(lambda layer=layer: ask(need, layer.id))
        line = [f"at first {first:.2f}", f"then {again:.2f}"]
        for metres in (1_600.0, 5_000.0, 15_000.0):
            taken, _ = seconds(lambda layer=layer, metres=metres: ask(need, layer.id, metric="coverage", max_m=metres))
            line.append(f"coverage within {metres / 1000:g} km {taken:.2f}")
        taken, together = seconds(lambda layer=layer: together_for(published, (layer.id,), PUBLIC))
        print(f"{layer.id} ({layer.sites}): {', '.join(line)}, together {taken:.2f}", flush=True)
    documents = {
        "values": lambda: values_export(published, published.store.values(need, "lsoa", PUBLIC)),
        "gaps": lambda: gaps_export(found, "2026-01-01"),
        "together": lambda: together_export(together, "2026-01-01"),
    }
    for kind, forms in FORMS.items():
        for form in forms:
            taken, data = seconds(lambda kind=kind, form=form: write(documents[kind](), form))
            packing, _ = seconds(lambda data=data: compress("br", data))
            print(f"{kind} as {form}: {taken:.2f} + {packing:.2f} to compress {len(data) / 2**20:.1f} MiB", flush=True)


if __name__ == "__main__":
    main()
