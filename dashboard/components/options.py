"""The options page in parts: suggested sites, the option being worked on, sites to close or move, options side by side."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import dash_mantine_components as dmc
from dash import dcc, html

from dashboard import ids
from dashboard.components.ask import pin_link
from dashboard.components.confidence import confidence_strip
from dashboard.components.pieces import folded, ticked
from dashboard.exports import FORMATS, formats_of
from dashboard.published import Published
from dashboard.question import FIELDS
from dashboard.views import option_results, options
from dashboard.views import suggestion as planning
from dashboard.views.confidence import all_cautions, rows_of_gaps
from dashboard.views.gap_words import limit_words, need_name, rule_sentence, summary_sentence
from dashboard.views.gaps import NoAnswer
from dashboard.views.option_results import Comparison, comparison
from dashboard.views.options import Option, OptionsQuery, PlanAsk, Sandbox
from dashboard.views.siting import OptionCard
from dashboard.views.suggestion import DEMAND_WORDS, OBJECTIVE_HELP, OBJECTIVE_WORDS, Suggestion
from dashboard.views.wording import counted, number
from layers import Viewer

MOST_SITES = 40
"""Sites listed at once; the filter finds the others."""


def button(words, do: str, *, quiet: bool = True, **data) -> html.Button:
    """A button that ``assets/options.js`` turns into an action: ``do`` and what it concerns."""
    attributes = {f"data-{name.replace('_', '-')}": str(value) for name, value in data.items() if name != "label"}
    if data.get("label"):
        attributes["aria-label"] = data["label"]
    return html.Button(
        words, type="button", className="button-quiet" if quiet else "button", **{"data-option-do": do} | attributes
    )


# ---- the question -----------------------------------------------------------------------------------------------------


def question(query: OptionsQuery, box: Sandbox | NoAnswer) -> list:
    """What is asked, in words, with the way back to the map."""
    back = html.P(html.A("Back to the map", href=query.selection.link()))
    if isinstance(box, NoAnswer):
        return [back, html.Div([html.H2(box.title), *[html.P(reason) for reason in box.reasons]], className="reason")]
    gaps = box.gaps
    services = " and ".join(layer.title for layer in gaps.services)
    return [
        html.P([html.Strong("Need: "), need_name(gaps), ". ", html.Strong("Services: "), f"{services}."]),
        folded("What counts as underserved", html.P(rule_sentence(gaps)), html.P(summary_sentence(gaps))),
        back,
    ]


# ---- suggest sites ----------------------------------------------------------------------------------------------------


def plan_form(published: Published, ask: PlanAsk | None, *, limit_words: str = "", off: bool = False) -> html.Div:
    """What to plan: how many sites, for what, for whom, where not."""
    ask = ask or PlanAsk()
    lads = published.region.areas["lad"]
    return html.Div(
        [
            dmc.NumberInput(
                id=ids.PLAN_NEW, label="New sites", value=ask.new, min=1, max=FIELDS["new"].most, step=1, allowDecimal=False,
                clampBehavior="strict", className="plan-new",
            ),
            dmc.Select(
                id=ids.PLAN_OBJECTIVE,
                label="Aim",
                data=[{"value": value, "label": words} for value, words in OBJECTIVE_WORDS.items()],
                value=ask.objective,
                allowDeselect=False,
                className="plan-aim",
            ),
            folded(
                "What the aims mean",
                html.Dl(
                    [
                        part
                        for value, words in OBJECTIVE_WORDS.items()
                        for part in (html.Dt(words), html.Dd(OBJECTIVE_HELP[value]))
                    ]
                ),
                html.P(f"The standard distance here is {limit_words}.") if limit_words else None,
            ),
            dmc.Select(
                id=ids.PLAN_DEMAND,
                label="Plan for",
                data=[{"value": value, "label": words} for value, words in DEMAND_WORDS.items()],
                value=ask.demand,
                allowDeselect=False,
            ),
            dmc.MultiSelect(
                id=ids.PLAN_EXCLUDE,
                label="No new site in",
                placeholder="" if ask.exclude else "Anywhere is possible",
                data=[
                    {"value": code, "label": name} for code, name in zip(lads["code"], lads["name"], strict=True)
                ],
                value=list(ask.exclude),
                searchable=True,
                clearable=True,
            ),
            html.Button("Suggest sites", id=ids.PLAN_START, type="button", className="button", disabled=off),
        ],
        className="ask plan-form",
    )  # fmt: skip


@dataclass(frozen=True)
class PlanStep:
    """The plan's part of the page after one step. ``data`` also tells the map where the proposed sites are."""

    children: list
    data: dict[str, Any] | None
    waiting: bool


