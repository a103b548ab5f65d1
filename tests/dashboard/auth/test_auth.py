"""Signing in and out: the page, the cookie, the headers, writes from other sites, and the organisation's own service."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import threading
import warnings
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace
from urllib.parse import parse_qs, urlsplit

import argon2
import pytest

from dashboard import settings
from dashboard.app import create_app
from dashboard.auth import hosts, oidc
from dashboard.auth.oidc import OidcSettings
from dashboard.auth.routes import wanted
from dashboard.components.plain import plain_html
from dashboard.published import Published
from layers import SYSTEM, Fault, Refused, open_store
from layers.store import accounts
from tests.databases import database_url

PASSWORD = "maps for everybody"
KEY = "a key for the tests only"


@pytest.fixture(autouse=True)
def quick_hashes(monkeypatch):
    """argon2 with the least work that it takes: what is tested is not how slow it is."""
    monkeypatch.setattr(accounts, "HASHER", argon2.PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))


@pytest.fixture()
def clock():
    return SimpleNamespace(at=datetime(2026, 6, 1, 12, tzinfo=UTC))


@pytest.fixture()
def here(tiny_region, tmp_path, clock):
    store = open_store(database_url(tmp_path / "s.sqlite"), tiny_region, fill=False, clock=lambda: clock.at)
    yield Published(tiny_region, store, tmp_path)
    store.close()


@pytest.fixture()
def app(here):
    return create_app(here, KEY)


@pytest.fixture()
def people(here):
    for name, role, partner in (("ada", "admin", "icb"), ("wes", "analyst", "westshire")):
        here.store.accounts.add_user(name, role=role, partner=partner, password=PASSWORD, by=SYSTEM)


@pytest.fixture()
def client(app, people):
    return app.server.test_client()


def sign_in(client, name="wes", password=PASSWORD, **more):
    return client.post("/sign-in", data={"name": name, "password": password} | more.pop("data", {}), **more)


def who(client) -> str:
    """The name that the page's header shows, "" for nobody. Asks what the browser's scripts ask."""
    found = re.search(r'<a href="/sign-in">([^<]+)<small>', client.get("/sign-in").text)
    return found[1] if found else ""


# ---- the page --------------------------------------------------------------------------------------------------------


def test_the_page_is_a_plain_form_that_needs_no_script(client):
    answer = client.get("/sign-in?next=/catalogue")
    assert (answer.status_code, answer.mimetype) == (200, "text/html")
    assert '<form action="/sign-in" class="sign-in-form" method="post">' in answer.text
    assert '<input name="next" type="hidden" value="/catalogue">' in answer.text
    assert 'autocomplete="current-password"' in answer.text and 'autocomplete="username"' in answer.text
    assert "<noscript" not in answer.text and "_dash" not in answer.text
    assert answer.text.count("<script") == 1  # colours only


def test_labels_belong_to_their_fields(client):
    text = client.get("/sign-in").text
    for field in ("name", "password"):
        assert f'<label for="{field}">' in text and f'id="{field}"' in text


def test_without_accounts_the_page_shows_the_command_that_makes_the_first(app, here):
    text = app.server.test_client().get("/sign-in").text
    assert "commonground user add NAME --role admin --partner ID" in text
    for partner in here.region.partners:
        assert f"<code>{partner.id}</code>" in text
    here.store.accounts.add_user("ada", role="admin", partner="icb", password=PASSWORD, by=SYSTEM)
    assert "commonground user add" not in app.server.test_client().get("/sign-in").text


def test_the_header_says_who_is_signed_in_and_for_whom(client):
    layout = client.get("/_dash-layout").text
    assert "Sign in" in layout and "Sign out" not in layout
    sign_in(client)
    layout = client.get("/_dash-layout").text
    assert '"wes"' in layout and "Westshire Council" in layout and "Sign out" in layout
    page = client.get("/sign-in").text
    assert "analyst of Westshire Council" in page and 'action="/sign-out"' in page


def test_what_was_typed_comes_back_as_text(client):
    text = sign_in(client, name='"><script>alert(1)</script>').text
    assert "<script>alert" not in text
    assert "&#34;&gt;&lt;script&gt;alert(1)" in text


def test_a_problem_is_an_alert_and_the_password_does_not_come_back(client):
    answer = sign_in(client, password="a wrong password")
    assert '<p class="problem" role="alert">The name or the password is wrong.</p>' in answer.text
    assert "<title>Problem: Sign in" in answer.text
    assert "a wrong password" not in answer.text


def test_plain_html_escapes_and_refuses_what_needs_scripts():
    from dash import dcc, html

    part = html.P(["a < b & c", html.A("x", href='/?a="b"', hidden=True, title=None)], className="k")
    assert plain_html(part) == '<p class="k">a &lt; b &amp; c<a hidden href="/?a=&#34;b&#34;">x</a></p>'
    with pytest.raises(ValueError, match="needs JavaScript"):
        plain_html(dcc.Graph())


# ---- signing in and out ----------------------------------------------------------------------------------------------


def test_the_cookie_is_for_this_site_and_not_for_scripts(client):
    answer = sign_in(client)
    assert (answer.status_code, answer.headers["Location"]) == (303, "/")
    cookie = answer.headers["Set-Cookie"]
    name, _, rest = cookie.partition("=")
    token, *flags = [part.strip() for part in rest.split(";")]
    assert name == "commonground"
    assert len(token) >= 43  # 256 bits
    assert set(flags) == {"HttpOnly", "Path=/", "SameSite=Lax"}  # no Domain, and it ends with the browser


def test_over_https_the_cookie_is_secure_and_bound_to_the_host(client):
    answer = sign_in(client, base_url="https://localhost")
    cookie = answer.headers["Set-Cookie"]
    assert cookie.startswith("__Host-commonground=")
    assert "Secure" in cookie and "Path=/" in cookie and "Domain" not in cookie
    assert answer.headers["Strict-Transport-Security"] == "max-age=31536000"
    assert "Strict-Transport-Security" not in client.get("/sign-in").headers


def test_over_https_a_cookie_without_the_prefix_counts_for_nothing(app, here, people):
    """Another host of the domain, or plain HTTP on the way, could have planted it."""
    token = here.store.accounts.sign_in("wes", PASSWORD)
    client = app.server.test_client()
    client.set_cookie("commonground", token, secure=True)
    assert "Sign out" not in client.get("/sign-in", base_url="https://localhost").text


def test_a_session_that_was_there_before_is_not_taken_over(client, here):
    """Session fixation: whatever token the browser brings, signing in gives a new one, and the old one ends."""
    client.set_cookie("commonground", "planted")
    first = sign_in(client).headers["Set-Cookie"].partition("=")[2].partition(";")[0]
    second = sign_in(client, name="ada").headers["Set-Cookie"].partition("=")[2].partition(";")[0]
    assert len({"planted", first, second}) == 3
    assert not here.store.accounts.viewer_of("planted").signed_in
    assert not here.store.accounts.viewer_of(first).signed_in
    assert here.store.accounts.viewer_of(second).user == "ada"


def test_signing_out_really_ends_the_session(client, here, app):
    token = sign_in(client).headers["Set-Cookie"].partition("=")[2].partition(";")[0]
    answer = client.post("/sign-out")
    assert (answer.status_code, answer.headers["Location"]) == (303, "/sign-in?out")
    assert answer.headers["Clear-Site-Data"] == '"cache", "storage"'
    assert "Max-Age=0" in answer.headers["Set-Cookie"]
    assert who(client) == ""
    thief = app.server.test_client()
    thief.set_cookie("commonground", token)
    assert who(thief) == ""
    assert "You are signed out." in client.get("/sign-in?out").text


def test_signing_out_twice_is_no_error(client):
    assert client.post("/sign-out").status_code == 303
    assert client.get("/sign-out").status_code in (200, 404, 405)  # a link or an image cannot sign anybody out
    sign_in(client)
    client.get("/sign-out")
    assert who(client) == "wes"


def test_a_session_ends_by_itself(client, clock):
    sign_in(client)
    clock.at += timedelta(minutes=119)
    assert who(client) == "wes"
    clock.at += timedelta(hours=2)
    assert who(client) == ""


def test_a_busy_session_ends_after_twelve_hours(client, clock):
    sign_in(client)
    for _ in range(7):
        clock.at += timedelta(minutes=100)
        assert who(client) == "wes"
    clock.at += timedelta(minutes=25)  # 700 + 25 minutes: past twelve hours
    assert who(client) == ""


def test_nobody_learns_which_names_exist(client, here):
    here.store.accounts.add_user("dora", role="viewer", partner="icb", password=PASSWORD, by=SYSTEM)
    here.store.accounts.disable_user("dora", by=SYSTEM)
    here.store.accounts.add_user("olga", role="viewer", partner="icb", by=SYSTEM)  # no password
    pages = {}
    for name, password in (
        ("wes", "wrong"), ("nobody", "wrong"), ("dora", PASSWORD), ("olga", ""), ("w\0es", PASSWORD), ("", "")
    ):  # fmt: skip
        answer = sign_in(client, name=name, password=password)
        shown = name.replace("\0", "\ufffd")
        pages[name] = (answer.status_code, answer.text.replace(f'value="{shown}"', "NAME"))
        assert "Set-Cookie" not in answer.headers
    assert len(set(pages.values())) == 1


def test_guessing_is_slowed_down_in_the_same_words_for_every_name(client):
    answers = {}
    for name in ("wes", "nobody"):
        for _ in range(5):
            assert sign_in(client, name=name, password="wrong").status_code == 401
        answer = sign_in(client, name=name, password="wrong")
        assert answer.status_code == 429
        assert int(answer.headers["Retry-After"]) >= 1
        answers[name] = answer.text.replace(f'value="{name}"', "NAME")
    assert answers["wes"] == answers["nobody"]
    assert "Too many failed attempts. Try again in 2 seconds." in answers["wes"]
    assert sign_in(client).status_code == 429  # the right password too, until the wait is over


def test_after_the_wait_the_right_password_works(client, clock):
    for _ in range(6):
        sign_in(client, password="wrong")
    clock.at += timedelta(seconds=10)
    assert sign_in(client).status_code == 303


def test_who_signed_in_before_gets_in_while_strangers_guess(app, client, clock):
    sign_in(client)
    client.post("/sign-out")
    assert client.get_cookie("commonground-browser") is not None
    for number in range(200):
        attacker = {"environ_base": {"REMOTE_ADDR": f"203.0.113.{number}"}}
        app.server.test_client().post("/sign-in", data={"name": "wes", "password": "wrong"}, **attacker)
    elsewhere = app.server.test_client()
    assert sign_in(elsewhere).status_code == 429
    before = client.get_cookie("commonground-browser").value
    assert sign_in(client).status_code == 303
    assert client.get_cookie("commonground-browser").value != before
    clock.at += timedelta(seconds=50)
    assert sign_in(elsewhere).status_code == 303


def test_the_cookie_of_a_known_browser_is_closed_and_signs_nobody_in(client, app):
    answer = sign_in(client)
    cookie = next(c for c in answer.headers.getlist("Set-Cookie") if c.startswith("commonground-browser="))
    assert "HttpOnly" in cookie and "SameSite=Lax" in cookie and "Max-Age=15552000" in cookie and "Path=/" in cookie
    thief = app.server.test_client()
    thief.set_cookie("commonground-browser", cookie.partition("=")[2].partition(";")[0])
    assert who(thief) == ""
    over_https = sign_in(app.server.test_client(), base_url="https://localhost").headers.getlist("Set-Cookie")
    assert any(c.startswith("__Host-commonground-browser=") and "Secure" in c for c in over_https)


def test_after_a_new_password_only_the_browser_that_set_it_is_known(client, app, clock):
    elsewhere = app.server.test_client()
    for one in (client, elsewhere):
        sign_in(one)
    change(client)
    for number in range(40):
        attacker = {"environ_base": {"REMOTE_ADDR": f"203.0.113.{number}"}}
        app.server.test_client().post("/sign-in", data={"name": "wes", "password": "wrong"}, **attacker)
    assert sign_in(elsewhere, password="four other random words").status_code == 429
    assert sign_in(client, password="four other random words").status_code == 303


def test_a_role_that_is_taken_away_and_an_account_that_is_disabled_count_at_once(client, here):
    sign_in(client)
    here.store.accounts.change_user("wes", role="viewer", by=SYSTEM)
    assert "viewer of Westshire Council" in client.get("/sign-in").text
    here.store.accounts.disable_user("wes", by=SYSTEM)
    assert who(client) == ""


def test_when_the_database_is_away_a_signed_in_person_is_the_public(client, here, monkeypatch):
    sign_in(client)

    def broken(token):
        raise Refused("The store could not be read.", [Fault("it is away")])

    monkeypatch.setattr(type(here.store.accounts), "viewer_of", lambda self, token: broken(token))
    assert client.get("/api/v1/layers").status_code == 200
    assert client.get("/api/v1/layers").headers["Cache-Control"] == "no-cache"


# ---- a new password --------------------------------------------------------------------------------------------------


def change(client, now=PASSWORD, new="four other random words"):
    return client.post("/sign-in/password", data={"password": now, "new": new})


def test_a_password_is_changed_by_who_knows_it_and_other_sessions_end(client, app, here):
    sign_in(client)
    elsewhere = app.server.test_client()
    sign_in(elsewhere)
    answer = change(client)
    assert (answer.status_code, answer.headers["Location"]) == (303, "/sign-in?changed")
    assert who(client) == "wes" and "Your password is changed." in client.get("/sign-in?changed").text
    assert who(elsewhere) == ""
    assert sign_in(elsewhere).status_code == 401
    assert sign_in(elsewhere, password="four other random words").status_code == 303


def test_a_password_is_not_changed_without_the_one_before_or_for_a_poor_one(client, here):
    sign_in(client)
    before = here.store.accounts.list_users(SYSTEM)
    wrong = change(client, now="wrong")
    assert wrong.status_code == 401 and "The password that you have now is another." in wrong.text
    poor = change(client, new="short")
    assert poor.status_code == 400 and "it has 5 characters: use 12 to 1024" in poor.text
    assert who(client) == "wes"
    assert change(client, new="wes").status_code == 400
    assert [user.name for user in here.store.accounts.list_users(SYSTEM)] == [user.name for user in before]
    for _ in range(6):
        wrong = change(client, now="wrong")
    assert wrong.status_code == 429  # an open browser is no place to guess


def test_only_who_is_signed_in_with_a_password_can_change_it(app, here, people):
    client = app.server.test_client()
    assert change(client).headers["Location"] == "/sign-in"
    here.store.accounts.add_user("olga", role="viewer", partner="icb", by=SYSTEM)
    client.set_cookie("commonground", here.store.accounts.start_session("olga"))
    assert "Change your password" not in client.get("/sign-in").text
    assert change(client, now="").status_code == 401


# ---- where to go afterwards ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "address",
    [
        "https://evil.example/", "//evil.example", "///evil.example", "/\\evil.example", "\\/evil.example", "/\t/evil.example",
        "/\n/evil.example", " //evil.example", "javascript:alert(1)", "data:text/html,x", "evil.example", "/" + "a" * 2001,
        "/sign-in", "/sign-out", "/sign-in/oidc?next=/", "/sign-in/", "", None, "/a\x7fb", "/a b", "http:/evil.example",
    ],
)  # fmt: skip
def test_no_address_leads_off_the_site(address):
    assert wanted(address) == "/"


def test_the_address_in_the_form_is_checked(client):
    for address in ("//evil.example", "/\\evil.example", "https://evil.example", "/\t/evil.example"):
        assert sign_in(client, data={"next": address}).headers["Location"] == "/"


def test_a_page_of_ours_is_where_one_comes_back_to(client):
    for address in ("/", "/?need=harm&level=ward", "/areas/T01", "/publish/draft/3#columns", "/?q=é"):
        assert wanted(address) == address
        assert sign_in(client, data={"next": address}).headers["Location"].startswith(address[:4])


def test_the_page_one_came_from_is_where_one_goes_back_to(client):
    text = client.get("/sign-in", headers={"Referer": "http://localhost/?need=harm&level=ward"}).text
    assert 'name="next" type="hidden" value="/?need=harm&amp;level=ward"' in text
    for other in ("https://evil.example/?need=harm", "http://localhost/sign-in?out", "http://localhost//evil.example"):
        assert 'name="next" type="hidden" value="/"' in client.get("/sign-in", headers={"Referer": other}).text


# ---- writes from other sites -----------------------------------------------------------------------------------------

WRITES = ["/sign-in", "/sign-in/password", "/sign-out", "/_dash-update-component"]


FOREIGN = [
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site"},
    {"Origin": "https://evil.example"},
    {"Origin": "null"},
    {"Origin": "http://localhost.evil.example"},
    {"Origin": "http://evil.example/http://localhost"},
    {"Sec-Fetch-Site": "cross-site", "Origin": "http://localhost"},
]


@pytest.mark.parametrize("path", WRITES)
def test_a_write_from_another_site_is_refused(client, path):
    sign_in(client)
    for headers in FOREIGN:
        answer = client.post(path, data={"name": "ada", "password": PASSWORD}, headers=headers)
        assert answer.status_code == 403
        assert "Set-Cookie" not in answer.headers
        assert who(client) == "wes"  # still signed in


@pytest.mark.parametrize("path", [*WRITES, "/api/v1/layers", "/healthz", "/no-such-page"])
@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_every_kind_of_write_from_another_site_is_refused(client, method, path):
    """Before anything is looked at, whether or not there is such an address or it takes this method."""
    for headers in FOREIGN:
        assert client.open(path, method=method, headers=headers).status_code == 403, headers
    for headers in ({}, {"Sec-Fetch-Site": "same-origin"}, {"Origin": "http://localhost"}):
        assert client.open(path, method=method, headers=headers).status_code != 403, headers


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS"])
def test_reading_from_another_site_is_not_a_write(client, method):
    for headers in FOREIGN:
        assert client.open("/healthz", method=method, headers=headers).status_code == 200, headers


def test_a_write_of_our_own_is_taken(client):
    for headers in ({}, {"Sec-Fetch-Site": "same-origin"}, {"Sec-Fetch-Site": "none"}, {"Origin": "http://localhost"}):
        assert sign_in(client, headers=headers).status_code == 303


def test_over_https_a_page_on_plain_http_is_another_site(client):
    for origin, status in (("http://localhost", 403), ("https://localhost", 303)):
        assert sign_in(client, base_url="https://localhost", headers={"Origin": origin}).status_code == status


# ---- what may be kept ------------------------------------------------------------------------------------------------

SEEN_BY_ALL = ["/", "/_dash-layout", "/_dash-dependencies", "/api/v1/layers", "/api/v1/region", "/api/v1/areas/lad",
               "/data/classes?need=none&level=lad", "/catalogue", "/sign-in"]  # fmt: skip


def test_no_answer_to_a_signed_in_person_may_be_kept(app, client):
    sign_in(client)
    for path in SEEN_BY_ALL:
        public, answer = app.server.test_client().get(path), client.get(path)
        assert answer.status_code == public.status_code
        assert "Cookie" in public.headers["Vary"] and "Cookie" in answer.headers["Vary"]
        assert answer.headers["Cache-Control"] == "private, no-store", path
        assert answer.headers["Cross-Origin-Resource-Policy"] == "same-origin"
        assert "ETag" not in answer.headers


@pytest.mark.parametrize("path", ["/assets/app.css", "/assets/colour-scheme.js", "/healthz"])
def test_what_is_the_same_for_all_is_kept_and_asks_no_session(client, here, path, monkeypatch):
    sign_in(client)
    monkeypatch.setattr(
        type(here.store.accounts), "viewer_of", lambda self, token: pytest.fail("the session was looked up")
    )
    assert "no-store" not in client.get(path).headers.get("Cache-Control", "")


def test_the_sign_in_page_itself_is_never_kept(client):
    assert client.get("/sign-in").headers["Cache-Control"] == "private, no-store"
    assert sign_in(client, password="wrong").headers["Cache-Control"] == "private, no-store"


# ---- proxies and settings --------------------------------------------------------------------------------------------


def test_only_as_many_proxies_are_believed_as_there_are(here, people):
    forged = {"X-Forwarded-Proto": "https", "X-Forwarded-For": "203.0.113.9", "X-Forwarded-Host": "maps.example.org"}
    direct = create_app(here, KEY).server
    hosts.install(direct)
    assert not sign_in(direct.test_client(), headers=forged).headers["Set-Cookie"].startswith("__Host-")
    behind = create_app(here, KEY).server
    hosts.install(behind, proxies=1)
    answer = sign_in(behind.test_client(), headers=forged | {"Origin": "https://maps.example.org"})
    assert answer.headers["Set-Cookie"].startswith("__Host-")


def test_a_proxy_count_that_is_no_number_is_refused(tmp_path):
    environ = {"COMMONGROUND_HOME": str(tmp_path)}
    assert settings.from_environment(environ | {"COMMONGROUND_PROXIES": "1"}).proxies == 1
    assert settings.from_environment(environ).proxies == 0
    for wrong in ("-1", "one", "11"):
        with pytest.raises(Refused):
            settings.from_environment(environ | {"COMMONGROUND_PROXIES": wrong})


def test_settings_of_the_sign_in_service():
    assert oidc.from_environment({}) is None
    good = {
        "COMMONGROUND_OIDC_ISSUER": "https://login.example.org",
        "COMMONGROUND_OIDC_CLIENT_ID": "maps",
        "COMMONGROUND_OIDC_ROLES": "CN=maps,OU=x=admin; readers = viewer;",
        "COMMONGROUND_OIDC_PARTNERS": "Westshire Council=westshire",
    }
    read = oidc.from_environment(good)
    assert dict(read.roles) == {"CN=maps,OU=x": "admin", "readers": "viewer"}
    assert dict(read.partners) == {"Westshire Council": "westshire"}
    wrong = good | {
        "COMMONGROUND_OIDC_ISSUER": "http://login.example.org",
        "COMMONGROUND_OIDC_CLIENT_ID": "",
        "COMMONGROUND_OIDC_ROLES": "a=king; b",
    }
    with pytest.raises(Refused) as refused:
        oidc.from_environment(wrong)
    assert len(refused.value.faults) == 4  # address, client id, 'b', king


def test_a_partner_that_is_not_one_of_the_regions_stops_the_server(here):
    with pytest.raises(Refused, match="cannot be used"):
        create_app(here, KEY, oidc=OidcSettings("https://x.example", "maps", partners={"a": "nobody"}))


# ---- the organisation's own service ----------------------------------------------------------------------------------


class LocalProvider:
    """A sign-in service on this machine: discovery, keys, tokens, userinfo. ``claims`` is who signs in next."""

    def __init__(self):
        from joserfc.jwk import RSAKey

        self.key = RSAKey.generate_key(2048, {"kid": "one"})
        self.claims = {"sub": "u-1", "preferred_username": "Olga", "roles": ["maps-analysts"], "organisation": "West"}
        self.userinfo = {}
        self.token_changes, self.header, self.sign_key = {}, {"alg": "RS256", "kid": "one"}, None
        self.metadata_changes = {}
        self.codes: dict[str, dict] = {}
        self.asked: list[str] = []
        self.down = False
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.issuer = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    def authorise(self, address: str) -> str:
        """What the person's browser does there; returns the query that it comes back with."""
        query = {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}
        assert query["response_type"] == "code"
        assert query["code_challenge_method"] == "S256"
        assert query["client_id"] == "maps"
        code = f"code-{len(self.codes)}"
        self.codes[code] = query
        return f"code={code}&state={query['state']}"

    def _token(self, form: dict[str, str], authorization: str) -> tuple[int, dict]:
        asked = self.codes.pop(form.get("code", ""), None)  # a code works once
        proof = base64.urlsafe_b64encode(hashlib.sha256(form.get("code_verifier", "").encode()).digest()).rstrip(b"=")
        client = base64.b64decode(authorization.removeprefix("Basic ")).decode()
        if asked is None or proof.decode() != asked["code_challenge"] or client != "maps:secret":
            return 400, {"error": "invalid_grant"}
        assert form["redirect_uri"] == asked["redirect_uri"]
        from joserfc import jwt
        from joserfc.jws import JWSRegistry

        now = int(datetime.now(UTC).timestamp())
        claims = {
            "iss": self.issuer,
            "aud": "maps",
            "iat": now,
            "exp": now + 300,
            "nonce": asked["nonce"],
        } | self.claims
        claims = {name: value for name, value in (claims | self.token_changes).items() if value is not None}
        key = self.sign_key or self.key
        registry = JWSRegistry(algorithms=["RS256", "HS256", "none"])
        token = jwt.encode(self.header, claims, key, registry=registry)
        return 200, {"access_token": "access", "token_type": "Bearer", "expires_in": 300, "id_token": token}

    def _handler(provider):  # noqa: N805  the handler's own self is another
        class Handler(BaseHTTPRequestHandler):
            def log_message(self, *words):
                pass

            def do_GET(self):
                provider.asked.append(self.path)
                documents = {
                    "/.well-known/openid-configuration": {
                        "issuer": provider.issuer,
                        "authorization_endpoint": f"{provider.issuer}/authorise",
                        "token_endpoint": f"{provider.issuer}/token",
                        "jwks_uri": f"{provider.issuer}/keys",
                        "userinfo_endpoint": f"{provider.issuer}/userinfo",
                        "id_token_signing_alg_values_supported": ["RS256", "HS256", "none"],
                    }
                    | provider.metadata_changes,
                    "/keys": {"keys": [provider.key.as_dict(private=False)]},
                    "/userinfo": provider.userinfo,
                }
                self.answer(*((503, {}) if provider.down else (200, documents[self.path])))

            def do_POST(self):
                provider.asked.append(self.path)
                body = self.rfile.read(int(self.headers["Content-Length"])).decode()
                form = {name: values[0] for name, values in parse_qs(body).items()}
                self.answer(*provider._token(form, self.headers.get("Authorization", "")))

            def answer(self, status, document):
                body = json.dumps(document).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

        return Handler


