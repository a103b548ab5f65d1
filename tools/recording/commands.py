"""Every command, with and without --json: what it prints, its exit status, the files that it writes; --help of all of them."""

from __future__ import annotations

import json
from pathlib import Path

from recording.files import file_text
from recording.normal import Folder, json_text
from recording.world import PASSWORD, Said, World, command, run, write_layer


def record(world: World, folder: Folder, whole: bool) -> None:
    home = world.home("commands")
    for name, said in world.seeded:
        folder.write(f"seed {name}", shown(said))
    for words in helps((), command()):
        folder.write(f"help {' '.join(words)}", shown(run(*words, "--help")))
    for words in [*reading(world, whole), *gap_commands(world, whole)]:
        folder.write(" ".join(map(str, words)), shown(run(*words)))
    wanted = dict.fromkeys([world.facts["indicators"][0], "record-noise"])
    for layer in wanted:
        for form in ("csv", "json", "geojson", "gpkg", "parquet", "xlsx"):
            out = world.scratch / f"{layer}.{form}"
            said = run("values", layer, "--level", "lad" if form == "gpkg" else "ward", "--format", form, "--out", out)
            folder.write(f"values {layer} as {form} file", f"{shown(said)}\n{written(out, world)}")
    out = world.scratch / "gaps.csv"
    said = run("gaps", *asked(world), "--robustness", 5, "--format", "csv", "--out", out)
    folder.write("gaps as a file", f"{shown(said)}\n{written(out, world)}")
    for n, (words, stdin) in enumerate(writing(world), 1):
        folder.write(f"write {n:02} {' '.join(map(str, words))}", shown(run(*words, stdin=stdin)))
    files = sorted(
        str(f.relative_to(home)) for f in home.rglob("*") if f.is_file() and not f.name.endswith(("-shm", "-wal"))
    )
    folder.write("files in the home", "\n".join(files))


def written(out: Path, world: World) -> str:
    return file_text(out.name, out.read_bytes(), world.normal) if out.exists() else "no file"


def shown(said: Said) -> str:
    """What was said; a long document on standard output is written as JSON that reads."""
    if len(said.out) > 20_000 and said.out[:1] in (b"{", b"["):
        try:
            document = json.loads(said.out)
        except ValueError:
            return said.text()
        return Said(said.words, said.status, json_text(document).encode(), said.err).text()
    return said.text()


def helps(words: tuple[str, ...], group):
    yield words
    for name, each in sorted(getattr(group, "commands", {}).items()):
        yield from helps((*words, name), each)


def asked(world: World) -> tuple[str, ...]:
    return ("--need", world.facts["need"], "--services", world.facts["services"])


def reading(world: World, whole: bool):
    facts = world.facts
    for words in (
        ("region", "show"), ("layers", "list"), ("layers", "list", "--as", "ann"), ("layers", "list", "--as", "vic"),
        ("layers", "history", "record-noise"), ("layers", "history", "record-noise", "--as", "ann"),
        ("layers", "history", "record-gone", "--as", "ann"), ("layers", "history", "absent"),
        ("layers", "history", "record-owner"), ("layers", "history", facts["indicators"][0]), ("travel", "list"),
        ("briefing", "list"), ("briefing", "list", "--as", "ann"), ("user", "list"), ("check",),
        ("layers", "list", "--as", "nobody"),
    ):  # fmt: skip
        yield words
        yield (*words, "--json")
    for layer in facts["indicators"][: 8 if whole else 3]:
        yield from (("values", layer, "--level", level, "--format", "csv") for level in ("ward", "lad"))
    first, far = facts["indicators"][0], facts["lists"][0]
    for words in (
        (first, "--level", "lsoa", "--format", "json"), (first, "--level", "lad", "--format", "geojson"), (first,),
        (first, "--level", "street"), (first, "--level", "lad", "--period", "1066"), ("absent", "--level", "lad"),
        ("record-owner", "--level", "lad"), ("record-owner", "--level", "lad", "--as", "ann"), (far, "--level", "lad"),
        ("record-noise", "--level", "lad", "--period", "2025"), ("record-gone", "--level", "lad"),
        (first, "--level", "lad", "--format", "pdf"),
    ):  # fmt: skip
        yield ("values", *words)
    files = world.scratch / "files"
    wrong = write_layer(files / "wrong", "record-wrong", ["absent", *facts["areas"]["lsoa"][:5]], 1.0, theme="absent")
    alone = files / "alone.csv"
    alone.write_bytes((files / "noise 1" / "data.csv").read_bytes())
    said = [f"--set={text}" for text in (
        "name=alone", "title=Alone", f"theme={facts['themes'][0]}", f"partner={facts['councils'][0]}", "measure=score",
        "unit=points", "period=2025", "level=lsoa", "vintage=2021", "columns.value=value",
    )]  # fmt: skip
    for words in (
        (files / "noise 1",), (files / "noise 2", "--as", "ann"), (wrong,), (alone,), (alone, *said),
        (wrong, "--rejected", world.scratch / "rejected.csv"), (files / "bus.csv",), (files / "absent",),
    ):  # fmt: skip
        yield ("layers", "validate", *words)
        yield ("layers", "validate", *words, "--json")
    bad = files / "bad.md"
    bad.write_text("---\ntitle: Bad\npartner: absent\n---\n# {{ whole layer=absent }}\n\n{{ nonsense }}\n", "utf-8")
    for file in (files / "briefing-1.md", bad, files / "absent.md"):
        yield from (("briefing", "validate", file, *more) for more in ((), ("--json",)))
    yield from (("absent",), ("layers", "absent"), ("gaps",), ("--version",), ())


