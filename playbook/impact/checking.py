"""What must hold before an effect is worth printing: one check of each kind per play."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from playbook import ledger
from playbook.counting.shaping import Rows, grouped
from playbook.declare import Play
from playbook.impact import balance
from playbook.impact.balance import ALPHA
from playbook.impact.compared import sums
from playbook.impact.counts import ARMS, Counts
from playbook.impact.logs import sent_by_tools
from playbook.impact.trial import MESSAGES, PRODUCT, Trial, of_all, trials
from playbook.inference import compare, looks, stats
from playbook.language.mistakes import listed
from playbook.language.periods import words
from playbook.language.wording import chosen, percent, plain
from playbook.ledger import HOLDOUT, SEVERAL, UNASSIGNED
from playbook.results import Answer, Result
from playbook.results.section import section
from playbook.results.sentences import Told, bullets
from playbook.run import Run

OK, CAVEAT, FAILED, NOT_NEEDED = "ok", "caveat", "failed", "not needed"
FEW_LOOKS = 3  # looked at more often, the arms' sizes are tested for any look
CONTAMINATED = 0.05  # of held-out units with a delivered message: the comparison is none
BESIDE = 0.05  # of units with a colleague in the other arm: worth saying
JOINED = 0.99  # of messages whose person is known
MATURED = 0.5  # of units that triggered
FAR_ABOVE = 2  # times as many treated units have it as held-out ones: the arms say who gets it
LATE = 0.05  # of units that were assigned after the time in which they could do it
DAY = "%d %b %Y %H:%M"
NOBODY = "nobody has triggered it"


@dataclass(frozen=True)
class Check:
    """One check of a play: what is seen, and what a sound experiment shows."""

    check: str
    status: str
    seen: str
    expected: str


@section("impact.checks")
def checks(run: Run) -> Answer:
    """What is checked of each play before its effect; a failed check replaces the effect.

    Returns:
        Shape `audit`: one row per play (`subject`) and `check`, with `status` (`ok`, `caveat`,
        `failed`, or `not needed`: it cannot be made, `seen` says why), `seen` and `expected`:
        `sizes assigned` and `sizes triggered` (the arms' sizes against the planned split),
        `time before` (what the arms did before their moment, for as long as the goal has, and
        whether one holds only new people), `held out` (with a delivered message), `delivery`
        (who got it, by arm), `log` (its arms against ours, or whether it has every unit in
        one), `assigned in time`, `alike` (the arms, by persona and such), `colleagues` (in the
        other arm), `people` (messages whose person is known), `matured`, `sources` (how far
        they reach), `design` (against the one it went live with); `audience` of a play of which
        nobody can say whom it is for; and `plays` for what the messages name and nobody declares.
    """
    all_ = trials(run)

    def finish(rows: Rows) -> Rows:
        found = [
            {"subject": counts.label} | check.__dict__
            for trial, counts in each_counted(all_, rows)
            for check in every_check(trial, counts)
        ]
        return found + _untold(run) + _undeclared(run)

    return of_all(run, "audit", sums(all_), finish, says=_checks_said)


def each_counted(all_: Sequence[Trial], rows: Rows) -> list[tuple[Trial, Counts]]:
    """The trials with their counts, one of each treatment, of the rows of all of them."""
    own = grouped(rows, ("play",))
    return [
        (trial, counts)
        for trial in all_
        for counts in trial.contrasts(own.get((trial.play.slug,), []))
    ]


def every_check(trial: Trial, counts: Counts) -> list[Check]:
    """All checks of a play."""
    return [
        *sound_checks(trial, counts),
        _alike(trial, counts),
        _colleagues(trial, counts),
        _known_people(trial),
        _matured(counts),
        _reaching(trial),
        _design(trial.play),
    ]


def sound_checks(trial: Trial, counts: Counts) -> list[Check]:
    """The checks without which there is no effect."""
    return [
        arm_sizes(counts, "assigned"),
        arm_sizes(counts, "triggered"),
        _time_before(trial, counts),
        _held_out(trial, counts),
        _delivered(trial, counts),
        _arms_logged(trial, counts),
        _assigned_in_time(trial, counts),
    ]


def _checks_said(result: Result, told: Told, _words: str) -> str:
    """How many plays pass every check, which fail one, and what to know of the others."""
    rows = result.rows
    plays = {row["subject"] for row in rows if row["check"] != "plays"}
    failed = [row for row in rows if row["status"] == FAILED]
    idle = {row["subject"] for row in rows if row["seen"] == NOBODY}
    plays -= idle
    passed = told.count("passed", len(plays - {row["subject"] for row in failed}))
    whole = told.count("plays", len(plays), "play")
    lines = [f"**{passed} of {whole}** pass the checks before an effect."] if plays else []
    if idle:
        lines.append(
            f"Nothing to check yet, because {NOBODY}: {', '.join(map(plain, sorted(idle)))}."
        )
    lines += [f"{_check_said(row)} **Failed**: no effect is printed." for row in failed]
    lines += [_check_said(row) for row in rows if row["status"] == CAVEAT]
    return bullets(lines)


def _check_said(row: dict[str, Any]) -> str:
    return f"{plain(row['subject'])}, {plain(row['check'])}: {plain(row['seen'])}."


def arm_sizes(counts: Counts, name: str) -> Check:
    """The arms' sizes against the planned split; strata apart, the most doubtful one decides."""
    # What is drawn has sizes as planned: of accounts drawn whole, these, and not their people.
    of = "accounts" if counts.play.is_clustered else name
    arms, treated, held = counts.arms, *(counts.sum(of, arm) for arm in ARMS)
    expected = f"{chosen(counts.held)} held out"
    if not treated + held:
        return Check(f"sizes {name}", NOT_NEEDED, NOBODY, expected)
    if arms and not arms.split:
        seen = f"{treated:,} treated, {held:,} held out; nobody says how many were planned"
        return Check(f"sizes {name}", NOT_NEEDED, seen, "a planned split")
    test = looks.sample_ratio if counts.looks > FEW_LOOKS else stats.sample_ratio
    seen = f"{treated:,} treated, {held:,} held out"
    if arms and arms.several:
        sizes = {its: counts.size(of, own) for own, its in arms.called.items()}
        p_values = [test([*sizes.values()], [arms.split[its] for its in sizes])]
        seen = ", ".join(f"{its} {n:,}" for its, n in sizes.items())
        expected = ", ".join(f"{its} {chosen(arms.split[its])}" for its in sizes)
    else:
        p_values = [
            test([counts.sum(of, arm, stratum) for arm in ARMS], (1 - share, share))
            for stratum, share in counts.strata.items()
        ]
    p = min(1.0, min(p_values, default=1.0) * max(len(p_values), 1))
    return Check(f"sizes {name}", FAILED if p < ALPHA else OK, f"{seen} (p = {p:.2g})", expected)


def _time_before(trial: Trial, counts: Counts) -> Check:
    """Whether the arms did the same in the time before the message was due."""
    expected = f"no difference in the {words(trial.window)} before"
    found = balance.before(trial, counts)
    if found is None:
        sizes = [counts.sum("triggered", arm) for arm in ARMS]
        why = "nobody has a history" if all(sizes) else "one arm is empty"
        return Check("time before", NOT_NEEDED, f"no time before to compare: {why}", expected)
    seen, p = found
    return Check("time before", FAILED if p < ALPHA else OK, f"{seen} (p = {p:.2g})", expected)


def _alike(trial: Trial, counts: Counts) -> Check:
    """Whether the arms hold the same people."""
    expected = "as many of each segment, but for chance"
    if not all(counts.sum("triggered", arm) for arm in ARMS):
        return Check("alike", NOT_NEEDED, NOBODY, expected)
    unlike = balance.unlike(trial, counts)
    if not unlike:
        return Check("alike", OK, "no column tells the arms apart", expected)
    seen = ", ".join(f"{column} (p = {p:.2g})" for column, p in unlike.items())
    return Check("alike", CAVEAT, f"the arms differ before any effect by {seen}", expected)


def _held_out(trial: Trial, counts: Counts) -> Check:
    """Held-out units that got the message all the same."""
    expected = f"none; at most {chosen(CONTAMINATED)}"
    if trial.delivery != MESSAGES:
        return Check("held out", NOT_NEEDED, "no message says who got it", expected)
    sent, known = _messages_known(trial)
    if sent and not known and not counts.sum("contacted"):
        seen = f"nothing joins: {sent:,} messages, and none to a user that we know"
        return Check("held out", CAVEAT, seen, expected)
    n, got = counts.sum("n", "holdout"), counts.sum("got", "holdout")
    if reason := trial.run.tables.unknown("messages", "delivered_at", "sent_at", "is_sent"):
        return Check("held out", NOT_NEEDED, f"not known who got the message: {reason}", expected)
    if not n:
        seen = "nobody is held out yet whose window is closed"
        return Check("held out", NOT_NEEDED, seen, expected)
    status = FAILED if got > CONTAMINATED * n else CAVEAT if got else OK
    seen = f"{got:,} of {n:,} got the message; inboxes that people share cannot be seen"
    return Check("held out", status, seen, expected)


def _delivered(trial: Trial, counts: Counts) -> Check:
    """Whether what was delivered differs between the arms as they say: who was sent it follows
    the arms, and not something else."""
    expected = f"at least {FAR_ABOVE} times as many treated units have it as held-out ones"
    if trial.delivery == PRODUCT:
        seen = f"the product itself differs, from {trial.play.trigger} on"
        return Check("delivery", OK, seen, "the arms get what they should")
    if trial.delivery != MESSAGES:
        return Check("delivery", CAVEAT, "not known who got it: no log says", expected)
    sizes, got = ([counts.sum(name, arm) for arm in ARMS] for name in ("n", "got"))
    if not counts.sum("contacted"):
        return Check("delivery", NOT_NEEDED, "nobody has got it yet", expected)
    if min(sizes) < counts.least:
        return Check("delivery", NOT_NEEDED, f"too few to say (n = {sum(sizes):,})", expected)
    shares = [n / size for n, size in zip(got, sizes, strict=True)]
    found = compare.people((sizes[0], got[0]), (sizes[1], got[1]))
    apart = shares[0] > FAR_ABOVE * shares[1] and found.p < ALPHA
    seen = " and ".join(
        f"{percent(share)} of the {name}"
        for share, name in zip(shares, ("treated", "held out"), strict=True)
    )
    if apart:
        return Check("delivery", OK, f"{seen} got it", expected)
    seen = f"the arms do not match who was sent: {seen} got it"
    return Check("delivery", FAILED, seen, expected)


def _assigned_in_time(trial: Trial, counts: Counts) -> Check:
    """Whether units were assigned before the time in which they are watched."""
    expected = "assigned by the moment from which units are watched"
    reason = trial.run.tables.unknown("assignments", "assigned_at")
    if not trial.arms.is_logged or reason:
        why = reason or "the arms are drawn by us, from the start"
        return Check("assigned in time", NOT_NEEDED, why, expected)
    n, late, after = (counts.sum(name) for name in ("triggered", "assigned_late", "assigned_after"))
    if not n:
        return Check("assigned in time", NOT_NEEDED, NOBODY, expected)
    if after > LATE * n:
        seen = (
            f"{after:,} of {n:,} were assigned when their time for the goal was over; "
            "`exposure: assigned` starts it with the assignment"
        )
        return Check("assigned in time", FAILED, seen, expected)
    status = CAVEAT if late > LATE * n else OK
    return Check("assigned in time", status, f"{late:,} of {n:,} were assigned later", expected)


def _arms_logged(trial: Trial, counts: Counts) -> Check:
    expected = "the arms we draw"
    if trial.arms.is_logged:
        return _arms_of_log(trial, counts)
    if trial.run.tables.assignments is None:
        return Check("log", NOT_NEEDED, "no log of assignments is mapped", expected)
    rows = _rows_in_log(trial)
    if not rows:
        return Check("log", NOT_NEEDED, "the log of assignments does not name it", expected)
    if not counts.sum("logged"):
        unit = trial.play.unit
        seen = f"nothing joins: {rows:,} rows name it, and none a {unit} that triggered it"
        return Check("log", CAVEAT, seen, expected)
    other = counts.sum("redrawn")
    seen = f"{other:,} are in another arm of the log"
    return Check("log", FAILED if other else OK, seen, expected)


def _arms_of_log(trial: Trial, counts: Counts) -> Check:
    """Whether the log has every unit in one arm that is compared."""
    arms, expected = trial.arms, "every unit in one arm"
    if not arms.control:
        names = listed(arms.names)
        seen = f"its arms are {names}, and none is the control: `control:` names it"
        return Check("log", FAILED, seen, expected)
    if not counts.size("assigned", HOLDOUT) + counts.sum("assigned"):
        unit, rows = trial.play.unit, _rows_in_log(trial)
        seen = f"nothing joins: {rows:,} rows name it, and none a {unit} that triggered it"
        return Check("log", CAVEAT, seen, expected)
    both, none = (counts.size("triggered", arm) for arm in (SEVERAL, UNASSIGNED))
    parts = [f"{both:,} in several arms are left out"] if both else []
    parts += [f"{none:,} that triggered are in none"] if none else []
    return Check("log", CAVEAT if parts else OK, "; ".join(parts) or "all in one", expected)


def _rows_in_log(trial: Trial) -> int:
    slug = trial.play.slug
    return sum(row["n"] for row in ledger.arms_in_log(trial.run).rows if row["play"] == slug)


def _colleagues(trial: Trial, counts: Counts) -> Check:
    """Colleagues in both arms: what one of them is told, the other may hear."""
    expected = f"at most {chosen(BESIDE)} beside the other arm"
    if counts.play.unit == "account":
        return Check("colleagues", OK, "accounts are drawn whole", expected)
    if reason := trial.run.tables.unknown("users", "account_id"):
        return Check("colleagues", NOT_NEEDED, f"not known who they are: {reason}", expected)
    n, beside = counts.sum("triggered"), counts.sum("beside")
    if not n:
        return Check("colleagues", NOT_NEEDED, NOBODY, expected)
    status = CAVEAT if beside > BESIDE * n else OK
    seen = f"{beside:,} of {n:,} have a colleague in the other arm"
    return Check("colleagues", status, seen, expected)


def _known_people(trial: Trial) -> Check:
    if not trial.play.sends:
        return Check("people", NOT_NEEDED, "it sends nothing", f"at least {chosen(JOINED)}")
    n, known = _messages_known(trial)
    if not n:
        return Check("people", NOT_NEEDED, "no message names it", f"at least {chosen(JOINED)}")
    seen = f"{known:,} of {n:,} messages are to people that `users` has"
    status = OK if known >= JOINED * n else CAVEAT
    return Check("people", status, seen, f"at least {chosen(JOINED)}")


def _messages_known(trial: Trial) -> tuple[int, int]:
    """How many messages of a play there are, and how many to people that `users` has."""
    if not trial.run.tables.has("messages"):
        return 0, 0
    own = [row for row in sent_by_tools(trial.run).rows if row["play"] == trial.play.slug]
    return sum(row["n"] for row in own), sum(row["known"] for row in own)


def _matured(counts: Counts) -> Check:
    n, triggered = counts.sum("n"), counts.sum("triggered")
    if not triggered:
        return Check("matured", NOT_NEEDED, NOBODY, "the window is closed")
    status = OK if n >= MATURED * triggered else CAVEAT
    return Check("matured", status, f"{n:,} of {triggered:,} units", "the window is closed")


def _reaching(trial: Trial) -> Check:
    """How far the goal's sources and the play's messages reach."""
    last, goal = trial.run.period.as_of, trial.run.extent.reaches(trial.play.goal)
    if trial.stopped and not trial.play.until:
        seen = f"its messages stop {trial.stopped:{DAY}}: whoever was due later is left out"
        return Check("sources", CAVEAT, seen, f"all up to {last:{DAY}}")
    silent = {} if trial.is_over else trial.silent
    stopped = [f"messages of {s or 'the tool'} stop {at:{DAY}}" for s, at in silent.items()]
    if not stopped and goal < min(last, trial.watermark):
        stopped = [f"{trial.play.goal} stops {goal:{DAY}}"]
    seen = "; ".join(stopped) or f"all up to {last:{DAY}}"
    return Check("sources", CAVEAT if stopped else OK, seen, f"all up to {last:{DAY}}")


def _design(play: Play) -> Check:
    expected = "the design it went live with"
    if not play.frozen:
        seen = f"not frozen; this one is `{play.version}`"
        return Check("design", NOT_NEEDED, seen, expected)
    if play.frozen == play.version:
        return Check("design", OK, f"unchanged since it was frozen as `{play.version}`", expected)
    seen = f"changed: frozen as `{play.frozen}`, now `{play.version}`"
    return Check("design", CAVEAT, seen, expected)


def _untold(run: Run) -> Rows:
    """Plays with a holdout of which nobody can say whom they are for."""
    return [
        {"subject": slug, "check": "audience", "status": FAILED}
        | {"seen": reason.rstrip("."), "expected": "everything that it names is mapped"}
        for slug, reason in ledger.untold(run).items()
    ]


def _undeclared(run: Run) -> Rows:
    """Plays that messages name and nobody declares."""
    prompts = run.declared.product.prompts.values()
    declared = {play.slug for play in run.declared.plays} | {n for names in prompts for n in names}
    if not run.tables.has("messages"):
        return []
    named: dict[str, int] = {}
    for row in sent_by_tools(run).rows:
        if row["play"] is not None and row["play"] not in declared:
            named[row["play"]] = named.get(row["play"], 0) + row["n"]
    return [
        {"subject": name, "check": "plays", "status": CAVEAT}
        | {"seen": f"{n:,} messages name it, and no play is declared so"}
        | {"expected": "a declared play"}
        for name, n in sorted(named.items())
    ]
