"""The rows and sentences of one ward's page."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from dashboard.briefings.ward.ward_model import GapRow, NeedRow, NeighbourGroup, ServiceRow
from dashboard.briefings.ward.ward_shared import AnsweredQuestion, Shared, tells
from dashboard.views import wording
from dashboard.views.area import AreaProfile, IndicatorLine
from dashboard.views.claims import claims_of
from dashboard.views.crossing_words import AROUND
from dashboard.views.gap_words import nearest_words
from dashboard.views.wording import sure_percent
from layers import Layer, is_sample, words

MOST_GAPS = 5
MOST_NAMED = 3
STRAIGHT = (
    f"Distances are straight lines ({AROUND}), the mean over everybody who lives here. "
    "A missing bus or closed doors can make the real way much longer."
)
RULE = (
    "A gap is a rule of thumb: high need and a service farther than its standard. It names where to look, not who is in need. "
    "How sure: how often it stays a gap when the choices behind it are varied."
)
LISTS = (
    "Lists of services hold what partners have published. What they offer, and whether it can be used, is not in them."
)
RANKS = "A rank does not say how far apart areas are. Areas close to each other in a ranking may in truth be equal."
CONVERTED = "Figures for wards are worked out from those of small areas, and are estimates."


def need_row(theme: str, line: IndicatorLine, unit: str, middle: str = "", of: int = 100) -> NeedRow:
    known = line.value != "–"
    if unit == "score" or unit.startswith("score "):
        unit = "" if "score" in line.title.lower() else "score"
    return NeedRow(
        theme,
        line.id,
        line.title,
        _short(line.value) if known else wording.STATUS_WORDS[line.status].lower(),
        _figure(line.value, unit) if known else wording.STATUS_SHORT[line.status].lower() or "no figure",
        unit,
        line.rank.split(" (")[0],
        line.position,
        place_words(line.position, of) if line.rank else "",
        line.period,
        line.status,
        _figure(middle, unit) if middle else "",
    )


def _short(value: str) -> str:
    """ "1.81 score (higher is worse)" -> "1.81 (score)"; other units lose what stands in brackets."""
    value = re.sub(r"\s*\([^)]*\)\Z", "", value)
    return re.sub(r" score\Z", " (score)", value)


def _figure(value: str, unit: str) -> str:
    """The number of a value in words: "23.4% of households" -> "23.4%"."""
    number = value.split(" ")[0]
    return f"{number.split('%')[0]}%" if unit.startswith("%") else number


FEW = 20
"""Fewer areas than this have no tenths."""


def place_words(place: float | None, of: int = 100) -> str:
    """Where an area stands among ``of``, from the share of them that are better off."""
    if place is None:
        return "nothing to compare with"
    if of < FEW and place in (0, 100):
        return "worst of all" if place else "best of all"
    for least, word in _PLACES if of >= FEW else _PLACES_OF_FEW:
        if place >= least:
            return word
    return _PLACES[-1][1]


_PLACES_OF_FEW = ((60, "worse than most"), (40, "about the middle"), (0, "better than most"))
_PLACES = (
    (90, "among the worst tenth"),
    (80, "among the worst fifth"),
    (60, "worse than most"),
    (40, "about the middle"),
    (20, "better than most"),
    (10, "among the best fifth"),
    (0, "among the best tenth"),
)


def extremes(profile: AreaProfile, shown: set[str], layers: dict[str, Layer]) -> tuple[str, str]:
    """Other indicators where the ward is among the worst, or the best, twentieth of wards: a sentence each."""
    others = [
        line
        for line in profile.indicators
        if line.id not in shown
        and line.position is not None
        and not line.neutral
        and tells(layers[line.id], profile.level)
    ]
    many = wording.LEVEL_WORDS[profile.level][1]
    worst = sorted((line for line in others if line.position >= 95), key=lambda line: -line.position)
    best = sorted((line for line in others if line.position <= 5), key=lambda line: line.position)
    said = lambda lines: wording.listing([line.title for line in lines], MOST_NAMED)  # noqa: E731
    return (
        f"Of all other measures, it is worse off than at least 95 of 100 {many} on: {said(worst)}." if worst else "",
        f"It is better off than at least 95 of 100 {many} on: {said(best)}." if best else "",
    )


def service_rows(shared: Shared, profile: AreaProfile, code: str) -> Iterator[ServiceRow]:
    lines = {line.layer_id: line for line in profile.services}
    number = 0
    for layer in shared.services:
        line = lines.get(layer.id)
        if line is None:
            continue
        number += 1
        standard, beyond, words, least = layer.descriptor.access_standard, None, "", ""
        measured = shared.beyond.get(layer.id)
        if measured is not None and code in measured.index:
            least = wording.distance(float(measured.at[code, "least_m"]))
            mean = float(measured.at[code, "mean_m"])
            line = replace(line, distance=wording.distance(mean)) if np.isfinite(mean) else line
        if standard is not None and measured is not None:
            beyond = float(measured["beyond"].get(code, 0.0))
            everybody = shared.people.get(code, 0.0)
            words = "nobody" if beyond < 0.5 else "everybody" if beyond >= everybody - 0.5 else wording.number(beyond)
        limit = wording.standard_words(standard.max_m) if standard else ""
        verdict, mark = _verdict(layer, words, limit)
        yield ServiceRow(
            number,
            layer.title,
            line.name,
            line.lad_name,
            line.across_border,
            line.distance,
            limit,
            beyond,
            words if "counts" in layer.descriptor.fit_for else "",
            verdict,
            mark,
            sample_words(layer),
            layer.id,
            least,
        )


def _verdict(layer: Layer, beyond: str, limit: str) -> tuple[str, str]:
    """What the distances mean, in few words, and the shape that stands before it. A list that is not fit to count by says so."""
    if not limit or not beyond:
        return "No standard", "idle"
    if "counts" not in layer.descriptor.fit_for:
        return "Cannot say", "risk"
    if beyond in ("everybody", "nobody"):
        return (
            f"Everybody {'over' if beyond == 'everybody' else 'within'} {limit}",
            "risk" if beyond == "everybody" else "good",
        )
    return f"{beyond} over {limit}", "risk"


def sample_words(layer: Layer) -> str:
    """ "a sample of 9 sites" where a list is not known to hold all there are; as many as every other sentence says."""
    return claims_of((layer,)).sample.replace("in this", "a", 1) if is_sample(layer.descriptor) else ""


def gap_rows(shared: Shared, code: str) -> tuple[tuple[GapRow, ...], str, str]:
    found, without, close = [], [], []
    for each in shared.asked:
        mine = each.ward == code
        chosen = each.underserved & mine
        name = each.question.theme.name
        if not chosen.any():
            without.append(name)
            if n := int((each.near & mine).sum()):
                close.append(f"{name} ({n:,})")
            continue
        row = _gap_row(each, chosen, int(mine.sum()))
        found.append(replace(row, sample=sample_words(each.question.services)))
    found.sort(key=lambda row: -row.residents)
    told = []
    if more := found[MOST_GAPS:]:
        smaller = [f"{row.theme} ({row.words})" for row in more]
        told.append(f"Smaller gaps: {wording.listing(smaller, 12)}.")
    if without:
        told.append(f"No gap here for: {wording.listing(without, 12)}.")
    no_gap = " ".join(told)
    nearly = f"Small areas that only just miss being a gap: {wording.listing(close, 12)}." if close else ""
    return tuple(found), no_gap, nearly


def _gap_row(each: AnsweredQuestion, chosen: np.ndarray, of: int) -> GapRow:
    gaps, question = each.gaps, each.question
    people = gaps.result.areas["population"].to_numpy("float64")
    residents = float(people[chosen].sum())
    ids = set(gaps.result.areas["community"].to_numpy(object)[chosen])
    cards = [card for card in gaps.cards if card.id in ids]
    said = []
    for card in cards:
        size = "" if gaps.claims.sampled else gaps.claims.people(card.residents)  # of a sample the row itself counts
        said.append(f"{card.name} ({size})" if size else card.name)
    share = gaps.result.areas["stability"].to_numpy("float64")[chosen] if gaps.result.stability is not None else None
    sure = ""
    if share is not None and np.isfinite(share).all():
        weight = people[chosen] if people[chosen].sum() > 0 else np.ones(int(chosen.sum()))
        mean = float((share * weight).sum() / weight.sum())
        word = _sure_word(gaps, mean)
        sure = f"{word} ({sure_percent(mean)})" if word else f"{sure_percent(mean)} of draws"
    count = int(chosen.sum())
    level = wording.LEVEL_WORDS[gaps.level]
    words = f"{count:,} of {of:,} {level[0] if of == 1 else level[1]}"
    if people_words := gaps.claims.people(residents):
        words = gaps.claims.short(f"{words}, {people_words}")
    limit = gaps.result.access.limit
    far = f"more than {wording.standard_words(limit)} from the" if limit is not None else "far from the"
    by = "" if len(question.needs) > 1 else f"{wording.small(question.need_name)}, and "
    return GapRow(
        question.theme.name,
        f"{by}{far} {question.nearest}",
        count,
        residents,
        words,
        wording.listing(said, 2),
        any(card.shared for card in cards),
        "",
        sure,
    )


def _sure_word(gaps, share: float) -> str:
    """The share of draws of this ward's part of the gaps in a word; "" where none may be said."""
    said = gaps.result.areas["stability_words"].notna().any()
    return words(share, gaps.result.stability.draws) or "" if said else ""