def gap_commands(world: World, whole: bool):
    base = asked(world)
    facts = world.facts
    for level in ("lsoa", "ward", "lad"):
        for metric in ("nearest", "coverage", "e2sfca"):
            words = ("gaps", *base, "--level", level, "--metric", metric, "--robustness", 20)
            yield words
            forms = ("json", "csv", "geojson") if whole or level == "ward" else ("json",)
            yield from ((*words, "--format", form) for form in forms)
    group = next((i for i in facts["indicators"] if i.startswith(("residents-65", "students", "older"))), "absent")
    for more in (
        ("--alone",), ("--fair",), ("--fair", "--max-min", 12), ("--max-m", 2000), ("--detour", 1.2), ("--travel", "bus"),
        ("--travel", world.scratch / "files/bus.csv", "--max-min", 30), ("--group", group, "--metric", "e2sfca"),
        ("--partner", facts["partners"][0]), ("--robustness", 0), ("--as", "ann"), ("--period", "1066"),
        ("--travel", "rail"), ("--travel", "absent.csv"), ("--max-m", -1), ("--max-min", 5), ("--metric", "feet"),
        ("--partner", "absent"), ("--need", "absent"), ("--need", "a=x"), ("--need", "record-owner"), ("--services", ","),
        ("--need", "record-owner", "--as", "ann"), ("--need", "record-noise", "--period", "2025"),
    ):  # fmt: skip
        yield ("gaps", *base, "--level", "lsoa", "--robustness", 5, *more)
        yield ("gaps", *base, "--level", "lsoa", "--robustness", 5, *more, "--json")
    services = ("--services", facts["services"])
    for more in (
        (), ("--level", "ward"), ("--level", "lad"), ("--max-m", 3000), ("--detour", 1.4), ("--need", facts["need"]),
        ("--partner", facts["partners"][0]), ("--services", "absent"), ("--level", "street"), ("--need", "record-gone"),
    ):  # fmt: skip
        yield from (("together", *services, *more, *form) for form in ((), ("--json",)))
    yield from (("together", *services, "--level", "ward", "--format", form) for form in ("csv", "geojson"))
    for objective in ("mclp", "p-median", "lscp"):
        words = ("site", *base, "--objective", objective, "--new", 2, "--level", "ward")
        yield from ((*words, *form) for form in ((), ("--json",), ("--format", "geojson"), ("--greedy", "--json")))
    places = world.scratch / "files/places.csv"
    places.write_text("code,easting,northing\nP1,425000,565000\nP2,430000,560000\nP3,420000,570000\n", "utf-8")
    for more in (
        ("--demand", "all", "--greedy"), ("--exclude", facts["areas"]["lad"][0]), ("--candidates", places), ("--fair",),
        ("--candidates", "absent.csv"), ("--new", 0), ("--new", 99), ("--objective", "x"), ("--metric", "e2sfca"),
        ("--need", "absent"), ("--partner", facts["partners"][0]), ("--max-m", 2500),
    ):  # fmt: skip
        yield from (("site", *base, *more, *form) for form in ((), ("--json",)))


