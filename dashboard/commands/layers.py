"""``commonground layers``: validate, publish, list, history, roll back, withdraw.

Everything that the publishing pages do, for a monthly feed. Who publishes is named by ``--by``: being on the machine is the
proof, and what that account may do is asked of the store as it is in the browser.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import click

from dashboard.commands import common
from dashboard.commands.common import Commands
from dashboard.commands.count import layers_count
from dashboard.exports import write_whole
from layers import KEYS, Fault, NotFound, NotPermitted, Package, Refused, Viewer

PACKAGE = click.Path(exists=True, path_type=Path)


@click.group(cls=Commands)
def layers() -> None:
    """Layers: check a file, publish it, list layers, see their history, undo."""


def file_options(function):
    """What may be said about a file beside what stands in it."""
    for option in (
        click.option("--sheet", default="", help="Sheet of a workbook; asked where several hold a table."),
        click.option(
            "--recipe",
            type=click.Path(exists=True, path_type=Path, dir_okay=False),
            help="What is to be known about the file, as a TOML file: see docs/recipes.md.",
        ),
        click.option(
            "--set",
            "said",
            multiple=True,
            metavar="KEY=VALUE",
            help="Say or correct one key of the format: --set vintage=2021, --set columns.value=Rate. May be repeated.",
        ),
        click.option(
            "--rejected",
            type=click.Path(path_type=Path, dir_okay=False),
            help="Write the rows that are kept out, with the reasons, to this CSV file.",
        ),
    ):
        function = option(function)
    return function


# ---- validate --------------------------------------------------------------------------------------------------------


@layers.command("validate")
@click.argument("package", type=PACKAGE)
@file_options
@common.json_option
@click.option("--as", "user", default="", help="Compare with the version now published, as this user may see it.")
def layers_validate(
    package: Path,
    sheet: str,
    recipe: Path | None,
    said: tuple[str, ...],
    rejected: Path | None,
    as_json: bool,
    user: str,
) -> None:
    """Check a PACKAGE (folder, zip, CSV, workbook, GeoJSON or GeoPackage) and publish nothing.

    Exit status 1 when something in it stops it from being published.
    """
    previous = None
    if user:
        here = common.published()
        region, viewer = here.region, common.viewer_of(here, user)
        hints = hints_of(package, recipe, sheet, said)
        report = inspected(package, region, hints)
        if report.descriptor is not None and (previous := before(here, report.descriptor.id, viewer)) is not None:
            report = inspected(package, region, hints, previous)
    else:
        report = inspected(package, common.here_region(), hints_of(package, recipe, sheet, said))
    write_rejected(report, rejected)
    common.say(as_json, report.to_json(), "\n".join(report_lines(report)))
    if not report.ok:
        raise SystemExit(1)


def inspected(path: Path, region, hints: Mapping[str, Any], previous: Package | None = None):
    """The report on a file, with what was said of it."""
    from layers import inspect_upload

    return inspect_upload(path, region, hints=hints, previous=previous)


def hints_of(path: Path, recipe: Path | None, sheet: str, said: tuple[str, ...]) -> dict[str, Any]:
    """What is said of a file: by its descriptor beside it, by a recipe, by ``--set`` and ``--sheet``, the later ones first."""
    from layers import read_recipe

    hints = descriptor_beside(path)
    if recipe is not None:
        for name, value in read_recipe(recipe).items():
            inner = hints.get(name)
            both = isinstance(inner, Mapping) and isinstance(value, Mapping)
            hints[name] = {**inner, **value} if both else value
    for text in said:
        name, equals, value = text.partition("=")
        if not equals or not name.strip():
            raise click.BadParameter(f"'{text}' is not KEY=VALUE", param_hint="--set")
        try:
            meant = json.loads(value)
        except ValueError:
            meant = value
        group, _, key = name.strip().partition(".")
        if key:
            inner = hints.get(group)
            hints[group] = (dict(inner) if isinstance(inner, Mapping) else {}) | {key: meant}
        else:
            hints[group] = meant
    if sheet:
        hints["sheet"] = sheet
    return hints


def descriptor_beside(path: Path) -> dict[str, Any]:
    """What ``crime.datapackage.json`` says about ``crime.csv``, as hints; nothing for folders, zips and lone files."""
    if path.is_dir():
        return {}
    file = path.with_name(f"{path.stem}.datapackage.json")
    if file == path or not file.is_file():
        return {}
    try:
        document = json.loads(file.read_bytes())
    except ValueError as error:
        raise Refused(f"{file.name} cannot be read.", [Fault(f"is not JSON: {error}", file.name)]) from error
    ours = document.get("commonground") if isinstance(document, dict) else None
    if not isinstance(ours, dict):
        todo = "see docs/layer-package.md"
        raise Refused(f"{file.name} cannot be used.", [Fault("has no object 'commonground'", file.name, todo)])
    beside = (key.path[0] for key in KEYS.values() if not key.place)
    return {name: document[name] for name in beside if name in document} | ours


def before(here, layer_id: str, viewer: Viewer) -> Package | None:
    """The package of the version now shown, for those who may change the layer; None for others and for a new layer."""
    try:
        return here.store.original(layer_id, viewer)
    except (NotFound, NotPermitted):
        return None


def write_rejected(report, file: Path | None) -> None:
    from dashboard.views.wording import counted

    if file is not None:
        write_whole(file, report.rejected_csv())
        click.echo(
            f"wrote {counted(len(report.rejected), 'row that is', 'rows that are')} kept out to {file}", err=True
        )


def report_lines(report) -> list[str]:
    """The whole report for people: what the file is, which boundaries, coverage, every fault, the sentence."""
    from dashboard.views.wording import counted

    lines = [f"{report.filename}: {report.format or 'not a known format'}, {report.size:,} bytes"]
    if report.kind:
        lines.append(f"Kind: {report.kind}")
    for guess in report.guesses:
        lines.append(f"Column {guess.header!r} is {guess.role}" + (f": {guess.reason}" if guess.reason else ""))
    if report.geography:
        lines.append(f"Boundaries: {report.geography.sentence}")
        if report.question:
            lines.append(f"Question: {report.question}")
            for level, year in report.geography.choices:
                lines.append(f"  answer with --set level={level} --set vintage={year}")
    if report.counts:
        lines.append("Counts: " + ", ".join(f"{name} {number:,}" for name, number in report.counts.items()))
    if len(report.coverage):
        lines.append("Coverage:")
        for row in report.coverage.to_dict("records"):
            told = (
                counted(row["services"], "service")
                if "services" in row
                else f"{row['with_value']:,} of {counted(row['areas'], 'area')} have a value"
                + (f", {row['suppressed']:,} withheld" if row["suppressed"] else "")
            )
            lines.append(f"  {row['name']}: {told}")
    lines += question_lines(report)
    for title, faults in (("Errors", report.errors), ("To know about", report.warnings)):
        if faults:
            lines.append(f"{title}:")
            lines += [f"  {fault}" for fault in faults]
    return [*lines, f"{report.sentence[:1].upper()}{report.sentence[1:]}"]


def question_lines(report) -> list[str]:
    """The open questions of how a file is read and what the layer is, each choice with the line of a recipe that answers it."""
    lines = []
    for question in report.open_questions:
        lines.append(f"Question ({question.key}): {question.words}")
        for choice in question.choices or ():
            lines += [f"  {choice.words}", *(f"    {one}" for one in choice.set.splitlines())]
        if question.choices is None:
            lines.append(f"    {question.key} = ...")
    return lines


# ---- publish ---------------------------------------------------------------------------------------------------------


@layers.command("publish")
@click.argument("package", type=PACKAGE)
@click.option("--by", "user", required=True, help="The account that publishes it.")
@click.option("--note", default="", help="What is new, for the history.")
@click.option("--at", "moment", default="", help="Show it from then on: 2026-04-01, or 2026-04-01T09:30 (UK time).")
@click.option("--append", is_flag=True, help="Keep the periods of the version shown that this file does not bring.")
@click.option("--checked-by", default="", help="The account of the colleague who has checked it.")
@click.option("--review-on", default="", help="The day on which to look at it again: 2027-03-31.")
@click.option(
    "--expecting", type=int, default=None, help="Refuse if another than this is the newest version; 0: a new layer."
)
@file_options
@common.json_option
def layers_publish(
    package: Path,
    user: str,
    note: str,
    moment: str,
    append: bool,
    checked_by: str,
    review_on: str,
    expecting: int | None,
    sheet: str,
    recipe: Path | None,
    said: tuple[str, ...],
    rejected: Path | None,
    as_json: bool,
) -> None:
    """Check a PACKAGE, a bare file or the files of a manifest (TOML), and publish each as the next version of its layer.

    Whole or not at all. Exit status 1, with every reason, when it is refused; then nothing has changed. Where something is not
    said, or can be read in two ways, the questions are listed with the lines of a recipe that answer them.
    """
    at = moment_of(moment)
    here = common.published(to_write=True)
    by = common.viewer_of(here, user)
    checker = checker_of(here, checked_by, by)
    if (manifest := manifest_of(package)) is not None:
        publish_all(here, by, manifest, {"note": note, "at": at, "append": append, "checked_by": checker}, as_json)
        return
    hints = hints_of(package, recipe, sheet, said)
    report = report_for(here, by, package, hints)
    write_rejected(report, rejected)
    if not report.ok:
        if report.format and report.open_questions:
            ask(here, by, report, hints, as_json)
        refuse_file(here, by, report)
    from dashboard.publishing.reports import checks_of

    done = here.store.publish(
        report.package,
        checks=checks_of(report),
        by=by,
        note=note,
        at=at,
        append=append,
        expecting=expecting,
        checked_by=checker,
        review_on=review_on,
    )
    if as_json:
        common.say_json(
            {
                "ok": True,
                "layer": done.layer_id,
                "version": done.version,
                "published_at": done.published_at,
                "effective_at": done.effective_at,
                "published_by": by.user,
                "checked_by": checker,
                "kept_out": len(report.rejected),
                "warnings": [common.fault_document(fault) for fault in (*report.warnings, *done.warnings)],
                "report": done.report,
                "changes": done.changes,
            }
        )
        return
    for fault in (*report.warnings, *done.warnings):
        click.echo(f"to know about: {fault}", err=True)
    for sentence in done.report.get("sentences", ()):
        click.echo(sentence)
    for sentence in change_lines(done.changes):
        click.echo(sentence)
    shown = (
        "is shown now"
        if done.effective_at <= done.published_at
        else f"is shown from {done.effective_at:%d %B %Y %H:%M} UTC"
    )
    click.echo(f"Version {done.version} of '{done.layer_id}' is published and {shown}.")


def report_for(here, by: Viewer, package: Path, hints: Mapping[str, Any]):
    """The report on a file, compared with the version of its layer that is shown."""
    report = inspected(package, here.region, hints)
    if report.descriptor is not None and (previous := before(here, report.descriptor.id, by)) is not None:
        report = inspected(package, here.region, hints, previous)
    return report


def manifest_of(package: Path) -> Path | None:
    """The manifest of many layers that PACKAGE is, or that lies in it as manifest.toml; None where it is a layer."""
    if package.is_dir():
        inside = package / "manifest.toml"
        return inside if inside.is_file() and not (package / "datapackage.json").exists() else None
    return package if package.suffix.lower() == ".toml" else None


def publish_all(here, by: Viewer, manifest: Path, how: Mapping[str, Any], as_json: bool) -> None:
    """Publish every layer of a manifest, each whole or not at all; exit status 1 when one of them was refused."""
    from dashboard.publishing.reports import checks_of
    from layers import read_manifest_of_layers, write_recipe

    told = []
    for file, recipe, layer_id in read_manifest_of_layers(manifest):
        one: dict[str, Any] = {"file": file.name, "ok": False}
        told.append(one)
        try:
            hints = hints_of(file, recipe, "", ()) | ({"name": layer_id} if layer_id else {})
            report = report_for(here, by, file, hints)
            if not report.ok:
                if report.format and report.open_questions:
                    one["questions"] = [question.to_json() for question in report.open_questions]
                    one["recipe"] = write_recipe(hints)
                raise refusal_of(here, by, report)
            done = here.store.publish(report.package, checks=checks_of(report), by=by, **how)
        except Refused as refused:
            one |= {"title": refused.title, "faults": [common.fault_document(fault) for fault in refused.faults]}
            click.echo(str(refused), err=True)
            continue
        one |= {"ok": True, "layer": done.layer_id, "version": done.version, "kept_out": len(report.rejected)}
    good = all(one["ok"] for one in told)
    lines = [f"Version {one['version']} of '{one['layer']}' is published." for one in told if one["ok"]]
    common.say(as_json, {"ok": good, "layers": told}, "\n".join(lines))
    if not good:
        raise SystemExit(1)


def ask(here, by: Viewer, report, hints: Mapping[str, Any], as_json: bool) -> None:
    """Say which questions are open, with the recipe as far as it goes, and stop."""
    from layers import write_recipe

    refused = refusal_of(here, by, report)
    if as_json:
        common.say_json(
            {
                "ok": False,
                "title": refused.title,
                "questions": [question.to_json() for question in report.open_questions],
                "recipe": write_recipe(hints),
                "faults": [common.fault_document(fault) for fault in refused.faults],
            }
        )
    else:
        for words in question_lines(report):
            click.echo(words, err=True)
    click.echo(str(refused), err=True)
    raise SystemExit(1)


def refuse_file(here, by: Viewer, report) -> None:
    """Leave the audit line of a refused file, and refuse it with every reason."""
    raise refusal_of(here, by, report)


def refusal_of(here, by: Viewer, report) -> Refused:
    faults = list(report.errors)
    if report.question:
        faults.append(Fault(report.question, report.filename, "answer with --set", rule="question"))
    if not faults:
        faults.append(Fault("it does not say enough to be published", report.filename, "see: layers validate"))
    detail = {
        "file": report.filename,
        "sha256": report.sha256,
        "faults": [str(fault) for fault in faults[:20]],
    }
    layer_id = report.descriptor.id if report.descriptor is not None else None
    here.store.note("upload-refused", by=by, layer_id=layer_id, detail=detail)
    return Refused(f"{report.filename} was not published: {report.sentence}", faults)


def checker_of(here, name: str, by: Viewer) -> str:
    """The account that checked a layer: one that exists, and not the publisher's own."""
    if not name:
        return ""
    checker = common.viewer_of(here, name).user
    if checker == by.user:
        fault = Fault("nobody checks their own work", "--checked-by", "name the colleague who looked at it")
        raise Refused("The layer was not published.", [fault])
    return checker


