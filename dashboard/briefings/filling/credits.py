"""Who is to be credited for the numbers of a page, and what these numbers do not tell."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from urllib.parse import quote

from dashboard.briefings.filling.model import SourceLine
from dashboard.published import Published
from dashboard.views import wording
from dashboard.views.cautions import WORDS as CAUTION_WORDS
from dashboard.views.together import CAUTION
from layers import LEVELS, LICENCES, Kind, Layer, NotFound, Viewer, is_sample

MOST_LIMITS = 3
"""Sentences about limits on one page: more than that nobody reads."""
OLD_YEARS = 3
"""A figure whose period ended this many years ago is called old."""
LONGEST, LONGEST_SENTENCE = 170, 260
"""Characters of a publisher's caveat, which is cut at the end of a sentence, and of its first sentence, which is cut only if it
is longer than any that can be read out."""

_YEAR = re.compile(r"(?<!\d)((?:18|19|20|21)\d{2})(?:\s*(?:[/–]\s*(\d{2})|-(1[3-9]|[2-9]\d))(?!\d))?(?!\d)")
"""A year, and the year after it that some write with two figures: 2019/20, 2019-20; but 2024-03 is a month."""


def source_lines(
    published: Published,
    layers: Iterable[tuple[str, int]],
    reader: Viewer,
    periods: Mapping[str, Iterable[str]] | None = None,
) -> tuple[SourceLine, ...]:
    """One line for each layer (id, version), in the order in which they were first used.

    ``periods`` says which periods of a layer the numbers are from, where that is not the newest.
    """
    lines = []
    for layer in _layers(published, layers, reader):
        sources = layer.descriptor.sources
        licences = [source.licence or layer.descriptor.licence for source in sources] or [layer.descriptor.licence]
        used = list(dict.fromkeys(period for period in (periods or {}).get(layer.id, ()) if period))
        lines.append(
            SourceLine(
                layer.id,
                layer.version,
                layer.title,
                wording.listing(_different(source.publisher or source.title for source in sources)),
                wording.listing(used, 4) or layer.period,
                wording.listing(_different(licence_words(name) for name in licences)),
                " ".join(_different(source.attribution for source in sources)),
                layer.published_at.date().isoformat(),
                f"/catalogue/{quote(layer.id)}",
            )
        )
    return tuple(lines)


def licence_words(name: str) -> str:
    """ "OGL-UK-3.0" -> "Open Government Licence v3.0"."""
    return LICENCES[name][0] if name in LICENCES else wording.reuse(name)


def _different(words: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(word for word in words if word))


def _layers(published: Published, layers: Iterable[tuple[str, int]], reader: Viewer) -> list[Layer]:
    found = []
    for layer_id, version in dict.fromkeys(layers):
        try:
            found.append(published.store.layer(layer_id, reader, version=version))
        except NotFound:
            continue  # gone between two reads: the page that used it says so by itself
    return found


# ---- limits -------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Limit:
    """One sentence, of a kind of which a page says one, and how much it matters (0 to 100)."""

    kind: str
    weight: float
    text: str


def limits_of(
    published: Published,
    layers: Iterable[tuple[str, int]],
    reader: Viewer,
    *,
    level: str = "lsoa",
    periods: Mapping[str, Iterable[str]] | None = None,
    today: date | None = None,
) -> tuple[str, ...]:
    """What the data behind a page does not tell: at most :data:`MOST_LIMITS` short sentences, the most important first.

    Made-up and withheld figures, what the publisher warns of, straight lines, old figures, areas without a figure, figures
    rebuilt from other areas, rounding: one sentence of a kind, about the layer that it matters most for, then what is left.
    """
    today = today or published.store.now().date()
    found: list[_Limit] = []
    for order, layer in enumerate(_layers(published, layers, reader)):
        used = [period for period in (periods or {}).get(layer.id, ()) if period] or [layer.period]
        found += _warnings(published, layer, order)
        found += _age(layer, used[-1], today)
        if layer.kind == Kind.SERVICES:
            found.append(_Limit("lines", 65.0, CAUTION))
        else:
            found += _holes(published, layer, reader, level, used[-1])
    found.sort(key=lambda limit: -limit.weight)  # stable: equal ones stay in the order of the page
    first: dict[str, _Limit] = {}
    for limit in found:
        first.setdefault(limit.kind, limit)
    # one of each kind, and where that leaves room the others
    said = [*first.values(), *(limit for limit in found if limit not in first.values())]
    return tuple(dict.fromkeys(limit.text for limit in said))[:MOST_LIMITS]


def _warnings(published: Published, layer: Layer, order: int) -> list[_Limit]:
    descriptor, found = layer.descriptor, []
    if descriptor.synthetic and not published.region.demonstration:  # there the notice says it on every page
        found.append(_Limit("synthetic", 100.0, f"{layer.title}: made-up figures, for demonstration only."))
    if layer.kind == Kind.SERVICES and is_sample(descriptor):  # before all else: what it lacks looks like a gap
        # of one that says nothing, its publisher's own warning comes first
        weight = 99.0 if descriptor.completeness == "sample" else 71.0
        found.append(_Limit("sample", weight, f"{layer.title}: {_sample_words(descriptor)}"))
    if caveat := shortened(_without_notice(descriptor.caveats, layer)):
        # a list that leaves services out makes gaps where there are none: that is said before anything about need
        weight = 72.0 if layer.kind == Kind.SERVICES else max(70.0 - 12.0 * order, 40.0)
        found.append(_Limit("caveat", weight, f"{layer.title}: {caveat}"))
    rule = descriptor.disclosure
    if rule.rounding_base > 1:
        text = f"{layer.title}: counts are rounded to the nearest {rule.rounding_base}."
        found.append(_Limit("disclosure", 22.0, text))
    elif rule.threshold > 1:
        text = f"{layer.title}: counts from 1 to {rule.threshold - 1} are withheld to protect people."
        found.append(_Limit("disclosure", 20.0, text))
    return found


def _sample_words(descriptor) -> str:
    code = "sample" if descriptor.completeness == "sample" else "completeness-unknown"
    return CAUTION_WORDS[code]({})


def _without_notice(caveats: str, layer: Layer) -> str:
    """A demonstration layer begins by saying that it is one; the region's notice has said so."""
    parts = _sentences(caveats)
    if layer.descriptor.synthetic and len(parts) > 1 and "made up" in parts[0]:
        parts = parts[1:]
    return " ".join(parts)


