"""Texts that are written once as Markdown under docs/ and shown on pages too."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

DOCS = Path(__file__).resolve().parents[2] / "docs"


@lru_cache(maxsize=1)
def methods_texts() -> tuple[str, ...]:
    """The chapters of docs/methods in order of their file names, each with its headings one step down (the page has the first)."""
    return tuple(_lower(file.read_text("utf-8")) for file in sorted((DOCS / "methods").glob("*.md")))


def _lower(text: str) -> str:
    out, fenced = [], False
    for line in text.splitlines():
        if line.startswith("```"):
            fenced = not fenced
        out.append(f"#{line}" if line.startswith("#") and not fenced else line)
    return "\n".join(out)
