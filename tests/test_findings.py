"""A result as a sentence: the exact words for each shape, and for what cannot be said."""

from __future__ import annotations

import html
import re
from dataclasses import replace
from functools import partial

import pytest

from playbook import findings
from playbook.answers import SHARE_TREND
from playbook.audit.plan import _what_arrives
from playbook.audit.soundness import _what_is_unsound
from playbook.friction.drafts import _say_stuck
from playbook.impact.effects import by_verdict, verdicts_said
from playbook.language.mistakes import Mistake
from playbook.report.pages import safe
from playbook.results import Unavailable, figures
from tests import pictures
from tests.pictures import result, table

SAYS = "of new people save one within 24 hours"


def shares(*lines, by="persona"):
    columns = f"{by} | n | reached | repeated | open | share | low | high"
    return result("share", table(columns, *lines), by)


def everybody(line):
    columns = "n | reached | repeated | open | share | low | high"
    return result("share", table(columns, line))


def text(found):
    return found.text


# Shares


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (
            "5168 | 1582 | 454 | 44 | 0.3061 | 0.2937 | 0.3188",
            "**30.6 %** (29.4 to 31.9 %, n = 5,168) of new people save one within 24 hours; "
            "454 of these 1,582 more than once. 44 are still open.",
        ),
        (
            "5168 | 1582 | – | 0 | 0.3061 | 0.2937 | 0.3188",
            "**30.6 %** (29.4 to 31.9 %, n = 5,168) of new people save one within 24 hours.",
        ),
        (
            "100 | 0 | 0 | 1 | 0.0 | 0.0 | 0.037",
            "**0.0 %** (0.0 to 3.7 %, n = 100) of new people save one within 24 hours. "
            "1 is still open.",
        ),
        ("29 | 9 | 1 | 0 | 0.31 | 0.17 | 0.49", "too few to say (n = 29)."),
        ("0 | 0 | 0 | 7 | – | 0.0 | 1.0", "too few to say (n = 0). 7 are still open."),
    ],
)
def test_a_share_says_its_interval_its_n_its_repeats_and_its_open_ones(line, expected):
    assert text(findings.share(everybody(line), SAYS)) == expected


def test_a_share_by_segment_is_a_list_in_the_words_of_the_product():
    found = shares(
        "data_engineer | 2612 | 998 | – | 0 | 0.3821 | 0.3637 | 0.4009",
        "–             | 12   | 4   | – | 0 | 0.3333 | 0.1381 | 0.6094",
    )
    assert text(findings.share(found, "save one")) == (
        "- **Data engineer**: **38.2 %** (36.4 to 40.1 %, n = 2,612) save one.\n"
        "- **(unknown)**: too few to say (n = 12)."
    )


def test_one_thing_before_another_counts_who_did_both():
    found = everybody("100 | 40 | 10 | 0 | 0.4 | 0.31 | 0.498")
    found = replace(found, again=("did both, in this order", "both"))
    assert text(findings.share(found, "invite first")) == (
        "**40.0 %** (31.0 to 49.8 %, n = 100) invite first; 10 of these 40 did both, in this order."
    )


# Classes, steps, trends, curves


def test_a_mix_says_its_classes_in_order_and_the_open_ones_apart():
    assert text(findings.mix(pictures.MIX, "invited people")) == (
        "Of 900 invited people: **34.4 %** none of these, **44.7 %** connections only, "
        "**20.9 %** connections+workflows. 17 are still open."
    )


def test_buckets_are_said_as_a_mix_is_and_small_segments_are_too_few():
    assert text(findings.mix(pictures.TIME, "accounts")).startswith(
        "Of 1,890 accounts: **21.8 %** within 24 hours, **10.8 %** 24 hours to 3 days, "
    )
    last = text(findings.mix(pictures.MIX_BY, "people")).splitlines()[-1]
    assert last == "- **Sales and marketing**: too few to say (n = 14)."


def test_a_mix_without_a_closed_window_says_so():
    rows = table("label | position | n | total | share | low | high", "still open | 1|9|0|–|–|–")
    assert text(findings.mix(result("mix", rows), "x")) == (
        "no window has closed yet (9 still open)."
    )