@pytest.fixture(scope="module")
def one_key():
    from joserfc.jwk import RSAKey

    return RSAKey.generate_key(2048, {"kid": "one"})


@pytest.fixture()
def service(one_key, monkeypatch):
    from joserfc.jwk import RSAKey

    monkeypatch.setattr(RSAKey, "generate_key", lambda *words, **more: one_key)  # making one takes longer than a test
    made = LocalProvider()
    monkeypatch.undo()
    yield made
    made.server.shutdown()
    made.server.server_close()


@pytest.fixture()
def oidc_settings(service):
    return OidcSettings(
        service.issuer,
        "maps",
        "secret",
        label="a Westshire account",
        roles={"maps-admins": "admin", "maps-analysts": "analyst", "maps-readers": "viewer"},
        partners={"West": "westshire", "East": "eastshire"},
    )


@pytest.fixture()
def through(here, oidc_settings):
    """A browser of a site that uses the service."""
    return create_app(here, KEY, oidc=oidc_settings).server.test_client()


def come_back(client, service, *, next="/", change="", base_url="http://localhost"):
    """Start here, sign in there, come back; returns the last answer."""
    start = client.get(f"/sign-in/oidc?next={next}", base_url=base_url)
    assert start.status_code == 303, start.text
    query = service.authorise(start.headers["Location"])
    return client.get(f"/sign-in/oidc/return?{query}{change}", base_url=base_url)


