"""`Counts`: the sums of one treatment and its control, its plan, and how often it is looked at."""

from __future__ import annotations

import functools
from dataclasses import dataclass, replace

from playbook.counting.shaping import Rows
from playbook.declare import Play
from playbook.inference import compare, looks, several, sizing, stats
from playbook.inference.arms import Arm, Difference
from playbook.ledger import HOLDOUT, TREATED, Arms

ARMS = (TREATED, HOLDOUT)


@dataclass(frozen=True)
class Counts:
    """What `compared.sums` says of one play: a treatment against the control, or another one.

    Attributes:
        play: The play.
        rows: Its rows, of everybody or of one segment.
        looks: How often its effect has been looked at, now included.
        least: The smallest arm that says anything.
        arms: Its arms; those of a draw of ours, unless given.
        treatment, control: The arms that are compared, as the rows call them.
        planned_looks: How many looks it has until its end; None: it has no declared end.
        is_over: Whether this is its last look.
        units_planned: The units of its plan, where it is not its goal that it is judged by.
    """

    play: Play
    rows: Rows
    looks: int
    least: int
    arms: Arms | None = None
    treatment: str = TREATED
    control: str = HOLDOUT
    planned_looks: int | None = None
    is_over: bool = False
    units_planned: int | None = None

    def of(self, treatment: str, control: str = HOLDOUT) -> Counts:
        """The same of another pair of arms."""
        return replace(self, treatment=treatment, control=control)

    @property
    def label(self) -> str:
        """What is compared, in a word: the play, or one of its treatments."""
        if not (self.arms and self.arms.several):
            return self.play.slug
        against = "" if self.control == HOLDOUT else f" against {self.control}"
        return f"{self.play.slug}: {self.treatment}{against}"

    def sum(self, name: str, arm: str = "", stratum: str | None = None) -> int:
        """A count, of both arms and all strata unless one is named.

        Args:
            name: A column of `compared.sums`.
            arm: "treated" or "holdout", whatever the rows call the two.
            stratum: One of the strata.
        """
        wanted = [own for role, own in self._roles.items() if arm in ("", role)]
        return sum(
            int(row[name])
            for row in self._compared
            if row["arm"] in wanted and stratum in (None, row["stratum"])
        )

    def size(self, name: str, arm: str) -> int:
        """A count of an arm that the comparison need not be about, as the rows call it."""
        return sum(int(row[name]) for row in self.rows if row["arm"] == arm)

    def arm(self, arm: str, stratum: str | None = None) -> Arm:
        """An arm of units that were drawn one by one, or of accounts with the people in them."""
        if self.play.is_clustered:
            return Arm.of_alike(self._alike(arm, stratum))
        n, did, got, both = (
            self.sum(name, arm, stratum) for name in ("n", "did", "got", "did_got")
        )
        if self.play.unit == "account" and n < compare.FEWEST_ACCOUNTS:
            kinds = {(1, 1): both, (1, 0): did - both, (0, 1): got - both}
            kinds[(0, 0)] = n - did - got + both
            return Arm.of([(1, *kind) for kind, times in kinds.items() for _ in range(times)])
        return Arm.of_people(n, did, got, both)

    def drawn(self, arm: str) -> int:
        """How many of what is drawn an arm holds that say anything: accounts, or units."""
        return self.sum("accounts" if self.play.is_clustered else "n", arm)

    @functools.cached_property
    def strata(self) -> dict[str, float]:
        """Stratum → the share that is held out; what holds out nobody has nothing to compare
        with. Where nobody planned a share, it is the share that there is."""
        if self.play.holdout_by:
            return _strata(self.play, {row["stratum"] for row in self.rows})
        held = self._held_as_planned
        if held is None:
            sizes = [self.size("triggered", own) for own in self._roles.values()]
            held = sizes[1] / sum(sizes) if sum(sizes) else 0.0
        return {"": held} if held else {}

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
    def error(self) -> float:
        """The error that this comparison may have, on both sides, so that those of all
        treatments together have 5 %."""
        if not (self.arms and self.arms.several):
            return stats.SURE
        if self.control != HOLDOUT:
            return several.pairs_error(len(self.arms.own))
        # As planned: the bounds of a look must not move with the next one's sizes.
        split = self.arms.split
        if split:
            sizes = [split[name] for name in self.arms.called.values()]
        else:
            sizes = [self.size("triggered", arm) for arm in self.arms.compared]
        return several.shared_error(sizes[0], sizes[1:])

    @functools.cached_property
    def planned(self) -> int:
        """The units that the smallest effect worth having takes; those that are there at least.

        From the share of held-out units that does the goal. A plan that grew with the units would
        make every look its last one: where none can be made, it is the least that is compared.
        """
        least = sizing.fewest(self.least, self.held)
        if self.units_planned is not None:
            return max(self.units_planned, least)
        base = self.arm(HOLDOUT).share if self.sum("n", HOLDOUT) >= self.least else None
        needed = self.units_needed(base or 0, self.play.smallest_effect)
        return needed or least

    def units_needed(self, base: float, effect: float) -> int | None:
        """The units, both arms together, that show an effect with 80 % power, looks included."""
        given = {"holdout": self.held, "least": self.least, "error": self.error}
        given["design_effect"] = self.design_effect
        if self.planned_looks is None:
            pace = self.sum("triggered") / self.looks
            return sizing.units_at_pace(base, effect, per_look=pace, **given)
        times = min(self.planned_looks, sizing.MOST_LOOKS)
        return sizing.units_needed(base, effect, looks=times, ends=True, **given)

    @functools.cached_property
    def design_effect(self) -> float:
        """How many times the people it takes because their accounts are drawn whole."""
        if not self.play.is_clustered:
            return 1.0
        alike = [self._alike(arm, None) for arm in ARMS]
        groups = [sizing.Clusters.of_alike(each) for each in alike]
        return sizing.design_effect_of(groups)

    @functools.cached_property
    def fractions(self) -> tuple[float, ...]:
        """At each look the units that were mature, over those planned."""
        n = [0] * self.looks
        for row in self._compared:
            n[min(max(int(row["look"]), 1), self.looks) - 1] += int(row["n"])
        return tuple(sum(n[: k + 1]) / self.planned for k in range(self.looks))

    @property
    def is_interim(self) -> bool:
        """Whether the plan goes on after this look."""
        return not self.is_over and self.fractions[-1] < 1

    @functools.cached_property
    def deviations(self) -> float:
        """How far the interval of the present look reaches on either side."""
        ends = self.planned_looks is not None
        return looks.planned_bound(self.fractions, ends=ends, last=self.is_over, error=self.error)

    def difference(self, deviations: float) -> Difference:
        """The effect as assigned, by the method that fits how it was drawn."""

        def compared(treated: Arm, holdout: Arm) -> Difference:
            if self.play.unit == "account":
                return compare.accounts(treated, holdout, deviations=deviations)
            people = ((arm.n, arm.did) for arm in (treated, holdout))
            return compare.people(*people, deviations=deviations)

        arms = self.arm(TREATED), self.arm(HOLDOUT)
        if len(self.strata) > 1:
            pairs = [(self.arm(TREATED, s), self.arm(HOLDOUT, s)) for s in self.strata]
            return compare.stratified(arms, pairs, compared)
        return compared(*arms)

    @functools.cached_property
    def expected(self) -> float:
        """The units of the smaller arm that would do the goal if the play changed nothing."""
        sizes = [self.sum("n", arm) for arm in ARMS]
        return self.sum("did") / sum(sizes) * min(sizes) if sum(sizes) else 0.0

    @property
    def _roles(self) -> dict[str, str]:
        return {TREATED: self.treatment, HOLDOUT: self.control}

    @functools.cached_property
    def _held_as_planned(self) -> float | None:
        """The control's part of the planned shares of the two arms."""
        if self.arms is None:
            return self.play.holdout
        if not self.arms.split:
            return None
        shares = [self.arms.split[self.arms.called[own]] for own in self._roles.values()]
        return shares[1] / sum(shares)

    @functools.cached_property
    def _compared(self) -> Rows:
        wanted = [*self._roles.values()]
        return [row for row in self.rows if row["arm"] in wanted and row["stratum"] in self.strata]

    def _alike(self, arm: str, stratum: str | None) -> dict[tuple[int, int, int], int]:
        """(people, of whom did it, of whom got it) → accounts with so many."""
        found: dict[tuple[int, int, int], int] = {}
        for row in self._compared:
            if row["arm"] == self._roles[arm] and stratum in (None, row["stratum"]):
                kind = tuple(int(row[f"account_{name}"]) for name in ("n", "did", "got"))
                found[kind] = found.get(kind, 0) + int(row["accounts"])
        return {kind: times for kind, times in found.items() if kind[0]}


def _strata(play: Play, names: set[str]) -> dict[str, float]:
    shares = next(iter(play.holdout_by.values()), {})
    found = {name: shares.get(name, play.holdout) for name in sorted(names)}
    return {name: share for name, share in found.items() if share}
