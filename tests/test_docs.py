"""The documents agree with the error catalogue; run by pytest."""

from __future__ import annotations

import re
from pathlib import Path

from shared.errors import CATALOGUE, AcetateError

ROOT = Path(__file__).resolve().parent.parent


def test_every_error_code_has_its_answer_in_the_faq() -> None:
    headings = set(re.findall(r"^### (E\d{3})$", (ROOT / "docs/faq.md").read_text("utf-8"), re.M))
    assert headings == {row.code for row in CATALOGUE.values()}


def test_error_texts_fit_one_line_and_say_what_to_do() -> None:
    for row in CATALOGUE.values():
        assert len(row.text) <= 80, row.code
        assert row.hint, row.code
        assert bool(row.fix) == bool(row.fix_label), row.code


def test_an_error_survives_the_trip_as_data() -> None:
    error = AcetateError("empty_key", layer="arm {left}", frame=9, detail="no strokes")
    back = AcetateError.from_dict(error.to_dict())
    assert str(back) == str(error)
    assert (back.code, back.text, back.hint, back.detail, back.exit_code) == (
        error.code,
        error.text,
        error.hint,
        error.detail,
        error.exit_code,
    )