def moment_of(text: str) -> datetime | None:
    """``--at`` in UTC. A moment without a zone is UK time; a day is its first minute."""
    if not text:
        return None
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise click.BadParameter(
            f"'{text}' is not a date: write 2026-04-01 or 2026-04-01T09:30", param_hint="--at"
        ) from None
    if at.tzinfo is not None:
        return at.astimezone(UTC)
    try:
        return at.replace(tzinfo=ZoneInfo("Europe/London")).astimezone(UTC)
    except ZoneInfoNotFoundError:
        raise click.BadParameter(
            "this machine does not know UK time: add +00:00 or +01:00", param_hint="--at"
        ) from None


def change_lines(changes: Mapping[str, Any]) -> list[str]:
    """What a version changed against the one before, in sentences."""
    from dashboard.views.wording import counted

    if not changes:
        return []
    against = f"Against version {changes['against']}"
    if "sites_added" in changes:
        return [
            f"{against}: {counted(changes['sites_added'], 'site')} added, {changes['sites_gone']:,} gone, "
            f"{changes['sites_moved']:,} moved."
        ]
    lines = []
    for key, words in (("periods_added", "new"), ("periods_gone", "gone")):
        if changes.get(key):
            lines.append(f"{against}: {words}: {', '.join(map(str, changes[key]))}.")
    if "areas_changed" in changes:
        lines.append(
            f"{against}, {changes['level']} {changes['period']}".rstrip()
            + f": {counted(changes['areas_changed'], 'area')} changed, {changes['areas_gained']:,} gained a value, "
            f"{changes['areas_lost']:,} lost theirs."
        )
        lines += [f"  {move['area_code']}: {move['before']:g} to {move['after']:g}" for move in changes["largest"]]
    return lines