def test_somebody_who_is_mapped_gets_an_account_and_a_session(through, service, here):
    assert 'href="/sign-in/oidc?next=%2Fcatalogue"' in through.get("/sign-in?next=/catalogue").text
    assert "Sign in with a Westshire account" in through.get("/sign-in").text
    answer = come_back(through, service, next="/catalogue")
    assert (answer.status_code, answer.headers["Location"]) == (303, "/catalogue")
    assert who(through) == "olga"
    (user,) = here.store.accounts.list_users(SYSTEM)
    assert (user.role, user.partner, user.has_password) == ("analyst", "westshire", False)
    assert user.made_by.startswith("oidc:") and "u-1" not in user.made_by
    added = next(line for line in here.store.audit(SYSTEM) if line.action == "user-added")
    assert added.by == user.made_by


def test_the_journey_cookie_is_short_lived_closed_and_used_once(through, service):
    start = through.get("/sign-in/oidc")
    cookie = start.headers["Set-Cookie"]
    assert cookie.startswith("commonground-oidc=") and "Max-Age=600" in cookie
    assert "HttpOnly" in cookie and "SameSite=Lax" in cookie
    query = service.authorise(start.headers["Location"])
    back = through.get(f"/sign-in/oidc/return?{query}")
    assert any(c.startswith("commonground-oidc=;") for c in back.headers.getlist("Set-Cookie"))
    again = through.get(f"/sign-in/oidc/return?{query}")
    assert again.status_code == 403 and "Try again" in again.text