def test_steps_say_how_far_people_get_and_where_most_are_lost():
    assert text(findings.steps(pictures.STEPS, "new users")) == (
        "**19.3 %** (18.1 to 20.5 %) of 4,182 new users get as far as “ran”. "
        "The largest loss is before “saved the workflow”: 533 people, 32.2 % of those who came "
        "that far. 61 are still open."
    )


@pytest.mark.parametrize("n", [0, 29])
def test_steps_of_few_are_too_few(n):
    columns = "step | position | n | of_first | of_previous | lost | low | high | open"
    rows = table(columns, f"a | 0 | {n} | – | – | 0 | 0.0 | 1.0 | 3", "b|1|0|–|–|0|0.0|1.0|3")
    assert text(findings.steps(result("steps", rows))) == (
        f"too few to say (n = {n}). 3 are still open."
    )


def weeks(*values, series="share", n=100):
    days = ("2026-01-05", "2026-01-12", "2026-01-19", "2026-01-26", "2026-02-02", "2026-02-09")
    return result(
        "trend",
        [
            {
                "period": day,
                "series": series,
                "value": value,
                "n": n,
                "complete": day < "2026-02-09",
            }
            for day, value in zip(days, values, strict=False)
            if value is not None
        ],
        own=SHARE_TREND if series == "share" else {},
    )


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (
            weeks(0.2, 0.3, 0.3, 0.3, 0.25, 0.9),
            "**25.0 %** run in the week of 2026-02-02, +5.0 points (−6.6 to +16.4) on four weeks "
            "earlier.",
        ),
        (
            weeks(0.3, 0.3, 0.3, 0.3, 0.2),
            "**20.0 %** run in the week of 2026-02-02, −10.0 points (−21.7 to +2.0) on four weeks "
            "earlier.",
        ),
        (weeks(None, 0.3, 0.3, 0.3, 0.2), "**20.0 %** run in the week of 2026-02-02."),
        (
            weeks(1000, 1, 1, 1, 1250, series="active"),
            "**1,250** run in the week of 2026-02-02, +25.0 % on four weeks earlier.",
        ),
        (
            weeks(1000, 1, 1, 1, 750, series="active"),
            "**750** run in the week of 2026-02-02, −25.0 % on four weeks earlier.",
        ),
        (
            weeks(0, 1, 1, 1, 750, series="active"),
            "**750** run in the week of 2026-02-02, from none four weeks earlier.",
        ),
        (weeks(0.3, n=29), "too few to say (n = 29) in the week of 2026-01-05."),
        (weeks(None, None, None, None, None, 0.3), "No period is complete yet."),
    ],
)
def test_a_trend_compares_the_last_complete_week_with_that_of_four_weeks_earlier(found, expected):
    assert text(findings.trend(found, "run")) == expected


def test_a_difference_over_time_is_kept_with_its_interval_and_that_of_counts_has_none():
    kept = {row["figure"]: row for row in findings.trend(weeks(0.2, 1, 1, 1, 0.25)).figures}
    row = kept["test.trend.change"]
    assert (row["value"], row["low"], row["high"], row["n"]) == (0.05, -0.065966, 0.164443, 200)
    counts = findings.trend(weeks(1000, 1, 1, 1, 1250, series="active")).figures
    (row,) = [row for row in counts if row["figure"] == "test.trend.change"]
    assert (row["value"], row["low"], row["high"]) == (0.25, None, None)


def test_a_trend_is_not_compared_with_a_week_of_few():
    found = weeks(0.2, 0.3, 0.3, 0.3, 0.25)
    found.rows[0]["n"] = 29
    assert text(findings.trend(found, "run")) == "**25.0 %** run in the week of 2026-02-02."


