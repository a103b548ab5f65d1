"""Whose word counts for address, scheme and host, and under which hosts the site answers."""

from __future__ import annotations

import ssl

import flask
import pytest

from dashboard import settings, web
from dashboard.app import create_server
from dashboard.auth import hosts
from layers import Refused

FORGED = {
    "X-Forwarded-For": "198.51.100.7",
    "X-Forwarded-Proto": "https",
    "X-Forwarded-Host": "evil.example",
    "X-Forwarded-Port": "444",
    "X-Forwarded-Prefix": "/evil",
    "Forwarded": "for=198.51.100.7;host=evil.example;proto=https",
    "X-Real-IP": "198.51.100.7",
}


def seen(proxies: int = 0, names=(), *, headers=None, **environ) -> dict | int:
    """What an application behind it is told about the request; the status when it is not asked."""
    server = flask.Flask("seen")

    @server.get("/<path:path>")
    def tell(path):
        request = flask.request
        forwarded = [name for name in request.environ if "FORWARDED" in name or "REAL_IP" in name]
        return {"address": request.remote_addr, "url": request.url, "forwarded": forwarded}

    hosts.install(server, proxies, names)
    base = {"REMOTE_ADDR": "192.0.2.1"} | environ
    answer = server.test_client().get(environ.pop("path", "/x"), headers=headers or {}, environ_overrides=base)
    return answer.get_json() if answer.status_code == 200 else answer.status_code


def test_nobody_is_believed_without_a_proxy():
    assert seen(headers=FORGED) == {"address": "192.0.2.1", "url": "http://localhost/x", "forwarded": []}


def test_as_many_proxies_are_believed_as_there_are():
    told = {
        "X-Forwarded-For": "6.6.6.6, 198.51.100.7",
        "X-Forwarded-Proto": "https",
        "X-Forwarded-Host": "maps.example.org",
    }
    one = seen(1, headers=told)
    assert one == {"address": "198.51.100.7", "url": "https://maps.example.org/x", "forwarded": []}
    # the first of two did not report the scheme and the host: nobody makes up its word
    assert seen(2, headers=told) == {"address": "6.6.6.6", "url": "http://localhost/x", "forwarded": []}
    assert seen(3, headers=told)["address"] == "192.0.2.1"


def test_the_scheme_of_gunicorn_is_that_of_its_socket():
    plain = {"gunicorn.socket": object(), "wsgi.url_scheme": "https", "SCRIPT_NAME": "/evil"}
    assert seen(**plain)["url"] == "http://localhost/x"
    tls = {"gunicorn.socket": ssl.SSLSocket.__new__(ssl.SSLSocket), "wsgi.url_scheme": "http"}
    assert seen(**tls)["url"] == "https://localhost/x"


@pytest.mark.parametrize(
    "host", ["maps.example.org", "MAPS.example.org:8050", "maps.example.org.", "[::1]:80", "other.example:81"]
)
def test_the_sites_own_hosts_are_answered(host):
    assert isinstance(seen(0, hosts.read("maps.example.org, [::1], Other.example:81"), headers={"Host": host}), dict)


@pytest.mark.parametrize(
    "host",
    ["evil.example", "maps.example.org.evil.example", "evilmaps.example.org", "other.example", "other.example:82", "", "a b",
     "maps.example.org, evil.example", "maps.example.org@evil.example", "maps.example.org:80:80", "maps.example.org/x", "[::1"],
)  # fmt: skip
def test_another_host_gets_400_in_plain_words_and_nothing_else(host):
    server = flask.Flask("seen")
    server.before_request(lambda: pytest.fail("the application was asked"))
    hosts.install(server, 0, hosts.read("maps.example.org, [::1], other.example:81"))
    answer = server.test_client().get("/x", environ_overrides={"HTTP_HOST": host})
    assert (answer.status_code, answer.text) == (400, hosts.WRONG)
    assert answer.mimetype == "text/plain"