def plan_step(
    published: Published,
    state: Mapping[str, str],
    before: Mapping[str, Any] | None,
    viewer: Viewer,
    *,
    cancel: bool = False,
    again: bool = False,
) -> PlanStep | None:
    """Begin, follow or stop the plan that a state asks for; None where nothing changes."""
    query, _ = options.valid_options(published, state, viewer)
    before = before or {}
    if query.ask is None:
        return PlanStep([], None, False) if before else None
    key = f"{query.selection.query_string()} {query.ask}"
    same = before.get("key") == key
    if same and before.get("over") and not again:
        return None
    box = options.sandbox(published, query, viewer)
    if isinstance(box, NoAnswer):
        return PlanStep([], None, False)
    job = str(before.get("job") or "")
    if same and job and cancel:
        found = planning.stop(box, query.ask, job, viewer)
    elif same and job and not before.get("over"):
        found = planning.follow(box, query.ask, job, viewer)
    else:
        found = planning.begin(box, query.ask, viewer)
    if isinstance(found, NoAnswer):
        return PlanStep(plan_reasons(found), {"key": key, "over": True, "places": []}, False)
    data = {"key": key, "job": found.job, "over": found.over, "places": list(found.places)}
    return PlanStep(plan_answer(found), data, not found.over)


def plan_reasons(why: NoAnswer) -> list:
    return [html.H3(why.title), html.Ul([html.Li(reason) for reason in why.reasons], className="reason")]


def plan_answer(found: Suggestion) -> list:
    """How far the plan is, its sites with who gains, and together against alone."""
    if found.state in ("refused", "failed"):
        return plan_reasons(NoAnswer("Sites cannot be suggested.", found.reasons))
    if not found.sites and not found.over and not found.sentence:
        state = [html.P(found.progress, role="status", className="plan-progress"), button("Stop here", "cancel-plan")]
        return [html.Div(state, className="plan-state")]
    if not found.sites:
        return [html.P(found.sentence or found.progress), *[html.P(note) for note in found.notes]]
    meter = None
    if not found.over:
        meter = html.Progress(
            max="100", value=str(round(100 * (found.share or 0))), **{"aria-label": "How much has been looked through"}
        )
    return [
        html.Div(
            [
                html.P(
                    found.progress, role="status", className="plan-progress proven" if found.over else "plan-progress"
                ),
                meter,
                None if found.over else button("Stop here", "cancel-plan"),
            ],
            className="plan-state",
        ),
        html.P(found.sentence.split(" That is at most")[0].split(" No other choice")[0], className="big-number"),
        html.Ol([_site(card) for card in found.sites], className="plan-sites"),
        html.Div([button("Take as an option", "take", quiet=False)], className="button-row"),
        _alone(found),
        *[html.P(note, className="unit-line") for note in found.notes],
        _who_gains("authority by authority", found.by_authority),
        _who_gains("by fifth of need", found.by_fifth),
    ]


def _who_gains(by: str, rows) -> html.Details:
    lines = [html.Li([html.Strong(row.name), ": ", row.words]) for row in rows]
    return folded(f"Who gains, {by}", html.Ul(lines, className="plain-list"))


def _site(card) -> html.Li:
    name = card.name if card.authority in card.name else f"{card.name}, {card.authority}"
    return html.Li([html.Strong(name), html.P(card.gains), html.P(card.overlap, className="unit-line")])


def _alone(found: Suggestion):
    """Together against each authority alone, in residents and sites."""
    if not found.alone:
        if not found.over:
            return html.P("Comparing with each authority planning for itself …", className="unit-line")
        return None
    numbers = found.alone_numbers or {}
    saved, saving = numbers.get("sites_saved") or 0, numbers.get("saving") or 0
    facts = []
    if found.ask.objective == "mclp" and saving >= 0.5 and found.claims.counts:
        facts.append(found.claims.short(f"{number(saving)} more residents"))
    if saved:
        facts.append(f"{saved} {'site' if saved == 1 else 'sites'} saved")
    return html.Div(
        [
            html.H3("Planned together, or each alone"),
            html.P(html.Strong(", ".join(facts)), className="big-number") if facts else None,
            html.P(found.alone),
        ],
        className="together",
    )


# ---- the option being worked on -----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Shown:
    """Everything that follows from a state."""

    editor: list
    comparison: list
    scene: dict[str, Any] | None


def shown(published: Published, state: Mapping[str, str], viewer: Viewer) -> Shown:
    query, _ = options.valid_options(published, state, viewer)
    box = options.sandbox(published, query, viewer)
    return Shown([], [], None) if isinstance(box, NoAnswer) else shown_of(box, viewer)


