"""`Counts`: the sums of one play as arms and strata, its plan, and how often it is looked at."""

from __future__ import annotations

import functools
from dataclasses import dataclass

from playbook.counting.shaping import Rows
from playbook.declare import Play
from playbook.inference import compare, looks, sizing
from playbook.inference.arms import Arm, Difference

ARMS = ("treated", "holdout")


@dataclass(frozen=True)
class Counts:
    """What `trial.sums` says of one play.

    Attributes:
        play: The play.
        rows: Its rows, of everybody or of one segment.
        looks: How often its effect has been looked at, now included.
        least: The smallest arm that says anything.
    """

    play: Play
    rows: Rows
    looks: int
    least: int

    def sum(self, name: str, arm: str = "", stratum: str | None = None) -> int:
        """A count, of both arms and all strata unless one is named."""
        return sum(
            int(row[name])
            for row in self._compared
            if arm in ("", row["arm"]) and stratum in (None, row["stratum"])
        )

    def arm(self, arm: str, stratum: str | None = None) -> Arm:
        """An arm of units that were drawn one by one, with the few ones at hand."""
        n, did, got, both = (
            self.sum(name, arm, stratum) for name in ("n", "did", "got", "did_got")
        )
        if self.play.unit == "account" and n < compare.FEWEST_ACCOUNTS:
            kinds = {(1, 1): both, (1, 0): did - both, (0, 1): got - both}
            kinds[(0, 0)] = n - did - got + both
            return Arm.of([(1, *kind) for kind, times in kinds.items() for _ in range(times)])
        return Arm.of_people(n, did, got, both)

    @functools.cached_property
    def strata(self) -> dict[str, float]:
        """Stratum → its holdout; what holds out nobody has nothing to compare with."""
        return _strata(self.play, {row["stratum"] for row in self.rows})

    @functools.cached_property
    def held(self) -> float:
        """The share of all that triggered that is held out, as it is planned."""
        triggered = {s: self.sum("triggered", stratum=s) for s in self.strata}
        total = sum(triggered.values())
        if not total:
            shares = next(iter(self.play.holdout_by.values()), {})
            return max(self.play.holdout, *shares.values(), 0)
        return sum(self.strata[s] * n for s, n in triggered.items()) / total

    @functools.cached_property
    def planned(self) -> int:
        """The units that the smallest effect worth having takes; those that are there at least.

        From the share of held-out units that does the goal. A plan that grew with the units would
        make every look its last one: where none can be made, it is the least that is compared.
        """
        least = sizing.fewest(self.least, self.held)
        base = self.arm("holdout").share if self.sum("n", "holdout") >= self.least else None
        effect = self.play.smallest_effect
        needed = sizing.units_needed(base or 0, effect, holdout=self.held, least=self.least)
        return needed or least

    @functools.cached_property
    def fractions(self) -> tuple[float, ...]:
        """At each look the units that were mature, over those planned."""
        n = [0] * self.looks
        for row in self._compared:
            n[min(max(int(row["look"]), 1), self.looks) - 1] += int(row["n"])
        return tuple(sum(n[: k + 1]) / self.planned for k in range(self.looks))

    @functools.cached_property
    def deviations(self) -> float:
        """How far the interval of the present look reaches on either side."""
        return looks.planned_bound(self.fractions)

    def difference(self, deviations: float) -> Difference:
        """The effect as assigned, by the method that fits how it was drawn."""

        def compared(treated: Arm, holdout: Arm) -> Difference:
            if self.play.unit == "account":
                return compare.accounts(treated, holdout, deviations=deviations)
            people = ((arm.n, arm.did) for arm in (treated, holdout))
            return compare.people(*people, deviations=deviations)

        arms = self.arm("treated"), self.arm("holdout")
        if len(self.strata) > 1:
            pairs = [(self.arm("treated", s), self.arm("holdout", s)) for s in self.strata]
            return compare.stratified(arms, pairs, compared)
        return compared(*arms)

    @functools.cached_property
    def expected(self) -> float:
        """The units of the smaller arm that would do the goal if the play changed nothing."""
        sizes = [self.sum("n", arm) for arm in ARMS]
        return self.sum("did") / sum(sizes) * min(sizes) if sum(sizes) else 0.0

    @functools.cached_property
    def _compared(self) -> Rows:
        return [row for row in self.rows if row["stratum"] in self.strata]


def _strata(play: Play, names: set[str]) -> dict[str, float]:
    shares = next(iter(play.holdout_by.values()), {})
    found = {name: shares.get(name, play.holdout) for name in sorted(names)}
    return {name: share for name, share in found.items() if share}