def writing(world: World):
    """What changes the store, one after the other, with what is refused in between."""
    files, mine = world.scratch / "files", world.facts["councils"][0]
    partner = ("--partner", mine)
    out = world.scratch / "made"
    for words in (
        ("user", "add", "zoe", "--role", "viewer", *partner, "--no-password"),
        ("user", "add", "zoe", "--role", "viewer", *partner, "--no-password", "--json"),
        ("user", "add", "yan", "--role", "king", *partner, "--no-password"),
        ("user", "add", "yan", "--role", "viewer", "--partner", "absent", "--no-password", "--json"),
        ("user", "change", "zoe"), ("user", "change", "zoe", "--role", "analyst", "--json"),
        ("user", "change", "nobody", "--role", "viewer"),
        ("user", "disable", "zoe"), ("user", "disable", "ada", "--json"), ("user", "enable", "zoe"), ("user", "enable", "ada", "--json"),
        ("user", "enable", "nobody"), ("user", "list", "--json"), ("user", "list"),
        ("layers", "publish", files / "noise 1", "--by", "vic"), ("layers", "publish", files / "noise 1", "--by", "ben", "--json"),
        ("layers", "publish", files / "noise 1", "--by", "ann", "--checked-by", "ann"),
        ("layers", "publish", files / "noise 1", "--by", "ann", "--expecting", 1, "--json"),
        ("layers", "publish", files / "noise 1", "--by", "ann", "--at", "tomorrow"),
        ("layers", "publish", files / "noise 1", "--by", "ann", "--note", "Again."),
        ("layers", "publish", files / "wrong", "--by", "ann"), ("layers", "publish", files / "wrong", "--by", "ann", "--json"),
        ("layers", "rollback", "record-noise", "--to", 1, "--by", "ann", "--reason", "Better."),
        ("layers", "rollback", "record-noise", "--to", 99, "--by", "ann", "--reason", "Better.", "--json"),
        ("layers", "withdraw", "record-noise", "--by", "ben", "--reason", "No."),
        ("layers", "withdraw", "record-noise", "--by", "ann", "--reason", "Wrong."),
        ("layers", "follow", "record-noise", "--by", "ann", "--reason", "Why not."),
        ("layers", "follow", world.facts["indicators"][0], "--by", "ada", "--reason", "Why not.", "--json"),
        ("layers", "history", "record-noise", "--as", "ann", "--json"),
        ("travel", "add", files / "bus.csv", "--id", "Bad id", "--title", "T", "--services", world.facts["services"]),
        ("travel", "add", files / "noise 1/data.csv", "--id", "other", "--title", "T", "--services", world.facts["services"], "--json"),
        ("briefing", "publish", files / "briefing-1.md", "--by", "ben", "--json"),
        ("briefing", "publish", files / "briefing-1.md", "--by", "ann", "--id", "record-far", "--note", "Once more."),
        ("briefing", "publish", files / "bad.md", "--by", "ann"), ("briefing", "withdraw", "record-far", "--by", "ann", "--reason", "Old."),
        ("briefing", "withdraw", "absent", "--by", "ann", "--reason", "Old.", "--json"), ("briefing", "list", "--json"),
        ("briefing", "export", "absent", "--out", out / "a.pdf"), ("briefing", "export", "--out", out / "a.pdf"),
        ("briefing", "export", "record-over", "--out", out / "a.pdf", "--json"),
        ("briefing", "export", "shared-gaps", "--out", out / "a.html"), ("briefing", "export", "shared-gaps", "--out", out / "a.odt"),
        ("briefing", "export", "shared-gaps", "--format", "html", "--version", 3, "--out", out / "a.html"),
        ("briefing", "export", "--all-wards", "--authority", world.facts["areas"]["lad"][0], "--format", "html", "--out", out / "wards"),
        ("briefing", "export", "--all-wards", "--authority", "absent", "--out", out / "a.pdf"), ("check", "--json"),
    ):  # fmt: skip
        yield words, ""
    yield ("user", "password", "zoe", "--password-stdin"), PASSWORD
    yield ("user", "password", "zoe", "--password-stdin", "--json"), "short"
    yield ("user", "add", "xi", "--role", "viewer", *partner), f"{PASSWORD}\n{PASSWORD}\n"
    yield ("user", "add", "wu", "--role", "viewer", *partner), "one\ntwo\n"