def neighbour_groups(profile: AreaProfile) -> tuple[NeighbourGroup, ...]:
    """Touching wards by authority: one's own first."""
    by: dict[str, list[str]] = {}
    for neighbour in profile.neighbours:
        by.setdefault(neighbour.lad_name, []).append(neighbour.name)
    order = sorted(by, key=lambda lad: (lad != profile.lad_name, lad))
    return tuple(NeighbourGroup(lad, lad != profile.lad_name, tuple(by[lad])) for lad in order)


def summary_of(needs, services, gaps, shared: Shared, worst: str, best: str) -> tuple[str, ...]:
    """The page in two to five sentences."""
    out = []
    placed = [row for row in needs if row.place is not None]
    one, many = wording.LEVEL_WORDS[shared.level]
    areas = len(shared.published.region.areas[shared.level])
    if alone := everybody_words(services):
        out.append(alone)
    bad = [row for row in placed if row.place >= (80 if areas >= FEW else 60)]
    among = f"among the worst fifth of the region’s {areas:,} {many}"
    among = among if areas >= FEW else f"worse off than most of the region’s {areas:,} {many}"
    if placed and areas > 1:
        if bad:
            top = max(bad, key=lambda row: row.place)
            out.append(
                f"On {_few(len(bad))} of {len(placed)} measures this {one} is {among}"
                + (f"; it stands worst on “{top.title}”." if len(bad) > 1 else f": “{top.title}”.")
            )
        else:
            out.append(f"On none of {len(placed)} measures is this {one} {among}.")
    elif not placed:
        out.append(f"There are no figures yet that compare this {one} with others.")
    out += [each for each in (worst, best) if each]
    if shared.asked:
        if gaps:
            first = gaps[0]
            out.append(
                f"{_of_asked(len(gaps), len(shared.asked), one)} {'finds' if len(gaps) == 1 else 'find'} a gap here"
                f"{'; the largest is' if len(gaps) > 1 else ':'} {wording.small(first.theme)} ({first.words})."
            )
        else:
            out.append(f"{_of_asked(0, len(shared.asked), one)} finds a gap here.")
    across = [row for row in services if row.across_border]
    if across:
        places = wording.listing(list(dict.fromkeys(row.place for row in across)))
        if len(across) == 1:
            layer = next(layer for layer in shared.services if layer.title == across[0].kind)
            out.append(f"The {nearest_words((layer,))} stands across a border, in {places}.")
        else:
            kinds = wording.listing([wording.small(row.kind) for row in across], 3)
            out.append(f"The nearest of these stand across a border, in {places}: {kinds}.")
    return tuple(out)


