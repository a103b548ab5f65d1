"""One layer over time: its versions in words, what each of them changed, and what was checked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from dashboard.published import Published
from dashboard.views import wording
from dashboard.views.publishing import rule_words
from dashboard.views.wording import counted
from layers import Kind, Layer, Version

STATE_WORDS = {
    "current": "Shown now",
    "scheduled": "Waits for its date",
    "superseded": "Replaced",
    "cancelled": "Never shown",
    "rolled-back": "Rolled back",
    "withdrawn": "Withdrawn",
}


@dataclass(frozen=True)
class VersionRow:
    version: Version
    state: str
    changed: tuple[str, ...]
    moves: tuple[tuple[str, str, str], ...]  # area, before, after
    can_return: bool  # may be shown again


def version_rows(published: Published, layer: Layer, history: tuple[Version, ...]) -> tuple[VersionRow, ...]:
    scheduled = any(version.state == "scheduled" for version in history)
    rows = []
    for version in history:
        moves = []
        change = version.changes or {}
        if change.get("level"):
            areas = published.region.areas[change["level"]].set_index("code")["name"]
            for one in change.get("largest", ())[:5]:
                moves.append(
                    (
                        str(areas.get(one["area_code"], one["area_code"])),
                        wording.short_unit(one["before"], layer.descriptor.unit, 1),
                        wording.short_unit(one["after"], layer.descriptor.unit, 1),
                    )
                )
        returns = version.state in ("superseded", "rolled-back", "withdrawn") or (
            version.state == "current" and scheduled
        )
        rows.append(
            VersionRow(
                version, STATE_WORDS.get(version.state, version.state), changed_words(change), tuple(moves), returns
            )
        )
    return tuple(rows)


def changed_words(change: Mapping[str, Any]) -> tuple[str, ...]:
    """What a version changed against the one before, in sentences."""
    if not change:
        return ()
    against = f"Against version {change.get('against')}: "
    if "sites_added" in change:
        counts = (
            (change["sites_added"], "added"),
            (change["sites_gone"], "gone"),
            (change.get("sites_moved", 0), "moved"),
        )
        said = [f"{count:,} {word}" for count, word in counts if count]
        out = [against + (wording.listing(said) if said else "the same services") + "."]
        if change.get("added"):
            out.append(f"New: {wording.listing(change['added'])}.")
        if change.get("gone"):
            out.append(f"Gone: {wording.listing(change['gone'])}.")
        return tuple(out)
    out = []
    if "areas_changed" in change:
        level = change.get("level", "lsoa")
        said = [f"{wording.count_of(int(change['areas_changed']), level)} changed"] if change["areas_changed"] else []
        if change.get("areas_gained"):
            said.append(f"{change['areas_gained']:,} gained a figure")
        if change.get("areas_lost"):
            said.append(f"{change['areas_lost']:,} lost theirs")
        period = f" ({change['period']})" if change.get("period") else ""
        out.append(against + (wording.listing(said) if said else "the same figures") + period + ".")
    if change.get("periods_added"):
        out.append(f"Periods added: {wording.listing(change['periods_added'])}.")
    if change.get("periods_gone"):
        out.append(f"Periods gone: {wording.listing(change['periods_gone'])}.")
    return tuple(out)


@dataclass(frozen=True)
class Quality:
    """What is known about how good a version is."""

    sentences: tuple[str, ...]
    notes: tuple[str, ...]
    rules: tuple[str, ...]
    coverage: tuple[dict, ...]


def quality(published: Published, layer: Layer, version: Version | None) -> Quality:
    report = version.report if version is not None else {}
    checks = report.get("checks") or {}
    sentences = list(report.get("sentences") or ())
    if layer.kind == Kind.SERVICES and report.get("sites_given"):
        sentences.append(f"{report['sites_kept']:,} of {counted(report['sites_given'], 'site')} given are shown.")
        for key, words in (
            ("sites_without_a_place", "have no usable place"),
            ("sites_too_far_away", "are too far away"),
        ):
            if report.get(key):
                sentences.append(f"{report[key]:,} {words}.")
    geography = checks.get("geography") or {}
    if geography.get("summary"):
        sentences.insert(0, f"Boundaries of the file: {geography['summary']}.")
    notes = [
        f"{wording.LEVEL_WORDS[level][1].capitalize()}: {note}" for level, some in layer.notes.items() for note in some
    ]
    notes += [f"No {wording.LEVEL_WORDS[level][1]}: {reason}" for level, reason in layer.reasons.items()]
    rules = [
        f"{rule_words(rule)}" + (f" ({count:,})" if count > 1 else "")
        for rule, count in (checks.get("rules") or {}).items()
    ]
    return Quality(tuple(sentences), tuple(notes), tuple(rules), _coverage(published, layer))


def _coverage(published: Published, layer: Layer) -> tuple[dict, ...]:
    lads = published.region.areas["lad"]
    if layer.kind == Kind.SERVICES:
        return tuple(
            {"name": name, "services": layer.coverage.get(code, 0)}
            for code, name in zip(lads["code"], lads["name"], strict=True)
        )
    level = layer.levels[0] if layer.levels else "lsoa"
    totals = published.region.areas[level]["lad_code" if level != "lad" else "code"].value_counts()
    return tuple(
        {"name": name, "areas": int(totals.get(code, 0)), "with_value": int(layer.coverage.get(code, 0))}
        for code, name in zip(lads["code"], lads["name"], strict=True)
    )