def shown_of(box: Sandbox, viewer: Viewer) -> Shown:
    cards = option_results.outcomes(box, viewer)
    return Shown(
        editor(box, cards[box.query.option.key]),
        compared(comparison(box, viewer), box, cards, viewer),
        option_results.map_scene(box, viewer),
    )


def editor(box: Sandbox, card: OptionCard) -> list:
    """The options as buttons, then the chosen one: its name, its changes, what it does."""
    query, option = box.query, box.query.option
    tabs = [
        html.Button(
            o.key,
            type="button",
            className="option-tab",
            **{
                "data-option-do": "choose",
                "data-option": o.key,
                "aria-pressed": "true" if o.key == option.key else "false",
                "aria-label": f"Work on {o.name}",
            },
        )
        for o in query.options
    ]
    free = len(query.options) < len(options.KEYS)
    return [
        html.Div(
            [
                *tabs,
                button("New", "add", label="New empty option") if free else None,
                button("Copy", "copy", label=f"Copy {option.name}") if free and option.changes else None,
                button("Remove", "remove", label=f"Remove {option.name}") if len(query.options) > 1 else None,
            ],
            className="option-tabs",
            role="group",
            **{"aria-label": "Options"},
        ),
        html.Div(
            [
                html.Label(f"Name of option {option.key}", htmlFor="option-name"),
                dcc.Input(
                    id="option-name", value=option.title, maxLength=60, className="text-input", autoComplete="off"
                ),
            ],
            className="option-name",
            **{"data-option-name": option.key},
        ),
        html.H3(f"Changes in option {option.key}", id="option-changes", tabIndex=-1),
        _changes(box, option, card),
        html.P(option_results.option_sentence(box, option, card), role="status", className="option-sentence"),
    ]


def _changes(box: Sandbox, option: Option, card: OptionCard):
    lines = option_results.change_lines(box, option, card)
    if not lines:
        return html.P("None yet.", className="unit-line")
    items = []
    for line in lines:
        mark = html.Span(str(line.number or ""), className=f"site-mark {line.kind}", **{"aria-hidden": "true"})
        resize = None
        if box.uses_capacity and line.kind in ("open", "capacity"):
            resize = capacity_field(line.site, line.words, line.capacity)
        items.append(
            html.Li(
                [
                    mark,
                    html.Span(
                        [line.words, html.Small(line.overlap) if line.overlap else None, resize],
                        className="change-words",
                    ),
                    button("Move", "move", site=line.site, name=line.words, label=f"Move: {line.words}")
                    if line.kind == "open"
                    else None,
                    button("Undo", "undo", site=line.site, kind=line.kind, label=f"Undo: {line.words}"),
                ],
                className="change",
            )
        )
    return html.Ul(items, className="changes")


def capacity_field(site: str, name: str, value: float | None) -> html.Div:
    field = f"capacity-{site}"
    return html.Div(
        [
            html.Label(["Capacity", html.Span(f" of {name}", className="visually-hidden")], htmlFor=field),
            dcc.Input(
                id=field,
                type="number",
                min=0,
                max=1_000_000,
                value="" if value is None else value,
                className="text-input",
            ),
        ],
        className="capacity",
        **{"data-capacity-of": site},
    )


def site_list(published: Published, state: Mapping[str, str], text: str, viewer: Viewer) -> list:
    query, _ = options.valid_options(published, state, viewer)
    box = options.sandbox(published, query, viewer)
    return [] if isinstance(box, NoAnswer) else sites(box, text)


def sites(box: Sandbox, text: str = "") -> list:
    """The existing sites with a tick where they stay open; those that the option changes come first."""
    option, table = box.query.option, box.sites
    kinds: dict[str, dict[str, Any]] = {}
    for change in option.changes:
        kinds.setdefault(change.service_id, {})[change.kind] = change
    words = " ".join(str(text or "").split())[:60].casefold()
    found = (
        table[(table["name"] + " " + table["authority"]).str.casefold().str.contains(words, regex=False)]
        if words
        else table
    )
    found = found.assign(first=~found["service_id"].isin(kinds)).sort_values("first", kind="stable")
    rows = found.head(MOST_SITES).to_dict("records")
    said = f"{len(found):,} of {counted(len(table), 'site')}" if words else counted(len(table), "site")
    if len(found) > len(rows):
        said += f"; the first {len(rows)} are listed. Type part of a name or an authority to find others"
    return [
        html.P(f"{said}.", className="unit-line", role="status"),
        html.Ul([_site_row(box, row, kinds.get(row["service_id"], {})) for row in rows], className="sites"),
    ]


