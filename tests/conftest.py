"""What all tests share: the settings of property tests, the tiny region, and an application over it."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from tests.databases import ON_POSTGRES, database_url
from tests.tiny import write_tiny_pack

ROOT = Path(__file__).resolve().parents[1]

# One profile for every property test: the same examples on every run, and no clock, neither a deadline nor "too slow".
settings.register_profile("commonground", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("commonground")


@pytest.fixture(scope="session", autouse=True)
def requests_wait_for_jobs():
    """A test that asks for an answer gets it, however busy the machine is; those about waiting say how long."""
    from dashboard import jobs

    before, jobs.WAIT_S = jobs.WAIT_S, 60.0
    yield
    jobs.WAIT_S = before


def pytest_collection_modifyitems(config, items):
    """On PostgreSQL alone, what the store's tests do on files of their own need not be done again."""
    if ON_POSTGRES:
        again = [
            item for item in items if "tests/layers/store/" in item.path.as_posix() and "url" not in item.fixturenames
        ]
        config.hook.pytest_deselected(items=again)
        items[:] = [item for item in items if item not in set(again)]


@pytest.fixture(scope="session")
def tiny_pack(tmp_path_factory) -> Path:
    return write_tiny_pack(tmp_path_factory.mktemp("pack") / "tiny")


@pytest.fixture(scope="session")
def tiny_region(tiny_pack):
    from layers import load_region

    return load_region(tiny_pack)


@pytest.fixture(scope="session")
def tiny(tiny_region, tmp_path_factory):
    """A Published over the tiny region. Tests that publish make a store of their own."""
    from dashboard.published import Published
    from layers import open_store

    home = tmp_path_factory.mktemp("home")
    store = open_store(database_url(home / "store.sqlite"), tiny_region)
    yield Published(tiny_region, store, home)
    store.close()


@pytest.fixture(scope="session")
def tiny_app(tiny):
    from dashboard.app import create_app

    return create_app(tiny, "a key for the tests only")


@pytest.fixture()
def client(tiny_app):
    return tiny_app.server.test_client()