def test_over_https_both_cookies_have_the_prefix(through, service):
    start = through.get("/sign-in/oidc", base_url="https://localhost")
    assert start.headers["Set-Cookie"].startswith("__Host-commonground-oidc=")
    assert "redirect_uri=https%3A%2F%2Flocalhost%2Fsign-in%2Foidc%2Freturn" in start.headers["Location"]
    answer = come_back(through, service, base_url="https://localhost")
    assert any(c.startswith("__Host-commonground=") for c in answer.headers.getlist("Set-Cookie"))


def test_a_state_of_somebody_else_is_refused(through, service, app, oidc_settings, here):
    """Login CSRF: an attacker sends their own answer of the service to somebody else's browser."""
    attacker = create_app(here, KEY, oidc=oidc_settings).server.test_client()
    query = service.authorise(attacker.get("/sign-in/oidc").headers["Location"])
    through.get("/sign-in/oidc")  # the victim has a journey of their own
    for victim in (through, create_app(here, KEY, oidc=oidc_settings).server.test_client()):
        answer = victim.get(f"/sign-in/oidc/return?{query}")
        assert answer.status_code == 403
        assert who(victim) == ""
    assert "/token" not in service.asked


def test_an_answer_of_another_issuer_an_error_and_none_at_all_are_refused(through, service):
    assert come_back(through, service, change="&iss=https://evil.example").status_code == 403
    start = through.get("/sign-in/oidc")
    state = parse_qs(urlsplit(start.headers["Location"]).query)["state"][0]
    denied = through.get(f"/sign-in/oidc/return?error=access_denied&error_description=call+0800+EVIL&state={state}")
    assert denied.status_code == 403 and "EVIL" not in denied.text
    assert through.get("/sign-in/oidc/return").status_code == 403
    assert who(through) == ""


