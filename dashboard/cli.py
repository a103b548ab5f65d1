"""The command ``commonground``: what a person, a monthly feed or another tool does without a browser.

Exit status 0 on success, 1 on a refused input (with the reasons), 2 on wrong usage. ``--json`` prints one JSON document on
standard output and nothing else; messages and progress go to standard error.
"""

from __future__ import annotations

import logging
import os
import sys
import traceback
from pathlib import Path

import click

from dashboard.commands import common
from dashboard.commands.audit import audit
from dashboard.commands.briefings import briefing
from dashboard.commands.common import Commands, FormatChoice
from dashboard.commands.disclosure import audit as audit_disclosure
from dashboard.commands.gaps import gaps, site, together, travel
from dashboard.commands.layers import layers
from dashboard.commands.store import backup, check, restore
from dashboard.commands.users import user
from dashboard.exports import SPACED, write, write_whole
from layers import Fault, Refused


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="commonground")
def main() -> None:
    """One shared map of need, services and gaps for a partnership of public bodies."""


main.add_command(layers)
main.add_command(briefing)
main.add_command(user)
main.add_command(gaps)
main.add_command(together)
main.add_command(site)
main.add_command(travel)
main.add_command(audit_disclosure)
main.add_command(audit)
main.add_command(check)
main.add_command(backup)
main.add_command(restore)

# ---- region ----------------------------------------------------------------------------------------------------------


@main.group(cls=Commands)
def region() -> None:
    """Region packs: build one, show the one in use."""


@region.command("build")
@click.argument("definition", type=click.Path(path_type=Path))
@click.option("--source", type=click.Path(path_type=Path), help="Folder of official files; left out: download them.")
@click.option("--out", required=True, type=click.Path(path_type=Path), help="Folder of the new pack.")
@common.json_option
def region_build(definition: Path, source: Path | None, out: Path, as_json: bool) -> None:
    """Build a region pack from official files and a DEFINITION.toml."""
    from layers import build_region

    report = build_region(definition, source, out, progress=lambda text: click.echo(text, err=True))
    common.say(as_json, {"ok": True, **report.to_json()}, "\n".join(report.lines()))


@region.command("seal")
@click.argument("pack", type=click.Path(exists=True, file_okay=False, path_type=Path))
def region_seal(pack: Path) -> None:
    """Write manifest.json of PACK again, after its files were changed on purpose."""
    from layers import write_manifest

    if not (pack / "region.toml").is_file():
        raise Refused("Nothing was written.", [Fault("this is no region pack", str(pack), "name its folder")])
    write_manifest(pack)
    click.echo(f"wrote {pack / 'manifest.json'}", err=True)


@region.command("show")
@common.json_option
def region_show(as_json: bool) -> None:
    """The region in use: areas, partners, themes, layers."""
    from dashboard.views.layers import region_document

    here = common.published()
    document = region_document(here)
    if as_json:
        common.say_json(document)
        return
    click.echo(f"{document['name']} ({document['id']})")
    if document["notice"]:
        click.echo(document["notice"])
    for level, n in document["areas"].items():
        click.echo(f"  {n:>7,} areas at level {level}, vintage {document['vintages'][level]}")
    click.echo(f"  {len(document['partners']):>7,} partners, {len(document['themes'])} themes")


# ---- serve -----------------------------------------------------------------------------------------------------------


@main.command()
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", default=8050, show_default=True, type=click.IntRange(1, 65535))
@click.option("--workers", default=2, show_default=True, type=click.IntRange(1, 64))
@click.option("--threads", default=4, show_default=True, type=click.IntRange(1, 64))
@click.option(
    "--job-workers", default=2, show_default=True, type=click.IntRange(1, 64), help="Processes for what takes long."
)
@click.option("--accept-loss", is_flag=True, help="Take a region pack that lacks areas or layers which it had before.")
def serve(host: str, port: int, workers: int, threads: int, job_workers: int, accept_loss: bool) -> None:
    """Serve the region in use."""
    from dashboard import serving
    from dashboard.app import create_server
    from dashboard.auth import hosts

    logging.basicConfig(format="%(asctime)s %(process)d %(levelname)s %(name)s: %(message)s")
    listening = serving.listen_on(host, port)  # first: when the port is in use, nobody waits to hear it
    server = create_server(
        accept_loss=accept_loss
    )  # once: a refused pack ends here with its reasons, and the processes share what is read
    here = server.extensions["commonground"]
    here.jobs.have_workers(job_workers)
    filled = here.store.filled
    if line := filled.line():
        click.echo(line, err=True)
    for layer_id, why in filled.left_out.items():
        click.echo(f"left out: {layer_id}: {why}", err=True)

    if not server.config[hosts.HOSTS] and not serving.is_loopback(listening):
        click.echo("COMMONGROUND_HOSTS is not set: this site answers under any name that somebody gives it.", err=True)

    def ready() -> None:
        click.echo(f"Common Ground is at http://{host}:{port}  (Ctrl+C stops it)", err=True)

    # behind a proxy every connection comes from the same address
    limits = serving.Limits(per_address=0) if server.config[hosts.PROXIES] else serving.Limits()
    serving.serve(
        server,
        listening,
        workers=workers,
        threads=threads,
        limits=limits,
        ready=ready,
        work=here.jobs.work_here,
        job_workers=job_workers,
    )


# ---- values ----------------------------------------------------------------------------------------------------------


@main.command()
@click.argument("layer")
@click.option("--level", required=True, type=common.LEVELS)
@click.option("--period", default=None)
@click.option("--as", "user", default="", help="As this user; left out: as the public.")
@click.option("--format", "form", default="csv", type=FormatChoice("values"))
@click.option("--out", type=click.Path(path_type=Path), help="File to write; left out: standard output.")
def values(layer: str, level: str, period: str | None, user: str, form: str, out: Path | None) -> None:
    """Values of a LAYER at a level, in any of its formats."""
    from dashboard.views.values import values_export

    here = common.published()
    viewer = common.viewer_of(here, user)
    found = here.store.layer(layer, viewer)
    if period is not None and period not in found.periods:
        raise Refused(f"{layer} has no period {period}.", [Fault(f"it has {', '.join(found.periods) or 'no period'}")])
    document = values_export(here, here.store.values(layer, level, viewer, period=period))
    data = write(document, form, layout=SPACED)
    if out is None:
        sys.stdout.buffer.write(data)
    else:
        write_whole(out, data)
        click.echo(f"wrote {out}", err=True)


def run() -> None:
    """The command, ended at once when it is done: libraries' own threads may crash an interpreter that takes itself down."""
    code = 1
    try:
        main()
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 0 if end.code is None else 1
        if isinstance(end.code, str):
            click.echo(end.code, err=True)
    except BaseException:
        traceback.print_exc()
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError):  # whoever read it has gone, or the disk is full
            code = code or 1
    logging.shutdown()
    os._exit(code)


if __name__ == "__main__":
    run()