# ---- list and history ------------------------------------------------------------------------------------------------


@layers.command("list")
@common.json_option
@click.option("--as", "user", default="", help="As this user; left out: as the public.")
def layers_list(as_json: bool, user: str) -> None:
    """Layers that the public, or USER, may see."""
    from dashboard.views.layers import layer_document
    from dashboard.views.wording import counted

    here = common.published()
    found = here.store.layers(common.viewer_of(here, user))
    if as_json:
        common.say_json({"layers": [layer_document(here, layer) for layer in found]})
        return
    for layer in found:
        levels = counted(layer.sites, "site") if layer.kind == "services" else ", ".join(layer.levels)
        click.echo(f"{layer.id:<36} v{layer.version:<3} {layer.title}  [{levels}]")


@layers.command("history")
@click.argument("layer_id", metavar="ID")
@common.json_option
@click.option("--as", "user", default="", help="As this user; left out: as the public.")
def layers_history(layer_id: str, as_json: bool, user: str) -> None:
    """Versions of one layer, newest first."""
    here = common.published()
    versions = here.store.history(layer_id, common.viewer_of(here, user))
    if as_json:
        common.say_json({"layer": layer_id, "versions": [version_document(version) for version in versions]})
        return
    for version in versions:
        checked = f", checked by {version.checked_by}" if version.checked_by else ""
        when = f"{version.effective_at:%Y-%m-%d %H:%M}"
        note = f"  {version.note}" if version.note else ""
        click.echo(f"v{version.version:<3} {version.state:<11} {when}  {version.published_by}{checked}{note}")


