"""Settings from the environment, and the key that is made once and kept."""

from __future__ import annotations

import hashlib
import re
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from dashboard.settings import DEMO_PACK, HELP, from_environment, store_name
from layers import Refused

ROOT = Path(__file__).resolve().parents[2]
GOOD = "f3Yk0q-9sLw2Xb7Rz5Ht-Uc8Nd"


def test_nothing_set_is_the_demonstration_on_one_machine(tmp_path, monkeypatch):
    chosen = from_environment({"COMMONGROUND_HOME": str(tmp_path)})
    assert chosen.region == DEMO_PACK
    assert chosen.database_url == f"sqlite:///{tmp_path / 'store-demo.sqlite'}"
    assert (chosen.tiles_url, chosen.tiles_attribution) == ("", "")


def test_an_empty_setting_is_as_good_as_none(tmp_path):
    empty = dict.fromkeys(HELP, "") | {"COMMONGROUND_HOME": str(tmp_path)}
    assert from_environment(empty) == from_environment({"COMMONGROUND_HOME": str(tmp_path)})


def test_each_region_pack_has_a_store_of_its_own(tmp_path):
    assert store_name(Path("/packs/north-east")) != store_name(Path("/packs/london"))
    urls = {
        from_environment({"COMMONGROUND_HOME": str(tmp_path), "COMMONGROUND_REGION": str(tmp_path / name)}).database_url
        for name in ("a", "b")
    }
    assert len(urls) == 2


def test_the_key_is_made_once_and_only_its_owner_may_read_it(tmp_path):
    first = from_environment({"COMMONGROUND_HOME": str(tmp_path / "new")}).secret_key
    assert re.fullmatch(r"[0-9a-f]{64}", first)
    assert from_environment({"COMMONGROUND_HOME": str(tmp_path / "new")}).secret_key == first
    assert from_environment({"COMMONGROUND_HOME": str(tmp_path / "other")}).secret_key != first
    assert stat.S_IMODE((tmp_path / "new" / "secret-key").stat().st_mode) == 0o600


def test_workers_that_start_together_agree_on_the_key(tmp_path):
    with ThreadPoolExecutor(8) as pool:
        keys = set(pool.map(lambda _: from_environment({"COMMONGROUND_HOME": str(tmp_path)}).secret_key, range(32)))
    assert len(keys) == 1
    assert len(keys.pop()) == 64


def test_a_key_that_is_given_is_used_and_nothing_is_written(tmp_path):
    chosen = from_environment({"COMMONGROUND_HOME": str(tmp_path), "COMMONGROUND_SECRET_KEY": GOOD})
    assert chosen.secret_key == GOOD
    assert list(tmp_path.iterdir()) == []


def test_several_hosts_must_be_given_the_same_key(tmp_path):
    environ = {"COMMONGROUND_HOME": str(tmp_path), "COMMONGROUND_DATABASE_URL": "postgresql://db/common"}
    with pytest.raises(Refused) as refused:
        from_environment(environ)
    assert "COMMONGROUND_SECRET_KEY" in str(refused.value)
    assert "every host" in str(refused.value)
    assert from_environment(environ | {"COMMONGROUND_SECRET_KEY": GOOD}).secret_key == GOOD


def test_every_setting_that_the_code_reads_has_its_help():
    read = set()
    for file in (ROOT / "dashboard").rglob("*.py"):
        read |= set(re.findall(r'environ(?:\.get\(|\[)"(COMMONGROUND_\w+)"', file.read_text("utf-8")))
    assert read <= set(HELP)


@pytest.mark.parametrize(
    "key",
    [
        " ",
        "k",
        "secret",
        "changeme",
        "a" * 64,
        "0" * 32,
        "abcabcabcabcabcabcabcabcabcabc",
        "change-this-secret-key-please-123",
        "your-very-secret-key-here1234567"[:23],
        "PASSWORD password Password 2026",
        "Common Ground default secret key",
        "django-insecure-secret-key-000000",
    ],
)
def test_a_weak_key_is_refused(tmp_path, key):
    with pytest.raises(Refused, match="cannot start") as refused:
        from_environment({"COMMONGROUND_HOME": str(tmp_path), "COMMONGROUND_SECRET_KEY": key})
    assert "secret key" in str(refused.value)
    assert "token_hex" in str(refused.value)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("text", ["", "\n", "short", "z" * 64])
def test_a_kept_key_that_was_emptied_is_refused_and_stays(tmp_path, text):
    file = tmp_path / "secret-key"
    file.write_text(text)
    with pytest.raises(Refused, match="cannot start"):
        from_environment({"COMMONGROUND_HOME": str(tmp_path)})
    assert file.read_text() == text


def test_keys_made_at_random_are_never_called_weak(tmp_path):
    for number in range(2000):
        digest = hashlib.sha256(str(number).encode()).hexdigest()
        chosen = from_environment({"COMMONGROUND_HOME": str(tmp_path), "COMMONGROUND_SECRET_KEY": digest})
        assert chosen.secret_key == digest


def test_who_only_reads_needs_no_key_and_makes_none(tmp_path):
    environ = {"COMMONGROUND_HOME": str(tmp_path / "home"), "COMMONGROUND_DATABASE_URL": "postgresql://db/common"}
    assert from_environment(environ, to_read=True).secret_key == ""
    assert list(tmp_path.iterdir()) == []