@pytest.mark.parametrize(
    "changes",
    [
        {"nonce": "another"},
        {"nonce": None},
        {"aud": "another-site"},
        {"aud": ["maps", "another-site"], "azp": "another-site"},
        {"iss": "https://evil.example"},
        {"exp": 1_600_000_000},
        {"exp": None},
        {"sub": None},
        {"iat": None},
        {"at_hash": "AAAAAAAAAAAAAAAAAAAAAA"},
    ],
)
def test_a_token_that_is_not_for_this_journey_is_refused(through, service, changes):
    service.token_changes = changes
    answer = come_back(through, service)
    assert answer.status_code == 403
    assert "does not answer as it should" in answer.text
    assert who(through) == ""


def test_a_token_that_the_service_has_not_signed_is_refused(through, service):
    from joserfc.jwk import OctKey, RSAKey

    warnings.simplefilter("ignore")  # joserfc warns the attacker that we play
    stranger = RSAKey.generate_key(2048, {"kid": "one"})
    service.sign_key = stranger
    assert come_back(through, service).status_code == 403
    # "none", and the public key used as a shared secret, though the service says that it takes both
    service.header, service.sign_key = {"alg": "none"}, OctKey.import_key("x" * 32)
    assert come_back(through, service).status_code == 403
    service.header = {"alg": "HS256", "kid": "one"}
    service.sign_key = OctKey.import_key(service.key.as_dict(private=False)["n"])
    assert come_back(through, service).status_code == 403
    assert who(through) == ""


