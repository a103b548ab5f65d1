"""Readability: the index against its formula on paper, and advice that names the page."""

from __future__ import annotations

import pytest

from dashboard.briefings.writing.readability import AIM_AGE, LONG_WORDS, PLAIN_WORDS, read_ease
from layers import read_briefing

FRONT = "---\ntitle: A title\npartner: west\n---\n"


def measure(body: str):
    return read_ease(read_briefing(FRONT + body).pages)


def rules(body: str) -> list[tuple[int, str]]:
    return [(finding.page, finding.rule) for finding in measure(body).findings]


def test_the_index_on_paper():
    # 4 sentences and the headline's 1; words of 4 letters: 8 a sentence in the text, 2 in the headline.
    # 34 words, 136 letters: 4.71 * 4 + 0.5 * 34 / 5 - 21.43 = 18.84 + 3.4 - 21.43 = 0.81; an age of 5.81
    text = " ".join(["This well made road runs past your door."] * 4)
    assert [len(word) for word in ["This", "well", "made", "road", "runs", "past", "your", "door"]] == [4] * 8
    found = measure(f"# Safe home\n\n{text}\n")
    assert (found.words, found.sentences) == (34, 5)
    assert found.reading_age == pytest.approx(4.71 * 4 + 0.5 * 34 / 5 - 21.43 + 5)
    assert "reads easily" in found.sentence


def test_harder_words_have_a_higher_age():
    easy = "We need help here now. " * 10
    hard = (
        "Responsibilities notwithstanding, comprehensive reorganisation necessitates considerable deliberation. " * 10
    )
    assert measure(f"# One\n\n{hard}\n").reading_age > AIM_AGE + 5 > measure(f"# One\n\n{easy}\n").reading_age
    assert (1, "reading-age") in rules(f"# One\n\n{hard}\n")
    assert "Aim for" in measure(f"# One\n\n{hard}\n").sentence


def test_names_and_numbers_do_not_count():
    plain = "We went to see the park and it was shut for the day. " * 4
    named = "We went to Newcastle-upon-Tyne to see the park and it was shut for the 12,345th day. " * 4
    # "Newcastle-upon-Tyne" and the digits of 12,345 go; "to" and "th" come: no name makes a text harder
    assert measure(f"# One\n\n{named}\n").reading_age <= measure(f"# One\n\n{plain}\n").reading_age + 1


def test_a_few_words_are_not_measured():
    found = measure("# Two words\n")
    assert found.reading_age is None and "too few" in found.sentence


def test_long_sentences_are_named_with_their_page():
    exactly, over = " ".join(["word"] * LONG_WORDS), " ".join(["word"] * (LONG_WORDS + 1))
    assert rules(f"# One\n\n{exactly}.\n\n# Two\n\n{over}.\n") == [(2, "long-sentence")]


def test_jargon_comes_with_plain_words():
    found = measure("# One\n\nWe will Utilise this in order to help. The utiliser is not jargon.\n").findings
    assert [(f.rule, f.what, f.todo) for f in found] == [
        ("jargon", "“utilise” is jargon.", "Say: use."),
        ("jargon", "“in order to” is jargon.", "Say: to."),
    ]
    assert all(plain and plain != word for word, plain in PLAIN_WORDS.items())


def test_short_forms_are_to_be_explained():
    assert rules("# One\n\nThe NHS and the ICB met.\n") == [(1, "short-form")]
    assert rules("# One\n\nThe integrated care board (ICB) met. The ICB agreed.\n") == []
    assert rules("# One\n\nLSOAs differ.\n") == [(1, "short-form")]


def test_a_point_inside_a_number_or_a_short_word_ends_no_sentence():
    assert measure("# One\n\nIt rose from 4.1% to 4.5%, i.e. by a tenth.\n").sentences == 2  # headline, sentence


def test_notes_are_not_measured():
    assert rules("# One\n\n```notes\nUtilise the ICB.\n```\n") == []
