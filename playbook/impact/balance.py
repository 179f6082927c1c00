"""Whether the arms were alike before the test: by what they did, and by what they are."""

from __future__ import annotations

from collections.abc import Iterable

from playbook.counting.shaping import Rows, grouped
from playbook.impact.counts import ARMS, HOLDOUT, TREATED, Counts
from playbook.impact.parts import columns_of, of_play, segment_sums
from playbook.impact.trial import Trial
from playbook.inference import compare, stats
from playbook.inference.permuted import two_sided
from playbook.language.wording import percent
from playbook.results import Result, shown

ALPHA = 0.001  # below it the arms' sizes, or what they were before, do not fit
FEWEST = 10  # of both arms in a segment: smaller ones are taken together
# What units may have done before → how it is said.
DONE = {"goal_before": "did {goal}", "path_before": "did {path}", "is_new": "were new"}


def before(trial: Trial, counts: Counts) -> tuple[str, float] | None:
    """What the arms did in the time before, in words, and how surely it differs; of several
    things that which differs most. None: there is no time before to compare."""
    sizes = [counts.sum("triggered", arm) for arm in ARMS]
    found = []
    for name, says in DONE.items():
        did = [counts.sum(name, arm) for arm in ARMS]
        if not all(sizes) or not 0 < sum(did) < sum(sizes):
            continue
        path = " or ".join(trial.path)
        shares = " against ".join(percent(d / n) for d, n in zip(did, sizes, strict=True))
        said = f"{shares} {says.format(goal=trial.play.goal, path=path)}"
        found.append((said, _p_of(counts, name)))
    if not found:
        return None
    corrected = stats.corrected_all([p for _said, p in found])
    worst = min(range(len(found)), key=corrected.__getitem__)
    # What does not differ is said of the goal: what the play is about.
    place = worst if corrected[worst] < ALPHA else 0
    return found[place][0], corrected[place]


def unlike(trial: Trial, counts: Counts) -> dict[str, float]:
    """By which columns of people the arms differ before any effect → how surely."""
    sources = segment_sums(trial.run)
    if not isinstance(sources, Result):
        return {}
    own = grouped(of_play(sources.rows, trial.play.slug), ("column",))
    columns = [c for c in columns_of(trial.run, trial.play) if (c,) in own]
    p_values = {c: p for c in columns if (p := _p_alike(counts, own[(c,)])) is not None}
    corrected = stats.corrected_all(list(p_values.values()))
    return {c: p for c, p in zip(p_values, corrected, strict=True) if p < ALPHA}


def _p_of(counts: Counts, name: str) -> float:
    """The p value of a difference before; within strata, for the arms hold other shares of each."""
    # People of an account did the same at worst: each account counts once.
    alone = 1.0
    if counts.play.is_clustered:
        accounts = sum(counts.drawn(arm) for arm in ARMS)
        alone = max(sum(counts.sum("n", arm) for arm in ARMS) / max(accounts, 1), 1.0)
    strata = [
        [round(counts.sum(what, arm, s) / alone) for arm in ARMS for what in ("triggered", name)]
        for s in counts.strata
    ]
    if len(strata) == 1:
        n, did, other_n, other_did = strata[0]
        return compare.people((n, did), (other_n, other_did)).p
    found, low, high = stats.mantel_haenszel(strata)
    if found is None:
        return 1.0
    error = max(high - found, found - low) / stats.DEVIATIONS
    return two_sided(abs(found) / error) if error else float(not found)


def _p_alike(counts: Counts, rows: Rows) -> float | None:
    """How surely the arms differ in how many of each segment they hold (chi-squared, within
    strata); None where there are no two segments."""
    name = "accounts" if counts.play.is_clustered else "triggered"
    own = {counts.treatment: TREATED, counts.control: HOLDOUT}
    tables: dict[str, dict[str, dict[str, int]]] = {}
    for row in rows:
        if row["arm"] in own and row["stratum"] in counts.strata:
            cell = tables.setdefault(row["stratum"], {}).setdefault(
                shown(row["segment"]), dict.fromkeys(ARMS, 0)
            )
            cell[own[row["arm"]]] += int(row[name])
    return stats.alike(_enough(table.values()) for table in tables.values())


def _enough(cells: Iterable[dict[str, int]]) -> list[tuple[int, int]]:
    """(treated, held out) by segment, the small ones together."""
    pairs = [(cell[TREATED], cell[HOLDOUT]) for cell in cells]
    large = [pair for pair in pairs if sum(pair) >= FEWEST]
    small = [pair for pair in pairs if sum(pair) < FEWEST]
    rest = (sum(t for t, _h in small), sum(h for _t, h in small))
    return [*large, rest] if sum(rest) >= FEWEST else large
