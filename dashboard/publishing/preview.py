"""Step “Preview”: the map, the numbers and the line as they would be, beside what is public now."""

from __future__ import annotations

import flask

from dashboard.auth.session import current_viewer
from dashboard.drawing.trend_line import picture
from dashboard.publishing import answers as asking
from dashboard.publishing import wizard
from dashboard.publishing.reports import Before, parts, sites_of, values_of
from dashboard.views import publishing as words
from dashboard.views.trend import coming_trend
from dashboard.views.wording import LEVEL_WORDS
from layers import LEVELS, Draft, EditConflict, Kind, NotPermitted, Refused, Viewer, periods_in_order


def preview_page(draft: Draft, **values):
    site = wizard.current()
    viewer = current_viewer()
    number, header, report = wizard.one_layer(draft, viewer)
    titles = [title for _, title, _ in wizard.layers_of(draft, viewer)]
    before = site.reports.before(asking.layer_id(draft.answers, header), viewer)
    common = {
        "report": report,
        "titles": titles,
        "number_of": number,
        "before": before,
        "expecting": wizard.expecting_now(draft, viewer),
        "level": "",
        "period": "",
        "levels": [],
        "periods": [],
        "outlines": "",
        "context": f"/data/shapes/{site.shapes.outlines('context').url_name}"
        if site.region.context is not None
        else "",
        "names": "",
        "sentences": [],
        "reason": "",
        "line": None,
        "kept_periods": (),
        "not_kept": "",
    }
    kept, not_kept = (), ""
    try:
        prepared = site.reports.prepared(report, viewer)
        own_periods = periods_in_order(wizard.periods_of(report))
        if others := kept_periods(draft, report, before):
            try:
                prepared, kept = site.reports.prepared_appended(report, viewer, before), others
            except (Refused, NotPermitted) as error:
                not_kept = "; ".join(map(str, getattr(error, "faults", ()))) or str(error)
    except Refused as error:
        return wizard.step_page(draft, "preview", **common, both=None, refused=error, **values)
    common |= {"refused": None, "kept_periods": kept, "not_kept": not_kept}
    old_label = f"Now: version {before.layer.version}" if before.layer is not None else ""
    if report.kind == Kind.SERVICES:
        old = site.store.services(before.layer.id, viewer) if before.layer is not None else None
        both = words.sites_side_by_side(site.published, sites_of(prepared), old, "As it would be", old_label)
        level = "lad"
    else:
        available = parts(prepared)
        levels = [level for level in LEVELS if any(at == level for at, _ in available)]
        level = flask.request.args.get("level", "")
        level = level if level in levels else levels[0]
        periods = periods_in_order(period for at, period in available if at == level)
        period = flask.request.args.get("period", "")
        newest = next((one for one in reversed(own_periods) if one in periods), periods[-1])
        period = period if period in periods else newest
        old, note = None, ""
        if before.layer is not None and before.layer.kind == Kind.INDICATOR:
            shared = period if (level, period) in before.layer.parts else None
            was = site.store.values(before.layer.id, level, viewer, period=shared)
            old, note = was.frame, was.reason
            old_label += f", {was.period}" if was.period else ""
        both = words.side_by_side(
            site.published, level, values_of(prepared, level, period), old,
            unit=report.package.descriptor.unit, decimals=report.package.descriptor.decimals,
            label_after=f"As it would be{', ' + period if period else ''}", label_before=old_label, note_before=note,
        )  # fmt: skip
        common |= {
            "period": period,
            "levels": [(name, LEVEL_WORDS[name][1]) for name in levels],
            "periods": periods,
            "sentences": list(prepared.report.get("sentences", ())),
            "line": line_of(prepared, before, viewer),
            "reason": "; ".join(
                f"{LEVEL_WORDS[name][1].capitalize()}: {why}" for name, why in prepared.summary["reasons"].items()
            ),
        }
    common |= {
        "level": level,
        "outlines": f"/data/shapes/{site.shapes.outlines(level).url_name}",
        "names": f"/data/shapes/{site.shapes.names(level).url_name}",
    }
    return wizard.step_page(draft, "preview", **common, both=both, **values)


def kept_periods(draft: Draft, report, before: Before) -> tuple[str, ...]:
    """The periods that are published already, are not in the file, and are to stay."""
    given = draft.answers.get("publish") or {}
    if report.kind != Kind.INDICATOR or before.layer is None or given.get("append", "yes") != "yes":
        return ()
    own = set(wizard.periods_of(report))
    return tuple(period for period in before.layer.periods if period not in own)


def line_of(prepared, before: Before, viewer: Viewer):
    """The picture from period to period as it would be, with the line it is of; None for a single period."""
    site = wizard.current()
    shown = before.layer if before.layer is not None and before.layer.kind == Kind.INDICATOR else None
    history = site.store.history(shown.id, viewer) if shown is not None else ()
    line = coming_trend(site.published, prepared, shown, history, viewer)
    return (line, picture(line, prepared.descriptor.measure)) if line else None


def save_preview(draft_id: str):
    viewer = current_viewer()
    draft, form = wizard.draft_of(draft_id), flask.request.form
    if form.get("action") == "later":
        return flask.redirect(wizard.HOME_PATH, 303)
    ids = list(wizard.expecting_now(draft, viewer))
    seen = {}
    for layer_id, given in zip(ids, form.getlist("expecting"), strict=False):
        seen[layer_id] = int(given) if given.isascii() and given.isdigit() and len(given) < 9 else 0
    try:
        draft = wizard.save(draft, {**wizard.done_with(draft, "preview", {}), "expecting": seen})
    except EditConflict as error:
        return preview_page(error.draft, overtaken=error.draft, status=409)
    return wizard.go(draft, "publish")