def version_document(version) -> dict[str, Any]:
    names = (
        "version", "state", "published_at", "effective_at", "published_by", "checked_by", "review_on", "note", "periods",
        "levels", "file_sha256", "values_sha256", "changes", "report",
    )  # fmt: skip
    return {name: getattr(version, name) for name in names}


# ---- undo ------------------------------------------------------------------------------------------------------------


@layers.command("rollback")
@click.argument("layer_id", metavar="ID")
@click.option("--to", "version", type=int, required=True, help="The version to show again.")
@click.option("--by", "user", required=True, help="The account that does it.")
@click.option("--reason", required=True, help="Why, in a sentence.")
@common.json_option
def layers_rollback(layer_id: str, version: int, user: str, reason: str, as_json: bool) -> None:
    """Show an earlier version again, and cancel those that wait for their date."""
    here = common.published(to_write=True)
    here.store.rollback(layer_id, to=version, by=common.viewer_of(here, user), reason=reason)
    undone = {"ok": True, "layer": layer_id, "version": version, "reason": reason.strip()}
    common.say(as_json, undone, f"Version {version} of '{layer_id}' is shown again.")


@layers.command("withdraw")
@click.argument("layer_id", metavar="ID")
@click.option("--by", "user", required=True, help="The account that does it.")
@click.option("--reason", required=True, help="Why, in a sentence; people who follow a link to the layer will read it.")
@common.json_option
def layers_withdraw(layer_id: str, user: str, reason: str, as_json: bool) -> None:
    """Show a layer to nobody until it is published or rolled back again."""
    here = common.published(to_write=True)
    here.store.withdraw(layer_id, by=common.viewer_of(here, user), reason=reason)
    undone = {"ok": True, "layer": layer_id, "withdrawn": True, "reason": reason.strip()}
    back = f"Bring it back with: commonground layers rollback {layer_id} --to N ..."
    common.say(as_json, undone, f"'{layer_id}' is withdrawn. {back}")


@layers.command("follow")
@click.argument("layer_id", metavar="ID")
@click.option("--by", "user", required=True, help="The account that does it.")
@click.option("--reason", required=True, help="Why, in a sentence.")
@common.json_option
def layers_follow(layer_id: str, user: str, reason: str, as_json: bool) -> None:
    """Let a layer that people took over follow the region pack again.

    Its figures in the pack become the next version; a pack that is built anew then brings it up to date by itself.
    """
    from layers import follow_pack

    here = common.published(to_write=True)
    done = follow_pack(here.store, layer_id, by=common.viewer_of(here, user), reason=reason)
    followed = {"ok": True, "layer": layer_id, "version": done.version, "reason": reason.strip()}
    common.say(as_json, followed, f"'{layer_id}' follows the region pack again, as version {done.version}.")


layers.add_command(layers_count)
