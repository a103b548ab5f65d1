"""The command ``commonground``: what a person, a monthly feed or another tool does without a browser.

Exit status 0 on success, 1 on a refused input (with the reasons), 2 on wrong usage. ``--json`` prints one JSON document on
standard output and nothing else; messages and progress go to standard error.
"""

from __future__ import annotations

import json
import sys
from functools import wraps
from pathlib import Path
from typing import Any

import click

from dashboard import settings
from layers import Fault, NotFound, Refused

LEVELS = click.Choice(["lsoa", "ward", "lad"])


class Commands(click.Group):
    """A group whose commands answer a refusal with its reasons and exit status 1."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except Refused as refused:
            refuse(refused, as_json=_wants_json(ctx))
        except NotFound as missing:
            refuse(Refused(str(missing) or "There is no such thing."), as_json=_wants_json(ctx))
        except PermissionError as denied:
            refuse(Refused(str(denied)), as_json=_wants_json(ctx))


def _wants_json(ctx: click.Context) -> bool:
    return "--json" in sys.argv


def refuse(refused: Refused, *, as_json: bool) -> None:
    if as_json:
        say_json({"ok": False, "title": refused.title, "faults": [fault_document(fault) for fault in refused.faults]})
    click.echo(str(refused), err=True)
    raise SystemExit(1)


def fault_document(fault: Fault) -> dict[str, Any]:
    names = ("what", "where", "todo", "row", "column", "value", "rule", "severity")
    return {name: getattr(fault, name) for name in names if getattr(fault, name) not in ("", None)}


def say_json(document: Any) -> None:
    click.echo(json.dumps(document, ensure_ascii=False, indent=1, default=str))


def json_option(function):
    @click.option("--json", "as_json", is_flag=True, help="One JSON document on standard output, nothing else.")
    @wraps(function)
    def wrapped(*args, **kwargs):
        return function(*args, **kwargs)

    return wrapped


def published():
    """The region and store that the environment names."""
    from dashboard.published import Published
    from layers import load_region, open_store

    chosen = settings.from_environment()
    region = load_region(chosen.region)
    chosen.home.mkdir(parents=True, exist_ok=True)
    return Published(region, open_store(chosen.database_url, region), chosen.home)


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="commonground")
def main() -> None:
    """One shared map of need, services and gaps for a partnership of public bodies."""


# ---- region ----------------------------------------------------------------------------------------------------------


@main.group(cls=Commands)
def region() -> None:
    """Region packs: build one, show the one in use."""


@region.command("build")
@click.argument("definition", type=click.Path(path_type=Path))
@click.option("--source", type=click.Path(path_type=Path), help="Folder of official files; left out: download them.")
@click.option("--out", required=True, type=click.Path(path_type=Path), help="Folder of the new pack.")
@json_option
def region_build(definition: Path, source: Path | None, out: Path, as_json: bool) -> None:
    """Build a region pack from official files and a DEFINITION.toml."""
    from layers import build_region

    report = build_region(definition, source, out, progress=lambda text: click.echo(text, err=True))
    if as_json:
        say_json({"ok": True, **report.as_document()})
    else:
        click.echo(str(report))


@region.command("show")
@json_option
def region_show(as_json: bool) -> None:
    """The region in use: areas, partners, themes, layers."""
    from dashboard.views.layers import region_document

    here = published()
    document = region_document(here)
    if as_json:
        say_json(document)
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
def serve(host: str, port: int, workers: int, threads: int) -> None:
    """Serve the region in use."""
    from gunicorn.app.base import BaseApplication

    from dashboard.app import create_server

    server = (
        create_server()
    )  # before the fork: a refused pack ends here with its reasons, and the workers share what is read

    class Gunicorn(BaseApplication):
        def load_config(self) -> None:
            for name, value in {
                "bind": f"{host}:{port}",
                "workers": workers,
                "threads": threads,
                "worker_class": "gthread",
                "timeout": 120,
                "accesslog": None,
                "errorlog": "-",
                "loglevel": "warning",
            }.items():
                self.cfg.set(name, value)

        def load(self):
            return server

    click.echo(f"Common Ground is at http://{host}:{port}  (Ctrl+C stops it)", err=True)
    Gunicorn().run()


# ---- layers ----------------------------------------------------------------------------------------------------------


@main.group(cls=Commands)
def layers() -> None:
    """Layers: list them, and see their history."""


@layers.command("list")
@json_option
@click.option("--as", "user", default="", help="As this user; left out: as the public.")
def layers_list(as_json: bool, user: str) -> None:
    """Layers that the public, or USER, may see."""
    from dashboard.views.layers import layer_document

    here = published()
    found = here.store.layers(viewer_of(here, user))
    if as_json:
        say_json({"layers": [layer_document(here, layer) for layer in found]})
        return
    for layer in found:
        levels = f"{layer.sites:,} sites" if layer.kind == "services" else ", ".join(layer.levels)
        click.echo(f"{layer.id:<36} v{layer.version:<3} {layer.title}  [{levels}]")


@layers.command("history")
@click.argument("layer_id")
@json_option
@click.option("--as", "user", default="", help="As this user; left out: as the public.")
def layers_history(layer_id: str, as_json: bool, user: str) -> None:
    """Versions of one layer, newest first."""
    here = published()
    versions = here.store.history(layer_id, viewer_of(here, user))
    if as_json:
        say_json({"layer": layer_id, "versions": [version_document(version) for version in versions]})
        return
    for version in versions:
        click.echo(f"v{version.version:<3} {version.published_at}  {version.published_by}  {version.note}")


def version_document(version) -> dict[str, Any]:
    return {
        "version": version.version,
        "published_at": str(version.published_at),
        "published_by": version.published_by,
        "note": version.note,
        "state": version.state,
        "sha256": version.sha256,
    }


def viewer_of(here, user: str):
    from layers import PUBLIC

    return here.store.viewer_named(user) if user else PUBLIC


# ---- values ----------------------------------------------------------------------------------------------------------


@main.command()
@click.argument("layer")
@click.option("--level", required=True, type=LEVELS)
@click.option("--period", default=None)
@click.option("--as", "user", default="", help="As this user; left out: as the public.")
@click.option(
    "--format", "form", default="csv", type=click.Choice(["csv", "json", "geojson", "gpkg", "parquet", "xlsx"])
)
@click.option("--out", type=click.Path(path_type=Path), help="File to write; left out: standard output.")
def values(layer: str, level: str, period: str | None, user: str, form: str, out: Path | None) -> None:
    """Values of a LAYER at a level, in any of six formats."""
    from dashboard.views import files

    here = published()
    viewer = viewer_of(here, user)
    found = here.store.layer(layer, viewer)
    if period is not None and period not in found.periods:
        raise Refused(f"{layer} has no period {period}.", [Fault(f"it has {', '.join(found.periods) or 'no period'}")])
    data = files.values_file(here, here.store.values(layer, level, viewer, period=period), viewer, form)
    if out is None:
        sys.stdout.buffer.write(data)
    else:
        files.write_whole(out, data)
        click.echo(f"wrote {out}", err=True)


@main.command()
@json_option
def check(as_json: bool) -> None:
    """Integrity of the store; exit status 1 and a plain list when something is wrong."""
    here = published()
    faults = here.store.check()
    if as_json:
        say_json({"ok": not faults, "faults": [fault_document(fault) for fault in faults]})
    elif not faults:
        click.echo("The store is whole: every version is there and reads as it was published.")
    else:
        for fault in faults:
            click.echo(str(fault))
    if faults:
        raise SystemExit(1)


if __name__ == "__main__":
    main()