def curves(*points, n=100):
    rows = [{"hours": h, "share": s, "low": s, "high": s, "n": n} for h, s in points]
    return result("curve", rows)


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (
            curves((0, 0), (20, 0.4), (30, 0.55), (100, 0.6)),
            "**half save within 30 hours** "
            "(40.0 % within 24 hours, 55.0 % within 72 hours; n = 100).",
        ),
        (
            curves((0, 0), (20, 0.1), (336, 0.2)),
            "**less than half save within 14 days** "
            "(10.0 % within 24 hours, 10.0 % within 72 hours; n = 100).",
        ),
        (
            curves((0, 1), (336, 1)),
            "**half save within 0 minutes** "
            "(100.0 % within 24 hours, 100.0 % within 72 hours; n = 100).",
        ),
        (curves((0, 0), (336, 1), n=29), "too few to say (n = 29)."),
    ],
)
def test_a_curve_says_its_median_and_its_share_by_some_hours(found, expected):
    assert text(findings.curve(found, "save")) == expected


# Effects and plays

EFFECT = (
    "label | n_treated | treated | n_holdout | holdout | difference | low | high | verdict "
    "| grade | why | action"
)


def effects(*lines):
    return result("effect", table(EFFECT, *lines))


WORKS = "into | 7300 | 0.352 | 820 | 0.321 | 0.031 | 0.013 | 0.049 | works | A | | ship"
HARMS = "sales | 2890 | 0.212 | 310 | 0.255 | -0.043 | -0.083 | -0.004 | harms | A | | stop"
SILENT = "out | 1110 | 0.302 | 124 | 0.284 | 0.018 | -0.009 | 0.045 | cannot tell | A | | redesign"
FEW = "invite | 45 | 0.2 | 6 | 0.1 | – | – | – | too few | – | | keep running until 2026-08-26"
FAILED = (
    "docs | 900 | 0.2 | 300 | 0.1 | – | – | – | check failed | – "
    "| held out: 41 of 300 got the message | mend"
)


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (
            WORKS,
            "**into** works: **+3.1 points** (+1.3 to +4.9), from 32.1 % to 35.2 % "
            "(7,300 treated, 820 held out). Ship it; grade A.",
        ),
        (
            HARMS,
            "**sales** harms: **−4.3 points** (−8.3 to −0.4), from 25.5 % to 21.2 % "
            "(2,890 treated, 310 held out). Stop it; grade A.",
        ),
        (
            SILENT,
            "**out** no effect shown: **+1.8 points** (−0.9 to +4.5), from 28.4 % to 30.2 % "
            "(1,110 treated, 124 held out); anything in the interval fits the data, and the tool "
            "would report 30.2 %. Redesign it; grade A.",
        ),
        (
            FEW,
            "**invite** too few to say (45 treated, 6 held out). Keep it running until 2026-08-26.",
        ),
        (
            FAILED,
            "**docs** a check failed, so there is no effect to print (900 treated, 300 held "
            "out; held out: 41 of 300 got the message).",
        ),
    ],
)
def test_an_effect_says_what_changed_and_what_to_do_or_why_it_cannot(line, expected):
    assert text(findings.effect(effects(line))) == expected


def test_an_effect_by_segment_names_the_segment():
    rows = [{**effects(WORKS).rows[0], "persona": "data_engineer"}]
    found = findings.effect(result("effect", rows, "persona"))
    assert text(found).startswith("**into · Data engineer** works: ")


def verdicts(found):
    rows = by_verdict(found.rows)
    return findings.of(result("table", rows, says=partial(verdicts_said, of=found.rows)))


def test_verdicts_count_plays_and_warn_of_the_loudest_play_without_effect():
    assert text(verdicts(effects(WORKS, SILENT, HARMS, FEW, FAILED))) == (
        "Of 5 plays: works (into); cannot tell (out); harms (sales); too few (invite); "
        "check failed (docs). Beware of out: 30.2 % do its goal after it is sent, and 28.4 % "
        "do it without (+1.8 points)."
    )
    assert text(verdicts(effects(WORKS))) == "Of 1 play: works (into)."


# The audit and who is stuck


def test_an_audit_counts_subjects_by_their_weakest_check():
    rows = table(
        "subject | check | status", "a | x | ok", "a | y | ok", "b | x | caveat", "b | y | ok",
        "c | x | missing", "c | y | caveat",
    )  # fmt: skip
    assert text(findings.audit(result("audit", rows), "questions can be answered")) == (
        "**1 of 3** questions can be answered. With caveats: b. Not: c."
    )


