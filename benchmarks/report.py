"""The tables: measured numbers in, text out. Medians, smallest and largest, and how many times ours each rival takes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import chain
from statistics import median


@dataclass(frozen=True)
class Measure:
    """One row. ``targets`` by region id, in the row's unit; ``ours_only`` where the rivals have nothing alike."""

    key: str
    title: str
    unit: str
    scale: float = 1.0
    targets: tuple[tuple[str, float], ...] = ()
    ours_only: bool = False

    def target(self, region: str) -> float | None:
        return dict(self.targets).get(region)


MEASURES = (
    Measure("switch", "Indicator chosen, click to repainted map", "ms", 1, (("england", 100), ("north-east", 60))),
    Measure("load", "Map painted after navigation, nothing cached", "ms", 1, (("england", 2000), ("north-east", 1200))),
    Measure("load_again", "Map painted on the next visit", "ms"),
    Measure("zoom", "One zoom step, redrawn", "ms"),
    Measure("hover", "One move of the pointer", "ms", 1, (("england", 1), ("north-east", 1))),
    Measure("bytes_geometry", "Outlines on the wire", "kB", 1e-3, (("england", 1400), ("north-east", 70))),
    Measure(
        "bytes_switch_map", "A choice on the wire: what the map needs", "kB", 1e-3, (("england", 15), ("north-east", 2))
    ),
    Measure("bytes_switch", "A choice on the wire: everything", "kB", 1e-3),
    Measure("bytes_load", "First visit on the wire: everything", "kB", 1e-3),
    Measure("heap", "Memory of the map (scripts' heap and typed arrays)", "MB", 1e-6, (("england", 20),)),
    Measure("cpu_switch", "Processor time of the server per choice", "ms"),
)
SERVER = (
    Measure("classes", "Classes of one indicator from memory", "ms", 1, (("england", 10), ("north-east", 10))),
    Measure("values_json", "API values as JSON, every LSOA", "ms", 1, (("england", 10), ("north-east", 10))),
    Measure("values_csv", "API values as CSV, every LSOA", "ms"),
    Measure("start", "Start of the server, store filled before", "s", 1, (("north-east", 3),)),
)


def numbers(passes: list[dict], measure: Measure) -> list[list[float]]:
    """The measure's numbers pass by pass, in its unit."""
    found = []
    for each in passes:
        value = each.get(measure.key)
        if value is not None and value != []:
            found.append([v * measure.scale for v in (value if isinstance(value, list) else [value])])
    return found


def ratio(rival: list[list[float]], ours: list[list[float]]) -> tuple[float, float, float] | None:
    """Rival over ours, pass by pass: median, smallest, largest. None where ours is nothing."""
    ratios = [median(r) / median(o) for r, o in zip(rival, ours, strict=False) if median(o) > 0]
    return (median(ratios), min(ratios), max(ratios)) if ratios else None


def show(value: float) -> str:
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def spread(found: list[list[float]]) -> str:
    every = list(chain(*found))
    return f"{show(median(every))} ({show(min(every))}-{show(max(every))})"


def verdict(found: list[list[float]], target: float | None) -> str:
    if target is None:
        return ""
    return f"target {show(target).removesuffix('.00').removesuffix('.0')}: " + (
        "met" if median(chain(*found)) <= target else "MISSED"
    )


def rows(region: dict, measure: Measure) -> list[tuple[str, str, str]]:
    """(way, numbers, ratio or verdict) of one measure."""
    ours = numbers(region["ways"]["ours"]["passes"], measure)
    out = []
    for name, way in region["ways"].items():
        found = numbers(way["passes"], measure)
        if not found:
            continue
        if name == "ours":
            out.append((way["title"], spread(found), verdict(found, measure.target(region["region"]))))
        else:
            times = ratio(found, ours)
            out.append(
                (
                    way["title"],
                    spread(found),
                    f"{show(times[0])} x ({show(times[1])}-{show(times[2])})" if times else "",
                )
            )
    return out


def text(measured: dict) -> str:
    """The whole report as aligned plain text."""
    lines = heading(measured, lambda title: [title, "=" * len(title)])
    for region in measured["map"]:
        lines += ["", headline(region), "-" * len(headline(region))]
        for measure in MEASURES:
            found = rows(region, measure)
            if found:
                lines.append(f"{measure.title}, {measure.unit}")
                lines += [f"    {who:<28} {what:>26}   {how}".rstrip() for who, what, how in found]
        lines.append("Our server")
        for measure in SERVER:
            found = numbers([region["server"]], measure)
            if found:
                what = f"{measure.title}, {measure.unit}"
                lines.append(
                    f"    {what:<42} {spread(found):>22}   {verdict(found, measure.target(region['region']))}".rstrip()
                )
    return "\n".join(lines)


def markdown(measured: dict) -> str:
    """The same as Markdown tables: a row for each measure, a column for each way."""
    lines = heading(measured, lambda title: [f"### {title}"])
    for region in measured["map"]:
        ways = region["ways"]
        lines += ["", f"**{headline(region)}**", ""]
        lines.append("| | " + " | ".join(way["title"] for way in ways.values()) + " | aim |")
        lines.append("|---|" + "---:|" * len(ways) + "---:|")
        for measure in MEASURES:
            ours = numbers(ways["ours"]["passes"], measure)
            cells = []
            for name, way in ways.items():
                found = numbers(way["passes"], measure)
                if not found:
                    cells.append("")
                    continue
                cell = show(median(chain(*found)))
                times = None if name == "ours" else ratio(found, ours)
                cells.append(f"**{cell}**" if name == "ours" else f"{cell} ({show(times[0])}x)" if times else cell)
            target = measure.target(region["region"])
            lines.append(
                f"| {measure.title}, {measure.unit} | " + " | ".join(cells) + f" | {f'{target:g}' if target else ''} |"
            )
        lines += ["", "Our server: " + "; ".join(_server(region)) + "."]
    return "\n".join(lines)


def _server(region: dict) -> list[str]:
    out = []
    for measure in SERVER:
        found = numbers([region["server"]], measure)
        if found:
            out.append(f"{measure.title}: {show(median(chain(*found)))} {measure.unit}")
    return out


def headline(region: dict) -> str:
    return f"{region['name']}, {region['areas']:,} areas, switching between “{region['indicators'][0]}” and “{region['indicators'][1]}”"


def heading(measured: dict, title: Callable[[str], list[str]]) -> list[str]:
    machine, regions = measured["machine"], measured["map"]
    passes = len(next(iter(regions[0]["ways"].values()))["passes"])
    lines = title("The explore page beside the usual ways")
    lines.append(
        f"{measured['when']}, {machine['cores']} cores, Chromium {regions[0]['chromium']} without a GPU, Python {machine['python']}; "
        f"{passes} passes in turn; load average {machine['load_before'][0]} before, {machine['load_after'][0]} after."
    )
    lines.append("Median (smallest-largest); the ratio is to ours within the same pass, median (smallest-largest).")
    if max(machine["load_before"][0], 0) > 0.5 * (machine["cores"] or 1):
        lines.append("The machine was busy before the run: read the ratios, not the milliseconds.")
    if any(region["demo"] for region in regions):
        lines.append(
            "Measured on the small demonstration region alone, whose values are made up; England and the North East need the official "
            "open data at ../shared/data."
        )
    return lines
