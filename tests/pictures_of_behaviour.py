"""Results about what people do, as literal rows: what the tests of charts and findings show."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from playbook.friction.drivers import SIDES, _say_drivers
from playbook.friction.paths import _say_paths
from tests.pictures import LABELS, result, table

COUNTED = (
    ("unit", "user"),
    ("goal", "saved"),
    ("within", "14 days, end included"),
    ("behaviour", "in the first 24 hours"),
    ("among", "those who had not reached the goal by then"),
)
COLUMNS = (
    "event | times | n_did | reached_did | n_not | reached_not | share_did | share_not "
    "| difference | low | high | p | adjusted | adjusted_low | adjusted_high | decided | open "
    "| verdict"
)
DRIVERS = result(
    "drivers",
    table(
        COLUMNS,
        "verified | 1 | 400 | 80 | 600 | 12 | 0.2 | 0.02 | 0.18 | 0.14 | 0.22 | 0.0001 "
        "| 0.17 | 0.13 | 0.21 | 310 | 44 | more",
        "started | 2 | 100 | 2 | 900 | 90 | 0.02 | 0.1 | -0.08 | -0.1 | -0.03 | 0.01 "
        "| -0.01 | -0.03 | 0.01 | 310 | 44 | less",
        "connection | 1 | 200 | 20 | 800 | 72 | 0.1 | 0.09 | 0.01 | -0.03 | 0.06 | 0.7 "
        "| 0.02 | -0.02 | 0.06 | 310 | 44 | no difference shown",
        "docs | 1 | 12 | 1 | 988 | 91 | – | – | – | – | – | – | – | – | – | 310 | 44 | too few",
    ),
    definition=COUNTED,
    labels=LABELS | {"saved": "saved a workflow"},
    own=SIDES,
    counted="people",
    says=partial(_say_drivers, goal="saved", landmark="24 hours"),
)
NOT_ADJUSTED = replace(
    DRIVERS,
    finish=lambda rows: [
        row | dict.fromkeys(("adjusted", "adjusted_low", "adjusted_high")) for row in rows
    ],
)


def only(shown, *verdicts):
    """The rows with one of these verdicts."""
    return replace(shown, finish=lambda rows: [row for row in rows if row["verdict"] in verdicts])


PATHS = result(
    "mix",
    table(
        "label | position | n | total | share | low | high",
        "(left: nothing more) | 0 | 420 | 1000 | 0.42 | 0.39 | 0.45",
        "opened the docs | 1 | 180 | 1000 | 0.18 | 0.157 | 0.205",
        "opened the docs → started a workflow | 2 | 120 | 1000 | 0.12 | 0.101 | 0.142",
        "invited a colleague | 3 | 100 | 1000 | 0.1 | 0.083 | 0.12",
        "started a workflow | 4 | 80 | 1000 | 0.08 | 0.065 | 0.098",
        "(other paths) | 9 | 100 | 1000 | 0.1 | 0.083 | 0.12",
        "still open | 10 | 31 | 1000 | – | – | –",
    ),
    idle=0,
    definition=(
        ("unit", "user"),
        ("instead of", "connection"),
        ("after", "verified"),
        ("for", "24 hours"),
        ("passed over", "page_viewed"),
    ),
    counted="people",
    within="24 hours",
    says=partial(
        _say_paths,
        went="stopped before",
        step="connection",
        after="verified",
        without=["page_viewed"],
    ),
)
