from playbook import wording


def test_numbers_have_one_decimal_a_comma_and_a_real_minus():
    assert wording.percent(0.3821) == "38.2 %"
    assert wording.count(1234567) == "1,234,567"
    assert [wording.points(x) for x in (0.031, -0.004, -0.0001)] == ["+3.1", "−0.4", "−0.01"]


def test_what_is_not_there_is_a_dash():
    assert [wording.percent(None), wording.points(None), wording.interval(None, 1)] == ["–"] * 3


def test_too_few_says_how_many():
    assert wording.too_few(1012) == "too few to say (n = 1,012)"
