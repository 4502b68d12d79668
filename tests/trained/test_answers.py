"""What may be typed for a reward."""

import math

import pytest

from esmaml_mpi.errors import UsageError
from esmaml_mpi.trained.answers import WORDS, Answer, answer


@pytest.mark.parametrize("line, value, remark", [
    ("12.5", 12.5, ""), ("-12,5", -12.5, ""), ("\u221212.5", -12.5, ""), ("+3", 3.0, ""), (".5", 0.5, ""),
    ("1e3", 1000.0, ""), ("1,5e-3", 0.0015, ""), ("12.5  # slipped", 12.5, "slipped"), ("7#x", 7.0, "x"),
    ("12.5 slipped at the end", 12.5, "slipped at the end"), ("0,125", 0.125, ""), ("1234,567", 1234.567, ""),
    ("3 # 4", 3.0, "4"), ("-inf # fell", None, "fell"), ("inf", math.inf, ""),
])  # fmt: skip
def test_rewards_with_commas_and_remarks(line, value, remark):
    expected = Answer("skip", math.nan, remark) if value is None else Answer("reward", value, remark)
    found = answer(line)
    assert (found.kind, found.text) == (expected.kind, expected.text)
    assert found.value == expected.value or (math.isnan(found.value) and value is None)


@pytest.mark.parametrize("line", ["", "much", "1 5", "1.2.3", "1_000", "0x10", "1,234.5", "1.234,5", "12.5m", "undo 3"])
def test_what_means_nothing_is_refused_with_what_is_wanted(line):
    with pytest.raises(UsageError, match="a number is wanted, or skip, undo"):
        answer(line)


@pytest.mark.parametrize("line, one, other", [("1,234", "1.234", "1234"), ("-12,500", "-12.500", "-12500")])
def test_a_comma_that_may_group_thousands_is_asked_about(line, one, other):
    with pytest.raises(UsageError, match=f"may be {one} or {other}; write it with a point"):
        answer(line)


def test_the_last_line_of_a_program_is_the_number_alone():
    for line in ("3 warnings generated", "12.5 slipped", "-4 m"):
        with pytest.raises(UsageError, match="the number alone is wanted, or a # before what follows it"):
            answer(line, loose=False)
    assert answer("12.5 # slipped", loose=False) == Answer("reward", 12.5, "slipped")
    assert answer(" -3 ", loose=False).value == -3 and answer("failed # it fell", loose=False).kind == "skip"


@pytest.mark.parametrize("line", ["Failed to open serial port /dev/ttyUSB0", "skip ahead", "nan seen in observation"])
def test_a_program_that_says_what_is_wrong_with_it_has_made_no_trial(line):
    assert answer(line).kind == "skip"
    with pytest.raises(UsageError, match="a number is wanted"):
        answer(line, loose=False)


def test_words():
    for word, kind in WORDS.items():
        assert answer(f" {word.upper()} ").kind == kind
    assert [answer(line).text for line in ("failed it fell", "failed # it fell")] == ["it fell"] * 2
    assert answer("note new battery").text == "new battery"
    with pytest.raises(UsageError, match="the remark is wanted"):
        answer("note")
