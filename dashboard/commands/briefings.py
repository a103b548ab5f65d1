"""``commonground briefing``: list, export, validate, publish and withdraw briefings; every ward's page in one go.

A briefing is filled in as the readers that its audience names, whoever asks; ``--as`` decides which briefings there are.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from dashboard.briefings.files.formats import FORMATS
from dashboard.commands.common import Commands, bar, json_option, published, say, say_json, viewer_of
from dashboard.exports import write_whole
from layers import Fault, NotFound, Refused

MOST_IN_ONE = 600
"""Wards in one PDF: it takes about 4 MB of memory each. A folder has no such limit."""


@click.group(cls=Commands)
def briefing() -> None:
    """Briefings: list, export, validate, publish, withdraw."""


@briefing.command("list")
@click.option("--as", "user", default="", help="As this user; left out: as the public.")
@json_option
def list_(user: str, as_json: bool) -> None:
    """Briefings that can be read: published ones, the built-in starters, those of the region pack."""
    from dashboard.briefings.sources import entries

    here = published()
    found = entries(here, viewer_of(here, user))
    wards = len(here.region.areas["ward"])
    if as_json:
        rows = [
            {
                "id": one.id, "title": one.title, "summary": one.summary, "kind": one.kind, "audience": one.audience,
                "partner": one.partner, "version": one.version, "published_on": one.published_on,
            }
            for one in found
        ]  # fmt: skip
        say_json({"region": here.region.id, "notice": here.region.notice, "briefings": rows, "wards": wards})
        return
    if here.region.notice:
        click.echo(f"{here.region.notice}\n")
    width = max((len(one.id) for one in found), default=0)
    for one in found:
        state = f"version {one.version}, {one.published_on}" if one.version else "follows the newest data"
        click.echo(f"{one.id:<{width}}  {one.title} ({state}; {one.audience})")
    if wards:
        click.echo(f"{'ward-<code>':<{width}}  A sheet of A4 for each of {wards:,} wards (export --all-wards)")


# ---- export ----------------------------------------------------------------------------------------------------------


@briefing.command()
@click.argument("briefing_id", metavar="[ID]", default="")
@click.option("--all-wards", is_flag=True, help="The page of every ward, instead of one briefing.")
@click.option("--authority", default="", help="With --all-wards: only the wards of this authority (its code).")
@click.option("--format", "form", type=click.Choice(FORMATS), help="Left out: as the ending of the file says.")
@click.option(
    "--out", required=True, type=click.Path(path_type=Path), help="File; for all wards a PDF, a folder or a .zip."
)
@click.option("--address", default="", help="Address of the site, so that links in the file lead there.")
@click.option("--as", "user", default="", help="As this user; left out: as the public.")
@click.option("--version", type=click.IntRange(min=1), help="A published version; left out: the current one.")
@json_option
def export(briefing_id, all_wards, authority, form, out: Path, address, user, version, as_json) -> None:
    """A briefing as a file: a meeting pack (html), PowerPoint, Word or PDF. ID may be ward-<code>."""
    from dashboard.views.wording import counted

    if bool(briefing_id) == all_wards:
        raise click.UsageError("name a briefing, or give --all-wards")
    if authority and not all_wards:
        raise click.UsageError("--authority goes with --all-wards")
    form = form or (out.suffix.lstrip(".").lower() if out.suffix.lstrip(".").lower() in FORMATS else "")
    if not form:
        raise click.UsageError(f"say --format {'|'.join(FORMATS)}")
    here = published()
    if all_wards:
        written = _all_wards(here, authority, form, out, address)
    else:
        written = [_write(out, _one(here, briefing_id, form, address, user, version))]
    if as_json:
        say_json({"ok": True, "files": [{"name": str(name), "bytes": size} for name, size in written]})
    elif len(written) == 1:
        click.echo(f"wrote {written[0][0]}", err=True)
    else:
        click.echo(f"wrote {counted(len(written), 'file')} to {out}", err=True)


def _one(here, briefing_id: str, form: str, address: str, user: str, version: int | None) -> bytes:
    from dashboard.briefings.files.wards import export_found
    from dashboard.briefings.sources import find

    return export_found(find(here, briefing_id, viewer_of(here, user), version), form, address=address)


def _all_wards(here, authority: str, form: str, out: Path, address: str) -> list[tuple[Path, int]]:
    """One PDF, or a folder or zip with a file for each ward (HTML with a page of contents)."""
    from dashboard.briefings.files.wards import export_ward, index_html, ward_pages_pdf
    from dashboard.briefings.ward.ward_answers import ward_pages
    from dashboard.views.wording import counted

    codes = _codes(here, authority)
    one = form == "pdf" and out.suffix.lower() == ".pdf"
    if one and len(codes) > MOST_IN_ONE:
        what = f"{len(codes):,} wards do not fit in one PDF"
        todo = f"name a folder or a .zip, or choose an --authority; up to {counted(MOST_IN_ONE, 'page')} go into one"
        raise Refused("The pages were not made.", [Fault(what, str(out), todo, rule="briefing-size")])
    if one:
        with bar("pages", len(codes)) as moved:
            return [_write(out, ward_pages_pdf(ward_pages(here, _public(), codes), moved))]
    written, names, entries = [], set(), []
    with _target(out) as put, bar("pages", len(codes)) as moved:
        for done, page in enumerate(ward_pages(here, _public(), codes), 1):
            name = f"{page.file_name}.{form}"
            while name in names:  # two codes may read the same in plain letters
                name = f"{page.file_name}-{len(names)}.{form}"
            names.add(name)
            written.append(put(name, export_ward(page, form, address=address)))
            entries.append((page.authority, page.name, name))
            moved(done)
        if form == "html":
            text = index_html(entries, here.region.name, here.region.notice)
            written.append(put("index.html", text.encode("utf-8")))
    return written


def _codes(here, authority: str) -> list[str]:
    wards = here.region.areas["ward"]
    if authority:
        known = here.region.areas["lad"]
        if authority not in set(known["code"]):
            named = ", ".join(f"{code} ({name})" for code, name in zip(known["code"], known["name"], strict=True))
            what = f"there is no authority '{authority}'"
            fault = Fault(what, "authority", f"use one of {named[:600]}", rule="unknown")
            raise Refused("The pages were not made.", [fault])
        wards = wards[wards["lad_code"] == authority]
    if wards.empty:
        raise NotFound("There is no ward here to make a page of.")
    return wards["code"].tolist()


def _public():
    from layers import PUBLIC

    return PUBLIC


def _write(out: Path, data: bytes) -> tuple[Path, int]:
    try:
        write_whole(out, data)
    except OSError as error:
        fault = Fault(f"{out}: {error.strerror or error}", "out", "name a file that can be written")
        raise Refused("The file cannot be written.", [fault]) from None
    return out, len(data)


@contextmanager
def _target(out: Path) -> Iterator:
    """``put(name, data)`` into a folder or, where ``out`` ends in .zip, into a zip that is there whole or not at all."""
    if out.suffix.lower() != ".zip":
        if out.exists() and not out.is_dir():
            fault = Fault(f"{out} is a file", "out", "name a folder, or a file that ends in .zip")
            raise Refused("The pages cannot be written.", [fault])
        yield lambda name, data: _write(out / name, data)
        return
    memory = io.BytesIO()
    with zipfile.ZipFile(memory, "w", zipfile.ZIP_DEFLATED) as archive:

        def put(name: str, data: bytes) -> tuple[Path, int]:
            # a fixed date: the same pages give the same file
            entry = zipfile.ZipInfo(name, (2000, 1, 1, 0, 0, 0))
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, data)
            return Path(name), len(data)

        yield put
    _write(out, memory.getvalue())


# ---- write -----------------------------------------------------------------------------------------------------------


@briefing.command()
@click.argument("file", type=click.Path(path_type=Path))
@json_option
def validate(file: Path, as_json: bool) -> None:
    """Read a briefing and fill it in: every fault with its page and line, and how easily it reads."""
    from dashboard.briefings.filling.build import build_briefing
    from dashboard.briefings.writing.readability import read_ease
    from dashboard.views.wording import counted

    here = published()
    made = build_briefing(here, _read(file), briefing_id="draft")
    ease = read_ease(made.pages)
    facts = sum(len(page.facts) for page in made.pages)
    remarks = [f"page {one.page}: {one.what}" for one in ease.findings]
    if as_json:
        readability = {"reading_age": ease.reading_age, "sentence": ease.sentence, "remarks": remarks}
        say_json({
            "ok": True, "title": made.title, "audience": str(made.document.audience), "pages": len(made.pages),
            "facts": facts, "layers": dict(made.pins), "readability": readability,
        })  # fmt: skip
        return
    click.echo(
        f"{made.title}: {counted(len(made.pages), 'page')}, {counted(facts, 'live fact')}, "
        f"{counted(len(made.pins), 'layer')}. It can be published."
    )
    click.echo(ease.sentence)
    for remark in remarks:
        click.echo(f"  - {remark}")


@briefing.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--by", "user", required=True, help="Who publishes.")
@click.option("--id", "briefing_id", default="", help="Id of the briefing; left out: made of partner and title.")
@click.option("--note", default="", help="What is new.")
@click.option(
    "--expecting", type=int, default=None, help="Refuse if another than this is the newest version; 0: a new briefing."
)
@json_option
def publish(file: Path, user: str, briefing_id: str, note: str, expecting: int | None, as_json: bool) -> None:
    """Publish a briefing from a FILE, pinned to the data of today."""
    from dashboard.briefings.filling.build import build_briefing
    from dashboard.briefings.writing.drafting import check_owner, check_written, pins_and_facts
    from layers import Briefings

    here = published(to_write=True)
    viewer = viewer_of(here, user)
    document = _read(file)
    check_owner(here, document, viewer)
    check_written(document.text)
    pins, facts = pins_and_facts(build_briefing(here, document, briefing_id=briefing_id or "draft", author=viewer))
    done = Briefings(here.store).publish(
        by=viewer,
        text=document.text,
        pins=pins,
        facts=facts,
        briefing_id=briefing_id,
        note=note,
        expecting=expecting,
    )
    if as_json:
        say_json(
            {"ok": True, "id": done.id, "version": done.version, "published_at": done.published_at, "layers": pins}
        )
    else:
        click.echo(f"{done.id} is published as version {done.version}: /briefings/{done.id}")


@briefing.command()
@click.argument("briefing_id", metavar="ID")
@click.option("--by", "user", required=True, help="Who withdraws it.")
@click.option("--reason", required=True, help="Why; readers are told.")
@json_option
def withdraw(briefing_id: str, user: str, reason: str, as_json: bool) -> None:
    """Take a briefing away, at once and for everybody."""
    from layers import Briefings

    here = published(to_write=True)
    Briefings(here.store).withdraw(briefing_id, viewer_of(here, user), reason)
    say(as_json, {"ok": True, "id": briefing_id}, f"{briefing_id} is withdrawn.")


def _read(file: Path):
    from layers import read_briefing

    try:
        text = file.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not text in UTF-8"
        fault = Fault(f"{file.name}: {reason}", "file", "hand in a Markdown file", rule="file")
        raise Refused("The file cannot be read.", [fault]) from None
    return read_briefing(text, where=file.name)