def test_a_plan_says_what_arrives_and_what_does_not():
    rows = table(
        "data point | status | note",
        "saved | arrives | x",
        "shared | dead | x",
        "old | stopped | x",
        "new | not planned | like old: renamed?",
    )
    rows.append({"data point": "zap", "status": "not planned", "note": ""})
    assert text(findings.of(result("table", rows, says=_what_arrives))) == (
        "**1 of 3** planned data points arrive. Never seen: shared. Fell silent: old. "
        "Arrive without a plan: new (like old: renamed?), zap."
    )


def test_soundness_says_what_touches_most_rows_first():
    rows = table(
        "what | rows | of | share",
        "copies of an event|10|1000|0.01",
        "sent by bots|50|1000|0.05",
        "no user|0|1000|0",
    )
    assert text(findings.of(result("table", rows, says=_what_is_unsound))) == (
        "Of 1,000 rows that arrived, 5.0 % were sent by bots, 1.0 % are copies of an event."
    )
    assert text(findings.of(result("table", rows[2:], says=_what_is_unsound))) == (
        "None of these defects touches any of 1,000 rows."
    )


def test_who_is_stuck_gets_a_verdict_each():
    rows = table(
        "persona       | n    | open | share | low   | high  | verdict",
        "data_engineer | 1200 | 0    | 0.4   | 0.37  | 0.43  | defect",
        "analyst       | 100  | 0    | 0.1   | 0.055 | 0.174 | watch",
        "sales         | 100  | 0    | 0.9   | 0.82  | 0.94  | playing",
        "–             | 100  | 0    | 0.5   | 0.4   | 0.6   | unknown",
        "other         | 12   | 0    | 0.5   | 0.4   | 0.6   | playing",
    )
    found = result("share", rows, "persona", says=_say_stuck)
    assert text(findings.of(found, "stop")).splitlines() == [
        "- **Data engineer**: 40.0 % (37.0 to 43.0 %, n = 1,200) stop; "
        "a core persona gets stuck: mend this now.",
        "- **analyst**: 10.0 % (5.5 to 17.4 %, n = 100) stop; "
        "a core persona, within bounds: watch it.",
        "- **Sales and marketing**: 90.0 % (82.0 to 94.0 %, n = 100) stop; "
        "not core: assume that they are playing.",
        "- **(unknown)**: 50.0 % (40.0 to 60.0 %, n = 100) stop; they never said who they are.",
        "- **other**: too few to say (n = 12).",
    ]


# Lists of findings, and nothing to say


def test_answers_stand_with_their_questions_in_one_list():
    asked = replace(everybody("100 | 25 | – | 0 | 0.25 | 0.175 | 0.343"), asks="Who saves?")
    found = findings.answers([asked, Unavailable("x", "“Who runs?” cannot be answered: no.")])
    assert text(found) == (
        "- *Who saves?* **25.0 %** (17.5 to 34.3 %, n = 100).\n"
        "- *Not available.* “Who runs?” cannot be answered: no."
    )
    assert text(findings.headline(asked)) == "- *Who saves?* **25.0 %** (17.5 to 34.3 %, n = 100)."
    assert list(found.figures) == figures.of(asked)


def test_findings_together_are_one_list_with_all_their_figures():
    one, two = findings.share(pictures.ALL, "a"), findings.share(pictures.SHARE, "b")
    found = findings.together(one, findings.Finding(""), two)
    assert text(found) == f"- {one.text}\n{two.text}"
    assert found.figures == one.figures + two.figures
    assert text(findings.together()) == ""


EVERY = ("share", "mix", "steps", "trend", "curve", "differences")
WORDLESS = ("effect", "audit", "bounds", "volume", "of")


@pytest.mark.parametrize("name", [*EVERY, *WORDLESS])
def test_what_is_unavailable_gives_its_reason_and_nobody_is_said(name):
    say = getattr(findings, name)
    words = ("x",) if name in EVERY else ()
    reason = findings.Finding("*Not available.* The table `users` is not mapped.")
    assert say(Unavailable("a.b", "The table `users` is not mapped."), *words) == reason
    nobody = replace(pictures.ALL, finish=lambda _rows: [])
    assert say(nobody, *words).text == "*Nobody in the period: there is nothing to say.*"