def test_a_new_key_of_the_service_is_fetched(through, service, monkeypatch):
    from joserfc.jwk import RSAKey

    assert come_back(through, service).status_code == 303
    monkeypatch.setattr(oidc, "REFETCH_S", 0)
    service.key, service.header = RSAKey.generate_key(2048, {"kid": "two"}), {"alg": "RS256", "kid": "two"}
    assert come_back(through, service).status_code == 303
    assert service.asked.count("/keys") == 2
    assert service.asked.count("/.well-known/openid-configuration") == 1


def test_a_service_that_is_away_or_calls_itself_something_else_is_told_plainly(here, oidc_settings, service):
    for changes in (
        {"issuer": "https://evil.example"},
        {"token_endpoint": "http://evil.example/token"},
        {"jwks_uri": None},
    ):
        service.metadata_changes = changes
        answer = create_app(here, KEY, oidc=oidc_settings).server.test_client().get("/sign-in/oidc")
        assert answer.status_code == 403 and "does not answer as it should" in answer.text
    service.down = True
    answer = create_app(here, KEY, oidc=oidc_settings).server.test_client().get("/sign-in/oidc")
    assert answer.status_code == 403 and "Try again in a few minutes" in answer.text


@pytest.mark.parametrize(
    "changes",
    [
        {"roles": ["somebody"]},
        {"roles": []},
        {"roles": None},
        {"roles": {"maps-admins": True}},
        {"organisation": "North"},
        {"organisation": None},
        {"organisation": ["West", "East"]},  # of which one?
        {"preferred_username": None},
        {"preferred_username": "   "},
        {"preferred_username": "a b"},
        {"preferred_username": ["ada"]},
        {"preferred_username": "system"},
    ],
)
def test_somebody_who_is_not_mapped_is_not_let_in(through, service, here, changes):
    service.claims = {name: value for name, value in (service.claims | changes).items() if value is not None}
    answer = come_back(through, service)
    assert answer.status_code == 403
    assert "has given you a place" in answer.text
    assert here.store.accounts.list_users(SYSTEM) == ()


