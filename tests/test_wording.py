import re
from pathlib import Path

from playbook.language import wording


def test_numbers_have_one_decimal_a_comma_and_a_real_minus():
    assert wording.percent(0.3821) == "38.2 %"
    assert wording.count(1234567) == "1,234,567"
    assert [wording.points(x) for x in (0.031, -0.004, -0.0001)] == ["+3.1", "−0.4", "−0.01"]


def test_a_share_that_was_chosen_is_as_round_as_it_was_chosen():
    assert [wording.chosen(x) for x in (0.1, 0.004, 0, 1)] == ["10 %", "0.4 %", "0 %", "100 %"]


def test_no_share_is_written_another_way():
    package = Path(wording.__file__).parent
    assert not [path for path in package.rglob("*.py") if re.search(r":\.\d%\}", path.read_text())]


def test_what_is_not_there_is_a_dash():
    assert [wording.percent(None), wording.points(None), wording.interval(None, 1)] == ["–"] * 3


def test_too_few_says_how_many():
    assert wording.too_few(1012) == "too few to say (n = 1,012)"


def test_an_estimated_count_has_three_digits():
    found = [wording.about(n) for n in (1239.6, 95.4, 12.25, 3.14, 0.0, 270300, None)]
    assert found == [
        "about 1,240",
        "about 95",
        "about 12",
        "about 3.1",
        "about 0",
        "about 270,000",
        "–",
    ]


def test_a_rare_share_says_more_than_nothing():
    found = [wording.rare(x) for x in (0.02, 0.0004, 0.00001, 0.0, None)]
    assert found == ["2.0 %", "0.04 %", "less than 0.01 %", "0.0 %", "–"]


def test_one_thing_is_not_many_and_one_hour_is_an_hour():
    assert [wording.times(n, "event") for n in (0, 1, 2890)] == [
        "0 events",
        "1 event",
        "2,890 events",
    ]
    assert [wording.hours(n) for n in (1, 1.0, 0.5, 168.0)] == [
        "an hour",
        "an hour",
        "0.5 hours",
        "168 hours",
    ]


def test_what_moves_has_no_direction():
    assert [wording.moved(x) for x in (0.0231, -0.0231, None)] == ["2.3 points", "2.3 points", "–"]


def test_a_day_says_its_weekday_and_anything_else_stays():
    assert wording.day("2026-04-22") == "Wed 22 Apr 2026"
    assert wording.day("yesterday") == "yesterday"