@pytest.mark.parametrize("name", sorted(set(pictures.EVERY) - {"effect"}))
def test_every_shape_has_a_sentence_with_its_figures(name):
    found = findings.of(pictures.EVERY[name], "x")
    assert found.text
    assert found.text.count("**") % 2 == 0
    shown = found._repr_mimebundle_()
    assert shown["text/markdown"] == shown["text/plain"] == found.text
    kept = shown.get(figures.MIME, [])
    assert [row for row in figures.of(pictures.EVERY[name]) if row not in kept] == []


@pytest.mark.parametrize("name", sorted(set(pictures.EVERY) - {"effect"}))
def test_a_sentence_without_words_of_its_own_leaves_no_hole(name):
    said = findings.of(pictures.EVERY[name]).text
    assert not re.search(r"  | [:;,.]", said), said


def test_a_table_has_no_sentence_of_its_own():
    with pytest.raises(Mistake, match=r"`test.table` has no sentence of its own."):
        findings.of(result("table", [{"a": 1}]))


# Names from the data are text

HOSTILE = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "*x*",
    "__x__",
    "_x_",
    "[a](javascript:1)",
    "![a](http://a.example/x.png)",
    "`x`",
    "~~x~~",
    "R&D &lt;b&gt;",
    "a\\*b",
    "$x$",
]


@pytest.mark.parametrize("name", HOSTILE)
def test_a_persona_shows_as_the_text_that_it_is(name):
    row = {
        "n": 99,
        "reached": 1,
        "repeated": None,
        "open": 0,
        "share": 0.5,
        "low": 0.4,
        "high": 0.6,
    }
    found = result("share", [row | {"persona": name}], "persona")
    page = str(safe.markdown(findings.share(found, "x").text))
    words = re.sub("</?(p|strong)>|\u2060|\n", "", page)
    named = " ".join(found.label(name).split())
    assert html.unescape(words) == f"{named}: 50.0 % (40.0 to 60.0 %, n = 99) x."
    assert set(re.findall("<[a-z]+", words)) == set()


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.parametrize(
    "say",
    [
        lambda n: findings.mix(
            result("mix", [{"label": n, "n": 99, "total": 99, "share": 1.0, "position": 0}]), "x"
        ),
        lambda n: findings.of(
            result(
                "table",
                [{"data point": n, "status": "not planned", "note": f"like {n}"}],
                says=_what_arrives,
            )
        ),
        lambda n: findings.audit(
            result("audit", [{"subject": n, "check": "x", "status": "missing"}])
        ),
        lambda n: findings.effect(effects(WORKS.replace("into", n))),
        lambda n: findings.share(Unavailable("x", f"No question `first`. It has: {n}."), "x"),
        lambda n: findings.answers([replace(pictures.ALL, asks=n)]),
        lambda n: findings.of(
            result(
                "share",
                [{"persona": n, "verdict": "watch"} | pictures.ALL.rows[0]],
                "persona",
                says=_say_stuck,
            ),
            "x",
        ),
    ],
)
def test_no_name_becomes_markup_in_any_sentence(say, name):
    raw = say(name).text
    page = str(safe.markdown(raw))
    assert not [tag for tag in ("<a ", "<img", "<script", "<del>") if tag in page]
    # Jupyter lets HTML through: no `<` may open a tag.
    assert "<" not in raw.replace("\\<", "")
    assert "$" not in raw.replace("\\$", "")


def test_code_in_a_reason_stays_code_unless_the_data_could_open_some_of_its_own():
    safe_reason = findings.share(Unavailable("x", "`a_b*` lacks *b*."), "x").text
    assert safe_reason == r"*Not available.* `a_b*` lacks \*b\*."
    tricky = findings.share(Unavailable("x", "`a` has ``<b>`` and `"), "x").text
    assert tricky == r"*Not available.* \`a\` has \`\`\<b\>\`\` and \`"


def test_underscores_inside_a_name_stay_as_they_are():
    found = findings.effect(effects(WORKS.replace("into", "engineer_guide_into")))
    assert text(found).startswith("**engineer_guide_into** works")
