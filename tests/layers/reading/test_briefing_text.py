"""Reading a briefing as a person wrote it: what is kept, and that every fault names its page and line."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from layers import Refused, read_briefing, safe_link, tokens_of
from layers.reading.briefing_text import MOST_TOKENS, plain

FRONT = "---\ntitle: A title\npartner: west\n---\n"  # lines 1 to 4: the body begins on line 5


def faults_of(text: str):
    with pytest.raises(Refused) as refused:
        read_briefing(text)
    return refused.value.faults


def one_fault(text: str):
    (fault,) = faults_of(text)
    return fault


def test_a_whole_briefing():
    document = read_briefing(
        "---\ntitle: A title\nsubtitle: “Below”\npartner: west\naudience: partners\ntheme: alcohol\n"
        "view: need=a=2,b&show=gap\nreview_on: 2027-03-31\n---\n"
        "# {{ gaps.areas }} areas are *underserved*\n\nWords **bold {{ gaps.residents }}**\nand [more](/methods).\n\n"
        "* one\n* two _it_\n\n1. first\n\n> said\n\n```exhibit\nmap\ncaption: Need: high\n```\n\n```notes\nSay **this**.\n```\n"
        "# Two\n\nEnd.\n"
    )
    assert (document.title, document.subtitle, document.partner) == ("A title", "“Below”", "west")
    assert (document.audience, document.theme, document.view) == ("partners", "alcohol", "need=a=2,b&show=gap")
    assert document.review_on == "2027-03-31"
    first, second = document.pages
    assert [block.kind for block in first.blocks] == ["paragraph", "bullets", "numbers", "quote"]
    words = first.blocks[0].items[0]
    assert plain(words) == "Words bold  and more."  # the token is still empty
    assert [run.text for run in words if run.bold] == ["bold ", ""]
    assert [(run.text, run.link) for run in words if run.link] == [("more", "/methods")]
    assert [plain(item) for item in first.blocks[1].items] == ["one", "two it"]
    assert (first.exhibit.kind, dict(first.exhibit.arguments)) == ("map", {"caption": "Need: high"})
    assert plain(first.notes[0].items[0]) == "Say this."
    assert [(token.name, token.line) for token in tokens_of(first)] == [("gaps.areas", 10), ("gaps.residents", 12)]
    assert (first.number, first.line, second.number) == (1, 10, 2)
    assert plain(second.headline) == "Two" and second.exhibit is None
    lines = document.text.split("\n")
    assert lines[first.line - 1].startswith("# {{") and lines[second.line - 1] == "# Two"
    assert lines[first.last - 1] == "```" and lines[second.last - 1] == "End."


def test_a_token_keeps_what_markdown_would_eat():
    token = tokens_of(
        read_briefing(FRONT + '# One\n\n{{ value layer=a_b_c area="E0 1*" view="need=a&services=b" }}\n').pages[0]
    )[0]
    assert dict(token.arguments) == {"layer": "a_b_c", "area": "E0 1*", "view": "need=a&services=b"}


def test_a_token_may_run_over_lines_and_the_lines_below_still_count_right():
    text = FRONT + "# One\n\n{{ value\n layer=a }} and\n\n# Two <b>bold</b>\n"
    fault = one_fault(text)
    assert fault.rule == "html" and "page 2, line 10" in fault.where


@pytest.mark.parametrize(
    ("body", "rule", "place"),
    [
        ("# One\n\n{{ BAD }}\n", "token", "line 7"),
        ("# One\n\n{{ value layer= }}\n", "token", "line 7"),
        ("# One\n\n{{ value layer=a layer=b }}\n", "token", "line 7"),
        ("# One\n\n{{ value layer=a\n", "token", "line 7"),
        ("# One\n\nvalue }}\n", "token", "line 7"),
        ("Words first.\n\n# One\n", "page", "line 5"),
        ("Words only.\n", "page", "line 5"),
        ("# \n\nWords.\n", "headline", "page 1, line 5"),
        (f"# {'long ' * 30}\n", "headline", "page 1, line 5"),
        ("# One\n\n## Two\n", "block", "page 1, line 7"),
        ("# One\n\n* a\n  * b\n", "block", "page 1, line 7"),
        ("# One\n\n    code\n", "block", "page 1, line 7"),
        ("# One\n\n```python\nprint()\n```\n", "block", "page 1, line 7"),
        ("# One\n\n```exhibit\n```\n", "exhibit", "page 1, line 7"),
        ("# One\n\n```exhibit\nphotograph\n```\n", "exhibit", "page 1, line 7"),
        ("# One\n\n```exhibit\nmap\nwidth: 3\n```\n", "exhibit", "page 1, line 9"),
        ("# One\n\n```exhibit\nmap\nn: 1\nn: 2\n```\n", "exhibit", "page 1, line 10"),
        ("# One\n\n```exhibit\nmap\ncaption: {{ made }}\n```\n", "exhibit", "page 1, line 9"),
        ("# One\n\n```exhibit\nmap\n```\n\n```exhibit\nmap\n```\n", "exhibit", "page 1, line 11"),
        ("# One\n\n![x](https://a.b/c.png)\n", "image", "page 1, line 7"),
        ("# One\n\n[x](javascript:alert(1))\n", "link", "page 1, line 7"),
        ("# One\n\n[x](data:text/html,x)\n", "link", "page 1, line 7"),
        ("# One\n\n[x](//elsewhere.example)\n", "link", "page 1, line 7"),
        ("# One\n\n[x](file:///etc/passwd)\n", "link", "page 1, line 7"),
        ("# One\n\nA <script>alert(1)</script>\n", "html", "page 1, line 7"),
        ("# One\n\nA <img src=x onerror=alert(1)>\n", "html", "page 1, line 7"),
        ("# One\n\nA \x00 nought\n", "control-character", "line 7"),
        ("# One\n\nA \u202e turned\n", "control-character", "line 7"),
        ("# One\n\nA \ue0000\ue001 forged mark\n", "control-character", "line 7"),
    ],
)
def test_each_fault_names_its_place(body, rule, place):
    found = faults_of(FRONT + body)
    assert rule in [fault.rule for fault in found]
    assert any(place in fault.where for fault in found if fault.rule == rule)
    assert all(fault.todo for fault in found)


def test_every_fault_is_in_one_report():
    found = faults_of(FRONT + "# One\n\n{{ BAD }} [x](javascript:1)\n\n# Two\n\n## Three\n\n<b>x</b>\n")
    assert [fault.rule for fault in found] == ["token", "link", "block", "html"]


@pytest.mark.parametrize(
    ("front", "rule"),
    [
        ("no front matter", "front-matter"),
        ("---\ntitle: x\npartner: y\n", "front-matter"),  # no end
        ("---\ntitle: [x\n---\n", "front-matter"),
        ("---\n- a\n---\n", "front-matter"),
        ("---\ntitle: x\n---\n", "front-matter"),  # no partner
        ("---\ntitle: x\npartner: y\ncolour: red\n---\n", "front-matter-name"),
        ("---\ntitle: [x]\npartner: y\n---\n", "front-matter"),
        ("---\ntitle: x\npartner: y\naudience: everybody\n---\n", "audience"),
        ("---\ntitle: x\npartner: y\nreview_on: soon\n---\n", "date"),
        (f"---\ntitle: {'x' * 91}\npartner: y\n---\n", "headline"),
        ("---\na: &a [x]\ntitle: *a\npartner: y\n---\n", "front-matter"),
        ("---\ntitle: !!python/object/apply:os.system [ls]\npartner: y\n---\n", "front-matter"),
    ],
)
def test_broken_front_matter(front, rule):
    assert rule in [fault.rule for fault in faults_of(front + "\n# One\n\nWords.\n")]


def test_plain_values_stay_text():
    """YAML would make a switch of no, a number of 010 and a date of 2027-01-01."""
    document = read_briefing("---\ntitle: no\nsubtitle: 010\npartner: west\nreview_on: 2027-01-01\n---\n# One\n")
    assert (document.title, document.subtitle, document.review_on) == ("no", "010", "2027-01-01")


def test_a_billion_laughs_end_at_once():
    rows = ["a0: &a0 [x,x,x,x,x,x,x,x,x]"]
    rows += [f"a{n}: &a{n} [{','.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 12)]
    # written out it would be 9^12 words
    found = faults_of("---\n" + "\n".join(rows) + "\n---\n# One\n")
    assert found[0].rule == "front-matter"


def test_too_much_of_anything():
    assert one_fault(FRONT + "# One\n\n" + "x" * 200_001).rule == "briefing-size"
    assert "token" in [f.rule for f in faults_of(FRONT + "# One\n\n" + "{{ made }} " * (MOST_TOKENS + 2))]
    assert "page" in [f.rule for f in faults_of(FRONT + "# One\n\n" * 61)]


def test_windows_lines_and_a_mark_at_the_start():
    text = "\ufeff" + (FRONT + "# One\n\nWords.\n").replace("\n", "\r\n")
    assert plain(read_briefing(text).pages[0].blocks[0].items[0]) == "Words."


def test_less_than_is_not_html():
    words = plain(read_briefing(FRONT + "# One\n\n5 < 6 & 7 > 3, p<0.05.\n").pages[0].blocks[0].items[0])
    assert words == "5 < 6 & 7 > 3, p<0.05."


@pytest.mark.parametrize(
    ("address", "safe"),
    [
        ("https://example.org/a", True),
        ("http://example.org", True),
        ("mailto:a@example.org", True),
        ("/areas/E05000001", True),
        ("#top", True),
        ("https:///nobody", False),
        ("JaVaScRiPt:alert(1)", False),
        (" javascript:alert(1)", False),
        ("vbscript:x", False),
        ("data:text/html,x", False),
        ("//elsewhere", False),
        ("/\\elsewhere", False),
        ("relative/page", False),
        ("", False),
    ],
)
def test_addresses(address, safe):
    assert safe_link(address) is safe


@given(st.text(max_size=400))
def test_any_text_is_read_or_refused(body):
    """Nothing that a person types breaks the reader, and what it accepts holds no forged mark."""
    try:
        document = read_briefing(FRONT + "# One\n\n" + body)
    except Refused as refused:
        assert refused.faults and all(fault.where for fault in refused.faults)
        return
    for page in document.pages:
        for block in page.blocks:
            for item in block.items:
                assert "\ue000" not in plain(item)
                assert all(not run.link or safe_link(run.link) for run in item)