@pytest.mark.parametrize("host", ["a b", "<script>", "x" * 400, "a,b", "a@b", "a/b"])
def test_what_is_no_host_is_never_answered(host):
    assert seen(environ_overrides=None, HTTP_HOST=host) == 400


def test_any_host_is_answered_when_none_is_named():
    assert isinstance(seen(headers={"Host": "anything.example:99"}), dict)


def test_a_forwarded_host_counts_with_a_proxy_only():
    names = hosts.read("maps.example.org")
    told = {"Host": "inside:8050", "X-Forwarded-Host": "maps.example.org"}
    assert seen(1, names, headers=told)["url"] == "http://maps.example.org/x"
    assert seen(0, names, headers=told) == 400
    assert seen(1, names, headers={"Host": "maps.example.org", "X-Forwarded-Host": "evil.example"}) == 400


@pytest.fixture(scope="module")
def named(tiny_pack, tmp_path_factory):
    environ = {
        "COMMONGROUND_REGION": str(tiny_pack),
        "COMMONGROUND_HOME": str(tmp_path_factory.mktemp("home")),
        "COMMONGROUND_PUBLIC_URL": "https://Maps.example.org/",
    }
    return create_server(environ)


def test_the_whole_application_answers_under_its_own_name_only(named):
    client = named.test_client()
    for path in ("/", "/api/v1/layers", "/assets/app.css", "/_dash-layout", "/sign-in"):
        assert client.get(path, base_url="https://maps.example.org").status_code == 200, path
        wrong = client.get(path, base_url="https://evil.example")
        assert (wrong.status_code, wrong.text) == (400, hosts.WRONG)
    for path in hosts.FOR_ANY_HOST:  # a machine is watched by its number
        assert client.get(path, base_url="http://10.0.0.7:8050").status_code == 200


def test_links_that_leave_the_page_use_the_public_address(named):
    with named.test_request_context("/", base_url="http://127.0.0.1:8050"):
        assert web.origin() == "https://maps.example.org"
    named_by_none = flask.Flask("x")
    with named_by_none.test_request_context("/", base_url="http://127.0.0.1:8050"):
        assert web.origin() == "http://127.0.0.1:8050"


def test_settings_of_hosts(tmp_path):
    def chosen(**given):
        environ = {f"COMMONGROUND_{name}": value for name, value in given.items()}
        return settings.from_environment({"COMMONGROUND_HOME": str(tmp_path)} | environ)

    assert (chosen().hosts, chosen().public_url) == ((), "")
    assert chosen(HOSTS=" Maps.example.org, localhost:8050,[::1],").hosts == (
        "maps.example.org",
        "localhost:8050",
        "[::1]",
    )
    assert chosen(PUBLIC_URL="https://maps.example.org/").public_url == "https://maps.example.org"
    assert chosen(PUBLIC_URL="https://maps.example.org").hosts == ("maps.example.org",)
    assert chosen(PUBLIC_URL="https://maps.example.org", HOSTS="inside").hosts == ("inside",)
    for wrong in ({"HOSTS": "https://maps.example.org"}, {"HOSTS": "a b"}, {"HOSTS": "*"}, {"PUBLIC_URL": "maps.example.org"},
                  {"PUBLIC_URL": "https://maps.example.org/path"}, {"PUBLIC_URL": "ftp://a"}, {"PUBLIC_URL": "http://[bad"}):  # fmt: skip
        with pytest.raises(Refused, match="cannot start"):
            chosen(**wrong)


def test_gunicorn_is_told_at_start_that_it_needs_a_proxy(named, tiny_pack, tmp_path, monkeypatch, caplog):
    monkeypatch.setenv("SERVER_SOFTWARE", "gunicorn/27")
    create_server({"COMMONGROUND_REGION": str(tiny_pack), "COMMONGROUND_HOME": str(tmp_path)})
    assert caplog.text.count("put a proxy in front") == 1
