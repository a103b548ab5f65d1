"""``commonground gaps``, ``together`` and ``site``: the numbers of the gap view, from the same view functions as the screen.

Each prints a table that can be read; ``--format json|csv|geojson`` (or ``--json``) prints a document and nothing else.
"""

from __future__ import annotations

from datetime import date
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING

import click

from dashboard.commands.asking import Answer, asks, option, selection_of
from dashboard.commands.common import Commands, FormatChoice, bar, json_option, published, say, say_json, viewer_of
from dashboard.exports import INDENTED, write, write_whole
from dashboard.question import FIELDS, GAPS, SITES, TOGETHER
from layers import Fault, Refused, SitingRequest

if TYPE_CHECKING:
    import pandas as pd


def files(kind: str):
    """Options that all three commands know besides the question: whose view, and in what form."""

    def decorate(function):
        @click.option("--as", "user", default="", help="As this user; left out: as the public.")
        @click.option("--format", "form", default="table", show_default=True, type=FormatChoice(kind, "table"))
        @click.option("--out", type=click.Path(path_type=Path), help="File to write; left out: standard output.")
        @json_option
        @wraps(function)
        def wrapped(*args, as_json: bool, form: str, **kwargs):
            return function(*args, form="json" if as_json else form, **kwargs)

        return wrapped

    return decorate


TRAVEL = {
    "travel": {
        "type": str,
        "help": "Travel times instead of distance: a CSV or Parquet file, or the id of a stored table.",
    }
}


@click.command()
@asks(GAPS, TRAVEL)
@files("gaps")
def gaps(robustness, travel, user, form, out, **given) -> None:
    """Need against access: underserved communities, shared gaps, and how sure they are.

    The travel-time table has the columns origin (area code), destination (service id) and minutes; the columns of r5py
    (from_id, to_id, travel_time) are understood too.
    """
    from dashboard.views import gap_files
    from dashboard.views.gaps import check_period, gaps_for, request_of

    here = published()
    table, stored = _travel(travel, GAPS)
    selection = selection_of(given | {"travel": stored})
    request = request_of(here, selection, robustness=robustness)
    viewer = viewer_of(here, user)
    check_period(here, viewer, selection.needs, selection.period)
    areas = len(here.region.areas[selection.level])
    with bar("draws", robustness, shown=robustness * areas > 2_000_000) as moved:
        found = gaps_for(here, request, viewer, period=selection.period, travel=table, progress=moved)
    if form == "table":
        return _say(lines_of(_gap_lines(found)), out)
    return _say(write(gap_files.gaps_export(found, date.today().isoformat()), form, layout=INDENTED), out)


@click.command()
@asks(TOGETHER, {"need": {"help": "With need: which gaps exist only when looking alone."}})
@files("together")
def together(user, form, out, **given) -> None:
    """Alone against together: who is nearer to another authority's service, and what looking alone misjudges."""
    from dashboard.views import gap_files
    from dashboard.views.gaps import check_period
    from dashboard.views.together import together_of

    here, selection = published(), selection_of(given)
    viewer = viewer_of(here, user)
    check_period(here, viewer, selection.needs, selection.period)
    found = together_of(here, selection, viewer)
    if form == "table":
        return _say(lines_of(_together_lines(found)), out)
    return _say(write(gap_files.together_export(found, date.today().isoformat()), form, layout=INDENTED), out)


@click.command()
@asks(SITES, TRAVEL)
@click.option("--candidates", type=click.Path(path_type=Path), help="Places to choose from: code, easting, northing.")
@click.option("--greedy", is_flag=True, help="Only the quick answer, without a proof.")
@click.option("--time-limit", default=20.0, show_default=True, type=click.FloatRange(0.1, 3600), help="Seconds.")
@files("plan")
def site(new, objective, demand, exclude, travel, candidates, greedy, time_limit, user, form, out, **given) -> None:
    """Where new sites help most, planned together and by each authority alone."""
    from dashboard.views import gap_files, siting
    from dashboard.views.gaps import check_period, request_of

    here = published()
    viewer = viewer_of(here, user)
    table, stored = _travel(travel, SITES)
    selection = selection_of(given | {"travel": stored})
    check_period(here, viewer, selection.needs, selection.period)
    request = SitingRequest(
        request_of(here, selection, robustness=0),
        new,
        objective,
        demand,
        exclude,
        exact=not greedy,
        time_limit=time_limit,
    )
    places = None if candidates is None else _read_table(candidates, {"code": str, "lad_code": str, "ward_code": str})
    plan = siting.plan_sites(here, request, viewer, period=selection.period, candidates=places, travel=table)
    if form == "table":
        return _say(lines_of(_plan_lines(plan)), out)
    return _say(
        write(gap_files.plan_export(plan.document(), plan.claims, date.today().isoformat()), form, layout=INDENTED), out
    )


