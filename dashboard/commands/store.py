"""``commonground check``, ``backup`` and ``restore``: is the store whole, a copy of it as one file, and the way back."""

from __future__ import annotations

import itertools
from pathlib import Path

import click

from dashboard import settings
from dashboard.commands import common
from dashboard.views.wording import counted


@click.command()
@common.json_option
def check(as_json: bool) -> None:
    """Integrity of the store; exit status 1 and a plain list when something is wrong. Changes nothing."""
    from layers import check_store

    here = common.published(needs_store=True)
    faults = check_store(here.store)
    if as_json:
        common.say_json({"ok": not faults, "faults": [common.fault_document(fault) for fault in faults]})
    elif not faults:
        click.echo("The store is whole: every version is there and reads as it was published.")
    else:
        for fault in faults:
            click.echo(str(fault))
    if faults:
        raise SystemExit(1)


@click.command()
@click.option("--out", required=True, type=click.Path(path_type=Path, dir_okay=False), help="The file to write.")
@common.json_option
def backup(out: Path, as_json: bool) -> None:
    """The whole store as one file, while people work; it is read again and checked before it gets its name.

    It holds everything but the secret key and the region pack. A backup of that name is replaced.
    """
    from layers import write_backup

    here = common.published(needs_store=True)
    _say(write_backup(here.store, out.absolute()), as_json, f"wrote {out}")


@click.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@common.json_option
def restore(file: Path, as_json: bool) -> None:
    """Make the store of an empty home, or of an empty database, from the backup FILE.

    Refused when one byte of the file was changed, for another region, and where there is a store already.
    """
    from layers import load_region, restore_backup

    chosen = settings.from_environment(to_read=True)
    region = load_region(chosen.region)
    done = restore_backup(file, chosen.database_url, region, marker=chosen.marker)
    set_aside(chosen.anchor.file)
    if aside := chosen.anchor.set_aside():
        click.echo(f"What was noted of the lost store's audit trail is kept in {aside}.", err=True)
    _say(done, as_json, f"The store of {region.name} is as it was")


def set_aside(notes: Path | None) -> None:
    """The notes on the lost store's audit trail tell of lines that no backup holds: they are kept, under another name."""
    if notes is not None and notes.exists():
        number = next(n for n in itertools.count(1) if not notes.with_name(f"{notes.name}.before-restore-{n}").exists())
        notes.rename(notes.with_name(f"{notes.name}.before-restore-{number}"))
        click.echo(f"kept the notes on the audit trail of before as {notes.name}.before-restore-{number}", err=True)


def _say(done, as_json: bool, lead: str) -> None:
    from layers import backup_made_on

    if as_json:
        names = ("store", "region_id", "schema_version", "made_at", "bytes", "sha256", "rows")
        common.say_json({"ok": True, "file": done.file, **{name: getattr(done, name) for name in names}})
        return
    kept = counted(done.rows["versions"], "version of a layer", "versions of layers")
    click.echo(f"{lead} on {backup_made_on(done)}: {kept}, {counted(done.rows['users'], 'account')}.")