def test_claims_may_come_from_userinfo_but_only_about_the_same_person(through, service, here):
    more = {"roles": ["maps-readers"], "organisation": "East"}
    service.claims = {"sub": "u-1", "preferred_username": "olga"}
    service.userinfo = {"sub": "u-2", **more}
    assert come_back(through, service).status_code == 403
    service.userinfo = {"sub": "u-1", "preferred_username": "ada", **more}
    assert come_back(through, service).status_code == 303
    assert here.store.accounts.viewer_named("olga").partner == "eastshire"  # the token's own claims win


def test_claims_may_stand_inside_others():
    assert oidc.claim_of({"realm_access": {"roles": ["a"]}}, "realm_access.roles") == ["a"]
    assert oidc.claim_of({"https://x.example/roles": ["b"]}, "https://x.example/roles") == ["b"]
    assert oidc.claim_of({"realm_access": "text"}, "realm_access.roles") is None


def test_the_most_powerful_role_counts(oidc_settings):
    claims = {"roles": ["maps-readers", "maps-admins", "x"], "organisation": "West"}
    assert oidc.place_of(claims, oidc_settings) == ("admin", "westshire")


def test_a_new_role_at_the_service_counts_at_the_next_sign_in(through, service, here):
    come_back(through, service)
    service.claims |= {"roles": "maps-readers", "organisation": ["East"]}
    come_back(through, service)
    viewer = here.store.accounts.viewer_named("olga")
    assert (viewer.role, viewer.partner) == ("viewer", "eastshire")
    service.claims |= {"roles": []}
    assert come_back(through, service).status_code == 403  # a leaver