# ---- travel-time tables ---------------------------------------------------------------------------------------------


@click.group(cls=Commands)
def travel() -> None:
    """Travel-time tables in place of distance, kept in the region pack for everybody."""


@travel.command("add")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--id", "table_id", required=True, help="Its name in links: small letters, digits, hyphens.")
@click.option("--title", required=True, help="What people choose it by, for example “By bus, Tuesday 9 am”.")
@option(FIELDS["services"], TOGETHER, help="Lists of services that it leads to.")
@option(FIELDS["level"], TOGETHER)
@click.option("--source", default="", help="Who made it, with what, and its licence.")
@click.option("--note", default="", help="What else people should know.")
@click.option("--as", "user", default="", help="As this user, for services that are not public.")
@json_option
def travel_add(file, table_id, title, services, level, source, note, user, as_json) -> None:
    """Check FILE (CSV or Parquet) and store it in the region pack; a table of that id is replaced."""
    from layers import add_travel

    here = published()
    viewer = viewer_of(here, user)
    frames = [here.store.services(name, viewer) for name in services]
    ids = [str(each) for frame in frames for each in frame["service_id"][frame["easting"].notna()]]
    table = add_travel(
        here.region.path, file, table_id, title=title, level=level, services=services,
        codes=here.region.codes(level).astype(str).tolist(), service_ids=ids, source=source, note=note,
    )  # fmt: skip
    say(as_json, {"ok": True, "travel": _table_document(table)}, f"stored {table.id}: {table.title}", err=True)


@travel.command("list")
@json_option
def travel_list(as_json) -> None:
    """The travel-time tables of the region pack."""
    from layers import travel_faults, travel_tables

    pack = published().region.path
    tables = travel_tables(pack)
    if as_json:
        say_json({"travel": [_table_document(table) for table in tables]})
        return
    for table in tables:
        click.echo(f"{table.id}: {table.title} ({table.level} to {', '.join(table.services)})")
    for fault in travel_faults(pack):
        click.echo(str(fault), err=True)


def _table_document(table) -> dict:
    names = ("id", "title", "level", "source", "note")
    return {name: getattr(table, name) for name in names} | {"services": list(table.services)}


# ---- in and out -----------------------------------------------------------------------------------------------------


def _travel(text: str, who: str) -> tuple[pd.DataFrame | None, str]:
    """The table of a file, or the id of a stored one: what names a file that is there is a file."""
    from layers import read_travel_file

    path = Path(text)
    if text and (path.is_file() or path.suffix.lower() in (".csv", ".parquet")):
        return read_travel_file(path), ""
    return None, Answer(FIELDS["travel"], who).convert(text, None, None)


def _read_table(path: Path, kinds: dict):
    """A CSV or Parquet file of the user's own. Raises Refused when it cannot be read."""
    import pandas as pd

    try:
        if path.suffix.lower() == ".parquet":
            return pd.read_parquet(path)
        return pd.read_csv(path, dtype=kinds)
    except (OSError, ValueError) as error:
        fault = Fault(f"{path.name}: {error}", "file", "hand in a CSV or Parquet file")
        raise Refused("The file cannot be read.", [fault]) from None


def lines_of(lines: list[str]) -> bytes:
    return ("\n".join(lines) + "\n").encode()


def _say(data: bytes, out: Path | None) -> None:
    if out is None:
        click.echo(data, nl=False)
    else:
        write_whole(out, data)
        click.echo(f"wrote {out}", err=True)


