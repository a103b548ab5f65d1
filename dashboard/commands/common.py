"""What every command shares: refusals with their reasons, JSON on request, the region that the environment names."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import date, datetime
from typing import Any

import click

from dashboard import settings
from dashboard.exports import formats_of
from dashboard.question import FIELDS
from layers import PUBLIC, Fault, NotFound, Refused, Viewer

LEVELS = click.Choice(FIELDS["level"].allowed())


class FormatChoice(click.Choice):
    """The formats that a kind of document comes in, as :data:`dashboard.exports.FORMATS` says when the command runs."""

    case_sensitive = True

    def __init__(self, kind: str, *more: str):
        self._kind, self._more = kind, more

    @property
    def choices(self) -> tuple[str, ...]:
        return (*self._more, *formats_of(self._kind))


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
    """Whether the command was given --json; before its options are read, whether it stands on the command line."""
    return ctx.meta.get(_AS_JSON, "--json" in sys.argv)


_AS_JSON = "commonground.as_json"


def refuse(refused: Refused, *, as_json: bool) -> None:
    if as_json:
        say_json({"ok": False, "title": refused.title, "faults": [fault_document(fault) for fault in refused.faults]})
    click.echo(str(refused), err=True)
    raise SystemExit(1)


def fault_document(fault: Fault) -> dict[str, Any]:
    names = ("what", "where", "todo", "row", "column", "value", "rule", "severity")
    return {name: getattr(fault, name) for name in names if getattr(fault, name) not in ("", None)}


def say(as_json: bool, document: Any, words: str, *, err: bool = False) -> None:
    """Print what was done: DOCUMENT where JSON is wanted, else WORDS."""
    if as_json:
        say_json(document)
    else:
        click.echo(words, err=err)


def say_json(document: Any) -> None:
    """Print one JSON document: dates as ISO text, numbers of numpy as numbers, what is not a number as null."""
    click.echo(json.dumps(_plain(document), ensure_ascii=False, indent=1, allow_nan=False))


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _plain(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [_plain(inner) for inner in value]
    if isinstance(value, (date, datetime)):
        return value.isoformat()
    if hasattr(value, "item"):  # a number of numpy
        value = value.item()
    if value is None or isinstance(value, (bool, int)):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return str(value)


def json_option(function):
    """``--json``; read before all else, so that even a refusal of another option is JSON."""

    def remember(ctx: click.Context, _: click.Parameter, wanted: bool) -> bool:
        ctx.meta[_AS_JSON] = wanted
        return wanted

    words = "One JSON document on standard output, nothing else."
    return click.option("--json", "as_json", is_flag=True, is_eager=True, callback=remember, help=words)(function)


@contextmanager
def bar(label: str, total: int, *, shown: bool = True) -> Iterator[Callable[..., None]]:
    """A progress bar on standard error, where somebody is looking; moved by ``moved(done)``."""
    if not shown or not sys.stderr.isatty():
        yield lambda *_: None
        return
    with click.progressbar(length=max(total, 1), label=label, file=sys.stderr) as drawn:
        yield lambda done, *_: drawn.update(done - drawn.pos)


def published(*, to_write: bool = False, needs_store: bool = False):
    """The region and store that the environment names.

    A command that reads makes and changes nothing: where there is no store yet it is answered from the region pack, unless it
    ``needs_store``. One that writes says so, and makes the store of an empty home.
    """
    from dashboard.published import Published
    from layers import load_region, open_store, open_to_read

    chosen = settings.from_environment(to_read=not to_write)
    region = load_region(chosen.region)
    region.keep_ways_in(chosen.home / "ways", write=False)
    if to_write:
        store = open_store(chosen.database_url, region, marker=chosen.marker)
        store.anchor_at(chosen.anchor)
    else:
        store = open_to_read(chosen.database_url, region, marker=chosen.marker, pack_instead=not needs_store)
        store.anchor = chosen.anchor
        if store.in_memory:
            click.echo("There is no store yet: this is what the region pack brings.", err=True)
    if (ctx := click.get_current_context(silent=True)) is not None:
        ctx.find_root().call_on_close(store.close)
    return Published(region, store, chosen.home)


def here_region():
    """The region alone, for what needs no store."""
    from layers import load_region

    return load_region(settings.from_environment(to_read=True).region)


def viewer_of(here, user: str) -> Viewer:
    """The account called USER, or the public for ""."""
    return here.store.accounts.viewer_named(user) if user else PUBLIC