def test_a_users_name_given_to_somebody_else_does_not_give_them_the_account(through, service, here):
    come_back(through, service)
    through.post("/sign-out")
    service.claims |= {"sub": "u-2"}
    assert come_back(through, service).status_code == 403
    assert who(through) == ""


def test_an_account_with_a_password_is_never_entered_from_outside(through, service, here, people):
    service.claims |= {"preferred_username": "Ada", "roles": ["maps-readers"]}
    assert come_back(through, service).status_code == 403
    assert who(through) == ""
    assert here.store.accounts.viewer_named("ada").role == "admin"


def test_an_account_that_an_admin_made_without_a_password_keeps_its_role(through, service, here):
    here.store.accounts.add_user("olga", role="viewer", partner="icb", by=SYSTEM)
    service.claims = {"sub": "u-1", "preferred_username": "olga", "roles": ["maps-admins"], "organisation": "West"}
    assert come_back(through, service).status_code == 303
    viewer = here.store.accounts.viewer_named("olga")
    assert (viewer.role, viewer.partner) == ("viewer", "icb")


def test_a_disabled_account_stays_out(through, service, here):
    come_back(through, service)
    here.store.accounts.disable_user("olga", by=SYSTEM)
    answer = come_back(through, service)
    assert answer.status_code == 403 and "Your account is disabled" in answer.text


def test_an_e_mail_address_names_an_account_only_when_it_is_verified(here, oidc_settings, service):
    by_mail = replace(oidc_settings, name_claim="email")
    client = create_app(here, KEY, oidc=by_mail).server.test_client()
    service.claims |= {"email": "olga@west.example"}
    for verified, status in ((None, 403), (False, 403), ("true", 403), (True, 303)):
        service.token_changes = {"email_verified": verified}
        assert come_back(client, service).status_code == status
    assert who(client) == "olga@west.example"


def test_next_is_checked_on_the_way_back_too(through, service):
    assert come_back(through, service, next="//evil.example").headers["Location"] == "/"


def test_a_journey_cookie_that_we_have_not_signed_counts_for_nothing(through, service, here, oidc_settings):
    forger = create_app(here, "another key", oidc=oidc_settings).server.test_client()
    start = forger.get("/sign-in/oidc")
    query = service.authorise(start.headers["Location"])
    through.set_cookie("commonground-oidc", start.headers["Set-Cookie"].partition("=")[2].partition(";")[0])
    assert through.get(f"/sign-in/oidc/return?{query}").status_code == 403


def test_without_settings_there_is_no_such_way_in(client):
    assert client.get("/sign-in/oidc").status_code in (200, 404)
    assert "Sign in with" not in client.get("/sign-in").text
