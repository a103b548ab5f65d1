"""``commonground layers``: list, history."""

from __future__ import annotations

from typing import Any

import click

from dashboard.commands.common import Commands, json_option, published, say_json, viewer_of


@click.group(cls=Commands)
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
