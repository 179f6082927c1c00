"""The next burning question: what is lost where, and whether a play is known to mend it."""

from __future__ import annotations

from typing import Any

from playbook import answers
from playbook.answers import ATTEMPTS
from playbook.answers.phrases import COUNTED_AS
from playbook.counting.shaping import Rows
from playbook.declare import Question
from playbook.impact.effects import effects
from playbook.language.wording import count, plain
from playbook.results import Answer, Result, Unavailable
from playbook.results.columns import COUNT, ID, KEY, NAME, TEXT
from playbook.results.section import Unanswerable, section, there
from playbook.results.sentences import Told, not_known
from playbook.run import Run

ASKED = {"question": KEY, "asks": TEXT, "lost": COUNT, "of": COUNT, "to": NAME, "counted": TEXT}
ASKED |= {"plays": ID, "work": ID, "helps": TEXT, "helped": COUNT, "because": TEXT}
MEASURED = "no effect can be measured"
Works = dict[str, dict[str, Any]] | None  # play that works → its row; None: nobody can tell
ORDER = (
    "what cannot be answered; then by how many are lost, less those for whom plays work, where "
    "both are people, or both accounts"
)


@section("impact.burning")
def next_question(run: Run) -> Answer:
    """What to ask next: first what cannot be answered, then by how many no play is shown to help.

    Losses of people, accounts and drafts stand in one order: it is where to look, not a sum.
    Whom plays work for is subtracted where the question counts the same, and else not at all.

    Returns:
        Shape `table`: one row per question that says who does not arrive, or that cannot be
        answered: `question`, `asks`; `lost` (how many do not get `to`, at the step where most
        are lost), `of`, and what is `counted`; the `plays` whose goal that is, those of them
        that are shown to `work`, whom these help (`helps`: people, accounts), and how many they
        are for (`helped`; null where the question counts something else, or where no effect can
        be measured); and `because`: why
        there is no answer, or "". Questions with fewer than `min_n` are left out.
    """
    if not run.declared.questions:
        name = run.declared.product.name
        raise Unanswerable(f"{name} declares no questions: there is nothing to rank.")
    found = effects(run)
    asked = [(question, _losing(run, question)) for question in run.declared.questions]
    told = [(question, answer) for question, answer in asked if answer]

    def finish(_rows: Rows) -> Rows:
        works = {row["play"]: row for row in found.rows if row["verdict"] == "works"}
        works = works if isinstance(found, Result) else None
        rows = [_loss(run, question, answer, works) for question, answer in told]
        least = run.declared.product.min_n
        many = [row for row in rows if row["of"] is None or row["of"] >= least]
        return sorted(many, key=_place_in_order)

    return run.result(
        "table",
        None,
        finish,
        own=ASKED,
        counts="units of each question that do not get on, at the step where most are lost",
        told=(("order", ORDER),),
        made_of=(*there(found, *(answer for _question, answer in told)), *run.scans),
        says=_say_next_question,
        silence="No question says who does not arrive: there is none to rank.",
    )


def _losing(run: Run, question: Question) -> Answer | None:
    """The answer, or why there is none; None where it does not say who does not arrive."""
    if reason := answers.lacks(run, question):
        return Unavailable(question.id, reason)
    return (
        answers.answer(run, question.id, stage="impact") if question.measure in ATTEMPTS else None
    )


def _loss(run: Run, question: Question, answer: Answer, works: Works) -> dict[str, Any]:
    row: dict[str, Any] = {"question": question.id, "asks": question.asks}
    row |= {
        "lost": None,
        "of": None,
        "to": "",
        "counted": answers.phrases_of(run, question).counted,
    }
    row |= {"plays": (), "work": (), "helps": "", "helped": None, "because": ""}
    if isinstance(answer, Unavailable):
        return row | {"because": answer.reason}
    lost, of, to = _lost_most(question, answer.rows)
    row |= {"lost": lost, "of": of, "to": to}
    goals = run.declared.product.any_of.get(to, (to,))
    plays = [play for play in run.declared.plays if play.goal in goals and not play.draft]
    row |= {"plays": tuple(p.slug for p in plays)}
    if works is None and plays:
        return row
    work = [play for play in plays if play.slug in works]
    row |= {"work": tuple(p.slug for p in work)}
    helps = sorted({COUNTED_AS[play.unit] for play in work})
    if set(helps) - {row["counted"]}:
        return row | {"helps": " and ".join(helps), "helped": None}
    sizes = [works[p.slug]["n_treated"] + works[p.slug]["n_holdout"] for p in work]
    return row | {"helps": " and ".join(helps), "helped": sum(sizes)}


def _place_in_order(row: dict[str, Any]) -> tuple[bool, int]:
    """What cannot be answered first; then what is left without a play that works."""
    return row["lost"] is not None, -max((row["lost"] or 0) - (row["helped"] or 0), 0)


def _lost_most(question: Question, rows: Rows) -> tuple[int, int, str]:
    """How many do not get on, of how many, and to what; at the step where most are lost."""
    if not rows:
        return 0, 0, question.steps[-1]
    if question.measure == "steps":
        worst = max(rows, key=lambda row: row["lost"])
        return worst["lost"], rows[0]["n"], worst["step"]
    row = rows[0]
    missed = row["reached"] if question.measure == "missed_within" else row["n"] - row["reached"]
    return missed, row["n"], question.goal


def _say_next_question(result: Result, _told: Told, _words: str) -> str:
    """The question to ask next, and why it is that one."""
    top = result.rows[0]
    text = f"The next burning question: *{plain(top['asks'])}* "
    if top["lost"] is None:
        return f"{text}The data cannot answer it: {plain(top['because'])}"
    step = plain(result.label(top["to"]))
    text += (
        f"**{count(top['lost'])}** of {count(top['of'])} {top['counted']} are lost before “{step}”"
    )
    plays, works = (", ".join(map(plain, top[name])) for name in ("plays", "work"))
    if not plays:
        return f"{text}, and no play wants that."
    if not works and top["helped"] is None:
        return f"{text}. {not_known(f'whether a play that wants that ({plays}) works', MEASURED)}"
    if not works:
        return f"{text}, and of the plays that want that ({plays}) none is shown to work."
    text += f", and what is shown to work on it ({works}) is for"
    if top["helped"] is None:
        return f"{text} {top['helps']}: nothing is subtracted from the {top['counted']}."
    return f"{text} {count(top['helped'])}."