def _site_row(box: Sandbox, row: Mapping[str, Any], changes: Mapping[str, Any]) -> html.Li:
    site, name, is_open = row["service_id"], row["name"], "close" not in changes
    note = "moved" if "move" in changes else "" if is_open else "closed"
    tick = ticked(
        [name, html.Small([row["authority"], f", {note}" if note else ""])],
        "checkbox",
        "site-tick",
        **{
            "aria-checked": "true" if is_open else "false",
            "data-option-do": "close" if is_open else "reopen",
            "data-site": site,
        },
    )
    capacity = changes["capacity"].capacity if "capacity" in changes else row["capacity"]
    return html.Li(
        [
            tick,
            button("Move", "move", site=site, name=name, label=f"Move {name}") if is_open else None,
            capacity_field(site, name, None if capacity != capacity else capacity)
            if box.uses_capacity and is_open
            else None,
        ],
        className="site-row",
    )


# ---- side by side -------------------------------------------------------------------------------------------------------


def compared(table: Comparison, box: Sandbox, cards: Mapping[str, OptionCard], viewer: Viewer) -> list:
    """The options in columns beside today; what is better or worse than today says so in words and sign, not only in colour."""
    chosen = 1 + [option.key for option in box.query.options].index(box.query.option.key)
    head = html.Tr(
        [
            html.Th("Measure", scope="col"),
            *[
                html.Th(name, scope="col", className="number chosen" if n == chosen else "number")
                for n, name in enumerate(table.columns)
            ],
        ]
    )
    bodies = []
    for group in table.groups:
        if not group.rows:
            continue
        rows = [
            html.Tr(
                [
                    html.Th(row.name, scope="row"),
                    *[
                        html.Td(
                            [cell.words, html.Small(cell.note, className=cell.tone) if cell.note else None],
                            className="number chosen" if n == chosen else "number",
                        )
                        for n, cell in enumerate(row.cells)
                    ],
                ]
            )
            for row in group.rows
        ]
        bodies.append(
            html.Tbody(
                [
                    html.Tr(html.Th(group.title, scope="rowgroup", colSpan=1 + len(table.columns)), className="group"),
                    *rows,
                ]
            )
        )
    query = box.query.query_string()
    overlaps = [
        (option, [line for line in option_results.change_lines(box, option, cards[option.key]) if line.overlap])
        for option in box.query.options
    ]
    return [
        confidence_strip(rows_of_gaps(box.gaps), all_cautions(box.gaps), html.H2),
        html.Div(
            [
                html.H2("Options side by side"),
                html.Div(
                    [
                        *[
                            html.A(
                                FORMATS[form].title,
                                href=f"/data/options.{form}?{query}",
                                className="button-quiet",
                                **{"aria-label": f"{FORMATS[form].title}: download the comparison"},
                            )
                            for form in sorted(formats_of("options", in_api=True))
                        ],
                        button("Copy link", "copy-link"),
                        pin_link(viewer, f"/briefings/pin?{urlencode({'kind': 'options', 'view': query})}"),
                        html.Span("", id="option-copied", role="status", className="copied"),
                    ],
                    className="button-row",
                ),
            ],
            className="drawer-head",
        ),
        html.Div(
            html.Table(
                [
                    html.Caption(
                        f"Counted in {table.scope}. Small print: against today. Nothing here is saved to the service lists."
                    ),
                    html.Thead(head),
                    *bodies,
                ],
                className="comparison",
            ),
            className="table-scroll",
            tabIndex=0,
            role="region",
            **{"aria-label": "Options side by side"},
        ),
        *[
            part
            for option, lines in overlaps
            if lines
            for part in (
                html.H3(f"Overlap with existing sites: {option.name}"),
                html.Ul(
                    [html.Li([html.Strong(f"{line.words}: "), line.overlap]) for line in lines], className="plain-list"
                ),
            )
        ],
    ]


def map_key() -> html.Ul:
    """What the marks and colours of the map mean, in words."""
    marks = (
        ("swatch gap-8", "Highest need, poorest access"),
        ("swatch outline", "Underserved"),
        ("swatch relieved", "No longer underserved"),
        ("swatch newly", "Newly underserved"),
        ("site-mark now", "Site today"),
        ("site-mark close", "Closed"),
        ("site-mark move", "Moved here"),
        ("site-mark open", "New"),
        ("site-mark proposed", "Suggested"),
    )
    return html.Ul(
        [html.Li([html.Span(className=mark, **{"aria-hidden": "true"}), words]) for mark, words in marks],
        className="map-key",
        tabIndex=0,  # on a phone it scrolls
    )


def standard_words(box: Sandbox | NoAnswer) -> str:
    if isinstance(box, NoAnswer):
        return ""
    return limit_words(box.gaps) if box.gaps.result.access.limit is not None else ""
