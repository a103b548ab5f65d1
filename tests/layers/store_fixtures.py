"""What the tests of the store share: a filled store on Tinyland, a clock that is set by hand, small packages, viewers.

Every test that takes ``store`` runs on SQLite and, where :mod:`tests.databases` knows one, on PostgreSQL too (each test in a
schema of its own, dropped afterwards).
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pandas as pd
import pytest

from layers.model import Audience, Descriptor, Direction, Kind, Measure, Package, Viewer
from layers.region import load_region
from layers.store import migrations, preparing, tables
from layers.store.briefings import Briefings
from layers.store.store import open_store
from tests.databases import DATABASES, drop_schema, make_schema, postgres_url
from tests.tiny import write_tiny_pack

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)

ADMIN = Viewer("ada", "icb", "admin")
WEST_ANALYST = Viewer("wes", "westshire", "analyst")
WEST_VIEWER = Viewer("wendy", "westshire", "viewer")
EAST_ANALYST = Viewer("eli", "eastshire", "analyst")
EAST_VIEWER = Viewer("eve", "eastshire", "viewer")
CODES = [f"T{i:02d}" for i in range(1, 17)]


@dataclass
class Clock:
    """Wall clock and ticks that stand still until told otherwise."""

    at: datetime = NOON
    ticked: float = 0.0
    opened: list = field(default_factory=list)

    def now(self) -> datetime:
        return self.at

    def ticks(self) -> float:
        return self.ticked

    def on(self, **kinds) -> None:
        step = timedelta(**kinds)
        self.at += step
        self.ticked += max(step.total_seconds(), 0.0)


def indicator(layer_id: str = "noise", *, first: float = 1.0, partner: str = "westshire", **more) -> Package:
    """A score for all sixteen areas: ``first`` for T01, one more for each next area."""
    period = more.pop("periods", None)
    table = pd.DataFrame({"area_code": CODES, "value": [first + i for i in range(16)], "status": "ok"})
    if period:
        table = pd.concat([table.assign(period=p) for p in period], ignore_index=True)
    described = {"title": "Noise", "themes": ("housing",), "period": "2025", "measure": Measure.SCORE, "unit": "points"}
    described |= {"direction": Direction.HIGH_IS_WORSE} | more
    return Package(
        Descriptor(layer_id, kind=Kind.INDICATOR, partner=partner, **described),
        table,
        sha256="f" * 64,
    )


def sites(layer_id: str = "shops", *, partner: str = "westshire", rows=None, **more) -> Package:
    rows = rows or [("S1", "First shop", 420_500.0, 560_500.0), ("S2", "Second shop", 423_500.0, 560_500.0)]
    table = pd.DataFrame(rows, columns=["service_id", "name", "easting", "northing"])
    described = {"title": "Shops", "themes": ("alcohol",)} | more
    return Package(Descriptor(layer_id, kind=Kind.SERVICES, partner=partner, **described), table)


def briefing(
    title: str = "Noise at night", *, partner: str = "westshire", audience: str = "public", body: str = ""
) -> str:
    """The text of a briefing of one page."""
    front = f"title: {title}\npartner: {partner}\naudience: {audience}"
    return f"---\n{front}\n---\n# {title}\n\n{body or 'It is loud here.'}\n"


def publish_briefing(store, text: str = "", *, by: Viewer = WEST_ANALYST, pins=None, **more):
    more = {"facts": {}} | more
    return Briefings(store).publish(text=text or briefing(), by=by, pins=pins or {}, **more)


@pytest.fixture(scope="session")
def region(tmp_path_factory):
    return load_region(write_tiny_pack(tmp_path_factory.mktemp("region") / "pack"))


@pytest.fixture(scope="session")
def filled_file(region, tmp_path_factory):
    """A filled SQLite store to copy: filling one takes longer than most tests."""
    file = tmp_path_factory.mktemp("filled") / "store.sqlite"
    open_store(f"sqlite:///{file}", region, clock=lambda: NOON).close()
    return file


@pytest.fixture(scope="session")
def prepared_once():
    """Harmonised packages by identity, so that a test that publishes one a hundred times harmonises it once."""
    return {}


@pytest.fixture(params=DATABASES)
def url(request, tmp_path):
    """The URL of an empty database."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'store.sqlite'}"
        return
    name = make_schema()
    yield postgres_url(name)
    drop_schema(name)


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def reopen(url, region, clock):
    """A function that opens another Store on the same database; all are closed at the end."""

    def again(**more):
        opened = open_store(url, region, **({"clock": clock.now, "ticks": clock.ticks} | more))
        clock.opened.append(opened)
        return opened

    yield again
    for opened in clock.opened:
        opened.close()


@pytest.fixture
def store(url, reopen, filled_file):
    """A store filled from the tiny pack: harm, crowded, poverty-rank and clinics, each in version 1."""
    if url.startswith("sqlite"):
        shutil.copy(filled_file, url.removeprefix("sqlite:///"))
    return reopen()


@pytest.fixture
def quick(monkeypatch, prepared_once):
    """Harmonise each package object only once; what is tested is the writing."""
    really = preparing.prepare

    def prepare(package, region, *beside):
        key = id(package)
        if key not in prepared_once:
            prepared_once[key] = (package, really(package, region))
        return prepared_once[key][1]

    monkeypatch.setattr(preparing, "prepare", prepare)


def unguarded(store, *statements: str) -> None:
    """Do what a vandal with the database's password would do: drop the triggers, then change history."""
    with store.engine.connect().execution_options(writes=True) as connection, connection.begin():
        sqlite = connection.dialect.name == "sqlite"
        if sqlite:
            connection.exec_driver_sql("PRAGMA defer_foreign_keys = ON")
        for table in tables.NEVER_CHANGED:
            for name in (
                (f"{table.name}_no_update", f"{table.name}_no_delete") if sqlite else (f"{table.name}_unchanged",)
            ):
                connection.exec_driver_sql(f"DROP TRIGGER {name}" + ("" if sqlite else f" ON {table.name}"))
        for statement in statements:
            connection.exec_driver_sql(statement)
        for table in tables.NEVER_CHANGED:
            for guard in migrations._guards(table.name, connection.dialect.name):
                connection.exec_driver_sql(guard)


OWNER_ONLY = {"audience": Audience.OWNER}