def _sentences(text: str) -> list[str]:
    return [part.strip() for part in re.split(r"(?<=[.!?])\s+(?=[A-Z“])", " ".join(text.split())) if part.strip()]


def shortened(text: str, most: int = LONGEST, longest: int = LONGEST_SENTENCE) -> str:
    """As many whole sentences as fit in ``most`` characters, at least the first, or its beginning where it is very long."""
    out = ""
    for part in _sentences(text):
        if out and len(out) + 1 + len(part) > most:
            break
        out = f"{out} {part}".strip()
    if len(out) > longest:
        out = out[:longest].rsplit(" ", 1)[0].rstrip(" ,;:") + " …"
    return out if not out or out[-1] in ".!?…" else f"{out}."


def _age(layer: Layer, period: str, today: date) -> list[_Limit]:
    year = last_year(period)
    if year is None or today.year - year < OLD_YEARS:
        return []
    years = today.year - year
    text = f"{layer.title}: the figures are from {period}; things may have changed since."
    return [_Limit("age", 50.0 + min(4.0 * years, 30.0), text)]


def last_year(period: str) -> int | None:
    """The year in which a period ends: 2019/20 -> 2020, "2020 to 2024" -> 2024; None where no year is named."""
    years = []
    for first, after_slash, after_hyphen in _YEAR.findall(period):
        year, short = int(first), after_slash or after_hyphen
        if short:
            ending = year // 100 * 100 + int(short)
            year = ending + (100 if ending < year else 0)
        years.append(year)
    return max(years, default=None)


def _holes(published: Published, layer: Layer, reader: Viewer, level: str, period: str) -> list[_Limit]:
    """Areas whose figure is withheld, missing, or rebuilt from other areas."""
    if level not in layer.levels:
        level = next((each for each in LEVELS if each in layer.levels), "")
    if not level:
        return []
    known = period if (level, period) in layer.parts else None
    status = published.store.values(layer.id, level, reader, period=known, version=layer.version).frame["status"]
    total, counts, found = len(status), status.value_counts(), []
    if n := int(counts.get("suppressed", 0)):
        text = f"{layer.title}: withheld in {wording.count_of(n, level)} to protect people."
        found.append(_Limit("suppressed", 60.0 + 40.0 * n / total, text))
    if n := int(counts.get("missing", 0)):
        text = f"{layer.title}: no figure for {n:,} of {wording.count_of(total, level)}."
        found.append(_Limit("missing", 30.0 + 60.0 * n / total, text))
    if n := int(counts.get("converted", 0)):
        many = "all figures are" if n == total else "one figure is" if n == 1 else f"{n:,} of {total:,} figures are"
        text = f"{layer.title}: {many} worked out from other areas."
        found.append(_Limit("converted", 25.0 + 30.0 * n / total, text))
    return found
