"""``commonground audit``: read the trail, compare it with what was noted outside the database, ask why somebody can see a layer."""

from __future__ import annotations

from pathlib import Path

import click

from dashboard.commands import common
from layers import SYSTEM, Fault, Refused


@click.group(cls=common.Commands)
def audit() -> None:
    """The audit trail: list and verify it; why somebody can, or cannot, see a layer."""


@audit.command("list")
@click.option("--person", default="", help="Only what this account did.")
@click.option("--layer", default="", help="Only about this layer or briefing (its id).")
@click.option("--action", default="", help="Only what begins like this: publish, withdraw, sign-in ...")
@click.option("--since", default="", help="From this day: 2026-04-01.")
@click.option("--until", default="", help="To this day.")
@click.option("--limit", default=200, show_default=True, type=click.IntRange(1, 100_000))
@click.option("--as", "user", default="", help="As this user; left out: everything, as whoever runs the machine.")
@click.option("--format", "form", type=click.Choice(["text", "csv"]), default="text", show_default=True)
@common.json_option
def list_(person, layer, action, since, until, limit, user, form, as_json) -> None:
    """Lines of the trail, newest first."""
    from dashboard.audit.routes import COLUMNS, row_of, search_of, sheet_of
    from dashboard.exports import csv_text

    here = common.published(needs_store=True)
    given = {"person": person, "layer": layer, "action": action, "since": since, "until": until}
    search, errors = search_of(given)
    if errors:
        raise Refused(
            "The trail was not read.", [Fault(text, f"--{name}", "2026-03-31") for name, text in errors.items()]
        )
    lines = here.store.audit(common.viewer_of(here, user) if user else SYSTEM, search=search, limit=limit)
    if as_json:
        common.say_json(
            {"lines": [dict(zip(COLUMNS, row_of(line), strict=True)) | {"detail": line.detail} for line in lines]}
        )
    elif form == "csv":
        click.echo(csv_text(sheet_of(lines)), nl=False)
    else:
        for line in lines:
            version = f" version {line.version}" if line.version else ""
            click.echo(
                f"{line.seq:>7}  {line.at:%Y-%m-%d %H:%M:%S}  {line.by:<20} {line.action:<20} {line.what} {line.thing_id}{version}"
            )


@audit.command("verify")
@click.option(
    "--against",
    type=click.Path(exists=True, path_type=Path),
    help="An extract of the system's log, or a copy of the file.",
)
@common.json_option
def verify(against: Path | None, as_json: bool) -> None:
    """Whether the trail is whole and is the one that was noted outside the database. Exit status 1 when it is not."""
    from layers import check_trail, faults_against_anchor, noted_in_anchor

    here = common.published(needs_store=True)
    anchor = here.store.anchor
    noted = list(noted_in_anchor(against.read_text("utf-8", "replace")) if against else anchor.noted())
    where = str(against or anchor.file or anchor.where)
    with here.store.reading() as connection:
        faults = [*check_trail(connection), *faults_against_anchor(connection, noted, where)]
    if as_json:
        common.say_json(
            {
                "ok": not faults,
                "noted": len(noted),
                "anchor": where,
                "faults": [common.fault_document(f) for f in faults],
            }
        )
    elif faults:
        for fault in faults:
            click.echo(str(fault))
    else:
        click.echo(f"The trail is whole. {len(noted):,} of its lines were compared with {where}.")
    if faults:
        raise SystemExit(1)


@audit.command("forget")
@click.option("--days", required=True, type=int, help="Forget the people of sign-in lines that are older than this.")
@click.option("--by", "user", required=True, help="The admin who does it.")
@common.json_option
def forget(days: int, user: str, as_json: bool) -> None:
    """Forget who signed in long ago; what was published, and by whom, stays. Meant for a daily job."""
    from layers import forget_sign_ins

    here = common.published(to_write=True)
    count = forget_sign_ins(here.store, by=common.viewer_of(here, user), days=days)
    if as_json:
        common.say_json({"ok": True, "lines": count})
    else:
        click.echo(f"{count:,} lines were forgotten.")


@audit.command("why")
@click.argument("layer_id", metavar="LAYER|BRIEFING")
@click.option("--user", "person", default="", help="The account; left out: the public.")
@click.option("--version", type=click.IntRange(min=1), help="A version; left out: the one that is shown.")
@click.option("--as", "user", default="", help="The admin who asks; left out: whoever runs the machine.")
@common.json_option
def why_(layer_id: str, person: str, version: int | None, user: str, as_json: bool) -> None:
    """Why somebody can, or cannot, see a layer or a briefing: which rule decides, and what it went by.

    Where both have the id, the layer is meant; briefing:ID means the briefing.
    """
    from layers import why

    here = common.published()
    by = common.viewer_of(here, user) if user else SYSTEM
    found = why(here.store, layer_id, common.viewer_of(here, person), asked_by=by, version=version)
    if as_json:
        common.say_json(
            {
                "what": found.what,
                "seen": found.seen,
                "decided_by": found.decided_by,
                "sentence": found.sentence,
                "facts": dict(found.facts),
            }
        )
        return
    click.echo(found.sentence)
    for name, text in (("Decided by", found.decided_by), *found.facts):
        click.echo(f"  {name}: {text}")