# ---- tables for people ----------------------------------------------------------------------------------------------


def _gap_lines(found) -> list[str]:
    from dashboard.views.gap_words import notes_of, rule_sentence, summary_sentence, vanishing_sentence
    from dashboard.views.gaps import across_sentence
    from dashboard.views.wording import sure_percent

    lines = [*_notice(found), rule_sentence(found), summary_sentence(found)]
    lines += [text for text in (vanishing_sentence(found), *notes_of(found)) if text]
    if found.cards:
        head = ("", "Community", "Residents", "Areas", "Need", "Access", "Stability", "Authorities")
        rows = [
            (
                f"{card.rank}{'*' if card.shared else ''}",
                card.place,
                f"{card.residents:,.0f}" if found.claims.counts else "–",
                f"{card.areas:,}",
                "–" if card.need is None else f"{card.need:.0f}",
                card.access_short,
                "" if card.stability is None else _sure(card.stability_word, sure_percent(card.stability)),
                card.authorities_words,
            )
            for card in found.cards
        ]
        lines += ["", *_table(head, rows, right=(2, 3, 4))]
        if any(card.shared for card in found.cards):
            lines += ["", "* shared between authorities"]
        close = [f"{card.name}: {across_sentence(found, card.id)}" for card in found.cards if card.id in found.across]
        lines += ["", *close] if close else []
    return [*lines, *_cautions(found)]


def _sure(word: str, share: str) -> str:
    return f"{word} ({share})" if word else share


def _together_lines(found) -> list[str]:
    from dashboard.views.together import CAUTION, together_sentence

    lines = [*_notice(found), together_sentence(found), CAUTION, ""]
    head = ("Authority", "Services", "Residents", "Nearer elsewhere", "Misjudged", "Mean alone", "Mean together")
    km = lambda metres: "–" if metres is None else f"{metres / 1000:,.1f} km"  # noqa: E731
    rows = [
        (
            card.name,
            f"{card.services:,}",
            f"{card.residents:,.0f}",
            f"{card.residents_nearer_elsewhere:,.0f}" if found.claims.counts else "–",
            "–" if card.residents_misjudged is None or not found.claims.counts else f"{card.residents_misjudged:,.0f}",
            km(card.mean_alone_m),
            km(card.mean_together_m),
        )
        for card in found.cards
    ]
    lines += _table(head, rows, right=(1, 2, 3, 4, 5, 6))
    if found.flows:
        lines += ["", *(flow.words for flow in found.flows[:10] if flow.words)]
    return [*lines, *_cautions(found)]


def _plan_lines(plan) -> list[str]:
    from dashboard.views import siting
    from dashboard.views.gap_words import rule_sentence

    lines = [*_notice(plan), rule_sentence(plan.gaps), siting.plan_sentence(plan)]
    lines += [text for text in (siting.alone_sentence(plan), *siting.plan_notes(plan)) if text]
    for card in siting.site_cards(plan):
        lines += [
            "",
            f"{card.rank}. {card.name}",
            f"   {card.gains}",
            f"   {card.overlap}",
        ]
    for title, rows in (("By authority", siting.gains_by_authority(plan)), ("By need", siting.gains_by_fifth(plan))):
        lines += ["", title, *_table(("", ""), [(row.name, row.words) for row in rows], right=())[1:]]
    return [*lines, *_cautions(plan)]


def _cautions(found) -> list[str]:
    """What to know before quoting it."""
    from dashboard.views.confidence import all_cautions

    said = all_cautions(found)
    return ["", "Before you quote this:", *(f"- {text}" for text in said)] if said else []


def _notice(found) -> list[str]:
    notice = found.published.region.notice
    return [notice, ""] if notice else []


def _table(head, rows, right) -> list[str]:
    """Columns as wide as their widest cell; numbers to the right."""
    cells = [tuple(map(str, row)) for row in (head, *rows)]
    width = [max(len(row[k]) for row in cells) for k in range(len(head))]
    lines = []
    for row in cells:
        parts = [text.rjust(width[k]) if k in right else text.ljust(width[k]) for k, text in enumerate(row)]
        lines.append("  ".join(parts).rstrip())
    return lines
