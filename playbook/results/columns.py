"""What the columns of a result hold: a kind each, by which views read, write and keep values."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

Row = Mapping[str, Any]
# A share is from 0 to 1, a measure may be of any size, points are a difference of shares, and
# moved is how far one goes either way; a name is shown by its label, an id as it is; a place is
# the order of rows, which nobody reads.
NUMBERS = ("share", "points", "moved", "count", "number", "measure", "ratio", "p", "hours", "days")
KINDS = (*NUMBERS, "moment", "name", "id", "text", "flag", "place")
ENTERED = "entered"  # stands for how many of a segment took the first step


@dataclass(frozen=True)
class Column:
    """One column of a result.

    Attributes:
        kind: One of `KINDS`.
        of: The column, or the columns together, with how many stand behind the value: with too
            few of them it is not shown.
        ends: The columns with the ends of its interval.
        is_key: Whether it tells the rows of a table apart: its figures are named after it.
        figure: The name of its figure after the result's, with columns in braces, or what makes
            it of a row; of a table's numbers it is made of the keys and the column's own name.
    """

    kind: str
    of: str | tuple[str, ...] = ()
    ends: tuple[str, str] | tuple[()] = ()
    is_key: bool = False
    figure: str | Callable[[Row], str] = ""

    @property
    def sizes(self) -> tuple[str, ...]:
        """The columns of `of`."""
        return (self.of,) if isinstance(self.of, str) else self.of


Columns = Mapping[str, Column]
COUNT, NUMBER, MEASURE, RATIO, P = map(Column, ("count", "number", "measure", "ratio", "p"))
HOURS, DAYS, MOMENT = (Column(kind) for kind in ("hours", "days", "moment"))
NAME, ID, TEXT, FLAG, PLACE = (Column(kind) for kind in ("name", "id", "text", "flag", "place"))
SHARE, POINTS = Column("share"), Column("points")
KEY = Column("id", is_key=True)
ENDS = ("low", "high")


def share_of(*of: str, ends: tuple[str, str] | tuple[()] = (), figure: Any = "") -> Column:
    """A share of how many some columns hold together."""
    return Column("share", of=of, ends=ends, figure=figure)


def points_of(*of: str, ends: tuple[str, str] | tuple[()] = (), figure: Any = "") -> Column:
    """A difference of shares, of how many some columns hold together."""
    return Column("points", of=of, ends=ends, figure=figure)


def with_ends(name: str, column: Column, *, ends: tuple[str, str] = ENDS) -> dict[str, Column]:
    """A column and the ends of its interval, which are of its kind."""
    side = Column(column.kind, of=column.of)
    own = Column(column.kind, of=column.of, ends=ends, figure=column.figure)
    return {name: own} | dict.fromkeys(ends, side)


def spaced(column: str) -> Callable[[Row], str]:
    """What a column says, with underscores for blanks: the name of a figure."""
    return lambda row: str(row[column]).replace(" ", "_")


def _end_of_bounds(row: Row, end: str) -> str:
    return f"{row['subject']}.{end}" if row["share"] is not None else ""


# Shape → the columns of its rows, after those of `by`.
SHAPES: dict[str, dict[str, Column]] = {
    "share": {
        "n": COUNT,
        "reached": COUNT,
        "repeated": COUNT,
        "open": Column("count", of="open", figure="open"),
        **with_ends("share", share_of("n", figure="share")),
    },
    "mix": {
        "label": TEXT,
        "position": PLACE,
        "n": Column("count", figure=lambda row: f"{spaced('label')(row)}.n"),
        "total": COUNT,
        **with_ends("share", share_of("total", figure=spaced("label"))),
    },
    "steps": {
        "step": NAME,
        "position": PLACE,
        "n": COUNT,
        **with_ends("of_first", share_of(ENTERED, figure="{step}")),
        "of_previous": share_of("n", "lost"),
        "lost": COUNT,
        "open": COUNT,
    },
    # Its stage says of which kind its values are.
    "trend": {
        "period": MOMENT,
        "series": NAME,
        "value": Column("count", of="n", figure="{series}.{period}"),
        "n": COUNT,
        "low": COUNT,
        "high": COUNT,
        "complete": FLAG,
    },
    "curve": {"hours": HOURS, **with_ends("share", share_of("n")), "n": COUNT},
    # Who came back, by week of the start and period since; null where a period is not over.
    "retention": {
        "cohort": MOMENT,
        "position": PLACE,
        "n": COUNT,
        "on": COUNT,
        **with_ends("share", share_of("n")),
        "on_or_after": COUNT,
        "complete": FLAG,
    },
    # Treated minus held out.
    "effect": {
        "label": ID,
        "n_treated": COUNT,
        "treated": share_of("n_treated"),
        "n_holdout": COUNT,
        "holdout": share_of("n_holdout"),
        **with_ends("difference", points_of("n_treated", "n_holdout", figure="difference")),
        "verdict": TEXT,
        "grade": TEXT,
    },
    # A segment against all others together; null where too few are compared.
    "differences": {
        "n": COUNT,
        "share": share_of("n"),
        "n_others": COUNT,
        "share_others": share_of("n_others"),
        **with_ends("difference", points_of("n", figure="difference")),
        "verdict": TEXT,
    },
    # Behaviour before a landmark against the goal after it.
    "drivers": {
        "event": NAME,
        "times": COUNT,
        "n_did": COUNT,
        "n_not": COUNT,
        **with_ends(
            "difference",
            points_of(
                "n_did",
                "n_not",
                figure=lambda row: row["event"] + (".twice" if row["times"] == 2 else ""),
            ),
        ),
        "verdict": TEXT,
    },
    "audit": {"subject": ID, "check": TEXT, "status": TEXT, "seen": TEXT, "expected": TEXT},
    # A question's answer, and the ends between which every defect of the data leaves it.
    "bounds": {
        "subject": ID,
        "asks": TEXT,
        "n": COUNT,
        **with_ends("share", share_of("n", figure="{subject}")),
        # No estimates: they have no interval, and a question without a share has none of them.
        **{
            end: share_of("n", figure=partial(_end_of_bounds, end=end))
            for end in ("lowest", "highest")
        },
        "because": TEXT,
    },
    # Rows a day; `low` and `high` are what the same weekdays around it lead one to expect.
    "volume": {
        "event": NAME,
        "day": MOMENT,
        "n": COUNT,
        **dict.fromkeys(("expected", "low", "high"), COUNT),
        "anomaly": FLAG,
    },
    # Messages that were due on a day, and what was decided on them.
    "load": {"day": MOMENT, "decision": NAME, "n": COUNT},
    "table": {},
    # One row per person, account or thing: to work with, and never a figure.
    "list": {},
}
# Shapes whose rows are summed to figures, or are none: see `figures.of`.
SUMMED = {"volume", "load", "list"}
