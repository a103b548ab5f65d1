"""Links for the two readers, dashboard/question.py and assets/question.js: every kind of field, with what people and attackers write."""

from __future__ import annotations

import json
import random
import subprocess
import unicodedata
from pathlib import Path
from urllib.parse import quote

from dashboard.question import MAP, fields_of

QUESTION_JS = Path(__file__).resolve().parents[1] / "assets" / "question.js"

NUMBERS = (
    "1_000", "1234.5678", "0x10", "0b1", "0o7", "1e3", "1E3", "1e-3", "1e+05", "1e", "e3", "1e999", "-1e999", "1e-400", " 5 ", "5\t",
    "\n5", "5\u00a0", "\ufeff5", "5.", ".5", ".", "-", "-0", "+5", "--5", "1,5", "1 000", "1,000", "١٢", "５", "²", "½", "NaN", "nan",
    "inf", "Infinity", "-inf", "0", "00012", "05", "5.0", "1.2", "1.20", "1.4", "1.0", "1", "3", "7", "8", "0.0000001", "0.1e-6",
    "200000", "200000.0001", "199999.99999999997", "600", "600.5", "1000", "1000.0001", "9" * 400, "0." + "3" * 60, "5n", "5f", "1__0",
    "true", "null", "[5]", "0.30000000000000004", "123456.7", "123456.789012",
)  # fmt: skip
NAMES = (
    "a", "b", "harm", "A.b_c-d", "none", "all", "newest", "constructor", "__proto__", "toString", "yes", "no", "YES", "x" * 80, "x" * 81,
    "-a", ".a", "_a", "a b", " a", "a ", "a\t", "a\n", "\u00a0a", "é", "Ａ", "a=", "a=2", "a=2.0", "a= 2", "a =2", "a=1_0", "a=0x2", "a=0",
    "a=-1", "a=1000", "a=1001", "a=1e-9", "a=.5", "a=5.", "a=1=2", "a==", "=2", "a=nan", "a=٣", "a=0.30000000000000004", "../etc", "<b>",
    "a\u2028b", "a\u2029b", "a\u00adb", "a\u200bb", "a\ue000", "%41", "a+b", "a&b", "a;b", "a%", "'a'", '"a"', "\0", "near", "rings",
    "hot", "vanish", "moran", "lsoa", "ward", "gap", "access",
)  # fmt: skip
PLACES = (
    "54.9",
    "-1.6",
    "10.25",
    "54.03125",
    "-1.03125",
    "10.125",
    "-0",
    "-0.00001",
    "62",
    "62.0001",
    "48",
    "-12",
    "19",
    "3",
    "0",
    "90",
)
_LETTERS = [chr(i) for i in range(0x2500) if unicodedata.category(chr(i)) not in ("Cn", "Cs")]


def texts(seed: int) -> list[tuple[str, str]]:
    """(field, text) of every field of the map's link, some hundreds."""
    draw = random.Random(seed)
    rows = fields_of(MAP)
    out = [(row.name, text) for row in rows for text in (*NUMBERS, *NAMES, *row.allowed(), *map(str, row.on_map))]
    for row in rows:
        for _ in range(40):
            parts = draw.choices((*NAMES, *NUMBERS, "", *row.allowed()), k=draw.randint(1, 4))
            out.append((row.name, draw.choice((",", ", ", "=", ",,", "")).join(parts)))
            out.append((row.name, repr(draw.uniform(-1, 1) * 10 ** draw.randint(-9, 7))))
            out.append((row.name, repr(round(draw.uniform(0, 700), draw.randint(0, 6)))))
            out.append((row.name, "".join(draw.choices(_LETTERS, k=draw.randint(1, 8)))))
        for n in (19, 20, 21):
            out.append((row.name, ",".join(f"n{i}" for i in range(n))))
        out += [(row.name, "x" * 60), (row.name, "x" * 61), (row.name, "é" * 60), (row.name, "𝒳" * 60)]
    for _ in range(300):
        out.append(("at", ",".join(draw.choices(PLACES, k=draw.choice((2, 3, 3, 3, 3, 4))))))
        place = (draw.uniform(48, 62), draw.uniform(-12, 4), draw.uniform(3, 19))
        out.append(("at", ",".join(repr(round(x, draw.randint(1, 12))) for x in place)))
        weights = [
            f"i{k}={draw.choice(NUMBERS)}" if draw.random() < 0.3 else f"i{k}={draw.uniform(0, 9)!r}" for k in range(3)
        ]
        out.append(("need", ",".join(weights)))
    return out


def links(seed: int) -> list[str]:
    """Query strings: each text by itself, and several fields that stand together, some of them twice."""
    draw, single = random.Random(seed), texts(seed)
    pairs = [f"{name}={quote(text)}" for name, text in single]
    fine = [f"show={show}" for show in ("need", "access", "gap")]
    together = ["&".join([draw.choice(fine), *draw.choices(pairs, k=draw.randint(2, 7))]) for _ in range(500)]
    return ["", "=", "&&", "need", "need=", "=a", "colour=red", "need=a&need=b", "need=&need=b", *pairs, *together]


READ_ALL = """
(links) => links.map((link) => {
  const { fromQuery, toQuery, classesQuery } = window.commonground.question;
  const selection = fromQuery(`?${link}`);
  return [selection, toQuery(selection), classesQuery(selection)];
})
"""


def read_in_node(rows: list[dict], asked: list[str]) -> list[list]:
    """What assets/question.js makes of links, with these rows: [selection, whole link, the part that decides the colours] of each."""
    script = f"""
    const {{ rows, links }} = JSON.parse(require('fs').readFileSync(0, 'utf8'));
    globalThis.window = globalThis;
    globalThis.document = {{ getElementById: () => ({{ textContent: JSON.stringify(rows) }}) }};
    {QUESTION_JS.read_text("utf-8")}
    process.stdout.write(JSON.stringify(({READ_ALL})(links)));
    """
    given = json.dumps({"rows": rows, "links": asked})
    done = subprocess.run(["node", "-e", script], input=given, capture_output=True, text=True, timeout=120, check=True)
    return json.loads(done.stdout)
