"""The measure and the threshold of an alerting rule's expression."""

from __future__ import annotations

import pytest

from apps.alerts.expressions import Measure, measure_of


@pytest.mark.parametrize(
    ("expression", "measure", "sign", "threshold"),
    [
        ("up == 0", "up", "==", 0),
        ('konflux_up{ check="a>b", service=~"x|y" } != 1', 'konflux_up{ check="a>b", service=~"x|y" }', "!=", 1),
        ("a / b > 0.65", "a / b", ">", 0.65),
        ("time() - last > 3600*25", "time() - last", ">", 90_000),
        ("(time() - last) > 4.5 * 60 * 60", "(time() - last)", ">", 16_200),
        ("sum by (a) (rate(x[5m])) >= 1e3", "sum by (a) (rate(x[5m]))", ">=", 1000),
        ("x < -5", "x", "<", -5),
        ("x > (5)", "x", ">", 5),
        ("0.9 > x", "x", "<", 0.9),
        ("( a / b > 3 )", "a / b", ">", 3),
        ("(a > 1 and b > 2) > 95", "(a > 1 and b > 2)", ">", 95),
        ("last_over_time(x{n='>= 5'}[2m]) == 1", "last_over_time(x{n='>= 5'}[2m])", "==", 1),
        ("x offset 5m > 3", "x offset 5m", ">", 3),
        ("x > 3 # so much (is bad", "x", ">", 3),
        ("# it's > 5 here\nx > 3", "# it's > 5 here\nx", ">", 3),
        ("# (why\n(x > 3)\n# after", "x", ">", 3),
        ("sum(x) by (and) > 3", "sum(x) by (and)", ">", 3),
    ],
)
def test_a_plain_comparison_with_a_number_gives_both(
    expression: str, measure: str, sign: str, threshold: float
) -> None:
    assert measure_of(expression) == Measure(measure, sign, threshold)


@pytest.mark.parametrize(
    "expression",
    [
        "vector(1)",
        "a > 1 and b > 2",
        "a > 1 OR b > 2",
        "a unless b > 1",
        "a > bool 1",
        "a > 1 < 5",
        "a > b",
        "a > on(x) b",
        "(a > 1) * b",
        "(a <= -2 >= -3) * on(u) group_left(n) b",
        "1 > 2",
        "a > 5m",
        "a > Inf",
        "a > NaN",
        "a > 1e999",
        "a > 3 ^ 2",
        "a > 1)(",
        "(a > 1",
        'a{b="c > 1',
        "> 1",
        "a >",
        "",
        "(" * 2000 + "a > 1" + ")" * 1999,
    ],
)
def test_what_is_not_plain_is_drawn_whole(expression: str) -> None:
    assert measure_of(expression) == Measure(expression.strip())


def test_words_are_whole_words() -> None:
    assert measure_of("android_bool:sand > 3") == Measure("android_bool:sand", ">", 3)