def everybody_words(services) -> str:
    """What nobody here has within its standard, a sentence; "" where there is nothing of the kind. A list that is a sample says so."""
    far = [row for row in services if row.beyond_words == "everybody"]
    if not far:
        return ""
    said = [
        f"{wording.small(row.kind)} ({row.standard}{f', in this {row.sample[2:]}' if row.sample else ''})"
        for row in far
    ]
    return f"Everybody here lives farther than the standard from: {wording.listing(said, 8)}."


def _of_asked(n: int, total: int, one: str) -> str:
    """ "Two of the four questions asked of every {one}", to be followed by "find"."""
    if total == 1:
        return f"The one question asked of every {one}" if n else f"The one question asked of every {one} never"
    if n == total:
        return f"All {_few(total)} questions asked of every {one}"
    return f"{_few(n).capitalize()} of the {_few(total)} questions asked of every {one}"


def _few(n: int) -> str:
    words = ("none", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
    return words[n] if n < len(words) else f"{n:,}"


def limits_of(profile: AreaProfile, needs, services, shared: Shared) -> tuple[str, ...]:
    """What the page does not tell, the most particular first."""
    out = []
    if "match" in profile.note:
        out.append(f"This {wording.LEVEL_WORDS[profile.level][0]}’s {profile.note}.")
    if any(row.status == "converted" for row in needs):
        out.append(CONVERTED.replace("wards", wording.LEVEL_WORDS[profile.level][1]))
    if withheld := [row.title for row in needs if row.status == "suppressed"]:
        out.append(f"Withheld, so that nobody can be recognised: {wording.listing(withheld)}.")
    sampled = [layer for layer in shared.services if is_sample(layer.descriptor)]
    if sampled and services:
        out.append(
            f"{wording.listing([layer.title for layer in sampled], 3)}: a sample, not a register. Ask before you quote."
        )
    if services:
        out += [STRAIGHT, LISTS]
    if shared.asked:
        out.append(RULE)
    if any(row.rank for row in needs):
        out.append(RANKS)
    return tuple(out[:5])
