"""How easily the words of a briefing are read, told to its author: reading age, long sentences, and jargon with plain words for it.

The reading age is the Automated Readability Index (Smith and Senter, 1967: 4.71 letters a word + 0.5 words a sentence - 21.43, a
school year of the United States) plus five. It needs letters and sentences only, so no dictionary; place names and numbers do not
count, since an author cannot choose them. It is advice and stops nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from layers import BriefingBlock, BriefingRun

AIM_AGE = 14
"""Reading age to aim for: what most adults read with ease, aloud and at first sight."""
LONG_WORDS = 25
"""Words in a sentence from which it is called long; the advice of GOV.UK."""

PLAIN_WORDS = {
    "accordingly": "so",
    "adjacent to": "next to",
    "aforementioned": "this",
    "ameliorate": "improve",
    "approximately": "about",
    "ascertain": "find out",
    "at this moment in time": "now",
    "beneficiaries": "people who are helped",
    "catchment": "area served",
    "cohort": "group",
    "collaborate": "work with",
    "commence": "start",
    "comprises": "is made up of",
    "confidence interval": "margin of error",
    "cross-cutting": "shared",
    "decile": "tenth",
    "deliverables": "what will be done",
    "demographic": "people, or population",
    "disseminate": "share",
    "e2sfca": "capacity for the people nearby",
    "empower": "let, or help",
    "endeavour": "try",
    "facilitate": "help",
    "footfall": "visitors",
    "going forward": "from now on",
    "granular": "detailed",
    "holistic": "whole, or joined-up",
    "impact on": "affect",
    "in order to": "to",
    "in relation to": "about",
    "in respect of": "about",
    "in the event that": "if",
    "incentivise": "encourage",
    "inequity": "unfairness",
    "initiate": "start",
    "leverage": "use",
    "methodology": "method",
    "morbidity": "illness",
    "mortality": "deaths",
    "multi-agency": "several organisations",
    "outturn": "result",
    "paradigm": "way of thinking",
    "per annum": "a year",
    "percentile": "place in the order",
    "prevalence": "how common it is",
    "prior to": "before",
    "provision": "services",
    "quartile": "quarter",
    "quintile": "fifth",
    "regarding": "about",
    "robust": "sound",
    "rurality": "how rural it is",
    "service users": "people who use the service",
    "signpost": "point to",
    "situated": "is",
    "socio-economic": "social and economic",
    "spatial": "of places",
    "stakeholders": "people and organisations concerned",
    "standardised": "made comparable",
    "statistically significant": "clear, not chance",
    "strategic": "long-term",
    "subsequently": "later",
    "synergies": "gains from working together",
    "tackle": "reduce, or deal with",
    "terminate": "end",
    "utilise": "use",
    "utilisation": "use",
    "vis-à-vis": "compared with",
    "with regard to": "about",
    "wraparound": "all-round",
    "z-score": "distance from the average",
}

KNOWN_SHORT = frozenset(
    re.split(" ", "NHS UK GP GPS ONS A&E PDF MP MPS CCTV HIV AIDS IT TV BBC EU USA VAT MOT GCSE ID")
)
"""Short forms that a room knows."""

_JARGON = re.compile(
    r"\b(" + "|".join(sorted(map(re.escape, PLAIN_WORDS), key=len, reverse=True)) + r")\b", re.IGNORECASE
)
_WORD = re.compile(r"[^\W\d_]+(?:['’-][^\W\d_]+)*")
_SENTENCE_END = re.compile(r"(?<=[.!?…])[\"”’)]*\s+(?=[^a-z])")
_SHORT_FORM = re.compile(r"\b[A-Z](?:[A-Z]|&(?=[A-Z])){1,7}s?\b")


class Words(Protocol):
    """A page as written, or with its numbers filled."""

    number: int
    headline: Sequence[BriefingRun]
    blocks: Sequence[BriefingBlock]


@dataclass(frozen=True)
class Finding:
    """One piece of advice: on which page, about which words, and what to do."""

    page: int
    rule: str  # long-sentence | jargon | short-form | reading-age
    what: str
    todo: str


@dataclass(frozen=True)
class Readability:
    """Of all pages together. ``reading_age`` is None with fewer than 30 words: there is nothing to measure."""

    reading_age: float | None
    words: int
    sentences: int
    words_per_sentence: float
    findings: tuple[Finding, ...]

    @property
    def sentence(self) -> str:
        """The measure in words, for the author."""
        if self.reading_age is None:
            return "There are too few words to measure how easily they are read."
        text = f"Reading age about {round(self.reading_age)}, {self.words_per_sentence:.0f} words a sentence."
        if self.reading_age > AIM_AGE + 0.5:
            return f"{text} Aim for {AIM_AGE}: shorter words and shorter sentences."
        return f"{text} That reads easily."


def read_ease(pages: Iterable[Words]) -> Readability:
    """Measure the headlines and words of the pages; notes, exhibits and sources are not measured."""
    letters = words = sentences = 0
    findings: list[Finding] = []
    for page in pages:
        page_letters = page_words = page_sentences = 0
        texts = list(_texts(page))
        whole = " ".join(texts)
        for text in texts:
            for sentence in filter(None, map(str.strip, _SENTENCE_END.split(text))):
                found = _WORD.findall(sentence)
                if not found:
                    continue
                measured = [word for n, word in enumerate(found) if n == 0 or not word[0].isupper()]
                page_letters += sum(len(word.replace("-", "")) for word in measured)
                page_words += len(measured)
                page_sentences += 1
                if len(found) > LONG_WORDS:
                    what = f"A sentence has {len(found)} words: “{_begin(sentence)}”"
                    findings.append(Finding(page.number, "long-sentence", what, "Make two of it."))
        findings += _jargon(page.number, whole)
        findings += _short_forms(page.number, whole)
        age = _age(page_letters, page_words, page_sentences)
        if age is not None and age > AIM_AGE + 2.5:
            what = f"This page has a reading age of about {round(age)}."
            findings.append(Finding(page.number, "reading-age", what, "Use shorter words and shorter sentences."))
        letters, words, sentences = letters + page_letters, words + page_words, sentences + page_sentences
    return Readability(
        _age(letters, words, sentences), words, sentences, words / sentences if sentences else 0.0, tuple(findings)
    )


def _age(letters: int, words: int, sentences: int) -> float | None:
    if words < 30 or not sentences:
        return None
    return max(4.71 * letters / words + 0.5 * words / sentences - 21.43, 0.0) + 5.0


def _texts(page: Words) -> Iterator[str]:
    for runs in (page.headline, *(item for block in page.blocks for item in block.items)):
        # a token that is not filled yet stands for a number
        yield "".join(run.text or ("0" if run.token is not None else "") for run in runs)


def _begin(sentence: str, most: int = 60) -> str:
    return sentence if len(sentence) <= most else sentence[:most].rsplit(" ", 1)[0] + " …"


def _jargon(page: int, text: str) -> Iterator[Finding]:
    for word in dict.fromkeys(found.lower() for found in _JARGON.findall(text)):
        yield Finding(page, "jargon", f"“{word}” is jargon.", f"Say: {PLAIN_WORDS[word]}.")


def _short_forms(page: int, text: str) -> Iterator[Finding]:
    for short in dict.fromkeys(_SHORT_FORM.findall(text)):
        bare = short.removesuffix("s")
        if bare in KNOWN_SHORT or f"({short})" in text or f"({bare})" in text:
            continue
        yield Finding(page, "short-form", f"“{short}” is a short form.", "Write it out, or explain it in brackets.")
