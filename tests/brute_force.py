"""The definition of an attempt, written as plainly as possible: every chain of events is tried."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta

from playbook.counting.attempts import Rules

Event = tuple[str, int]  # name, second


@dataclass(frozen=True)
class Best:
    """A unit's best attempt; `started` None: it never entered."""

    depth: int = 0
    started: int | None = None
    optional: dict[int, bool] = field(default_factory=dict)
    left_out: bool = False


def depth(events: Sequence[Event], steps: Sequence[str], within: int) -> int:
    """The deepest step that some entry reaches."""
    return best(events, steps, within).depth


def best(
    events: Sequence[Event], steps: Sequence[str], within: int, rules: Rules | None = None
) -> Best:
    """The attempt that comes furthest, by the rules.

    Each step takes an event of its own; times never fall; all lie within `within` seconds of
    the entry, its end included. Nothing depends on the order of the rows.
    """
    return _Unit(events, steps, within, rules or Rules()).best()


def tries(events: Sequence[Event], start: str) -> list[list[Event]]:
    """The events of each attempt, where a start opens one and ends the one before it."""
    moments = sorted(second for name, second in events if name == start)
    # Of several starts at one time, the last has what is done at that time.
    last = {moment: moments.count(moment) for moment in moments}
    found = []
    for place, begins in enumerate(moments):
        ends = next((m for m in moments[place + 1 :] if m > begins), None)
        own = [(start, begins)]
        if moments[: place + 1].count(begins) == last[begins]:
            inside = (e for e in events if e[0] != start and e[1] >= begins)
            own += [e for e in inside if ends is None or e[1] < ends]
        found.append(own)
    return found


@dataclass
class _Unit:
    events: Sequence[Event]
    steps: Sequence[str]
    within: int
    rules: Rules

    def best(self) -> Best:
        starts = [second for name, second in self.events if name == self.steps[0]]
        if not starts:
            return Best()
        if self.rules.entry != "any":
            starts = [min(starts)]
        if self.rules.any_order:
            return self._in_any_order(starts)
        # (step, event) → the latest entry that it is reached from.
        reached: dict[tuple[int, int], int] = {}
        for entry, (name, second) in enumerate(self.events):
            if name == self.steps[0] and second in starts:
                for step, event in self._chains(1, entry, {entry}, second):
                    reached[step, event] = max(reached.get((step, event), second), second)
        deepest = max(step for step, _event in reached if step not in self.rules.optional)
        started = min(e for (step, _event), e in reached.items() if step == deepest)
        optional = {
            k: any(
                entry >= started and self.events[event][1] <= started + self._window(k)
                for (step, event), entry in reached.items()
                if step == k
            )
            for k in self.rules.optional
        }
        left_out = False
        if deepest < len(self.steps) and any(each.leaves_out for each in self.rules.exclude):
            freely = replace(self.rules, exclude=())
            further = best(self.events, self.steps, self.within, freely).depth > deepest
            left_out = further or self._stopped(deepest, reached)
        return Best(deepest, started, optional, left_out)

    def _in_any_order(self, starts: Sequence[int]) -> Best:
        def met(start: int) -> int:
            goals = enumerate(self.steps[1:], 2)
            return 1 + sum(
                any(n == name and start <= s <= start + self._window(k) for n, s in self.events)
                for k, name in goals
            )

        deepest = max(map(met, starts))
        return Best(deepest, min(start for start in starts if met(start) == deepest))

    def _chains(
        self, step: int, event: int, used: set[int], entry: int
    ) -> Iterator[tuple[int, int]]:
        """(step, event) of all that can follow an event that took a step."""
        yield step, event
        for k in range(step + 1, len(self.steps) + 1):
            for j in range(len(self.events)):
                if self._follows(k, event, j, used, entry):
                    if k in self.rules.optional:
                        yield k, j
                    else:
                        yield from self._chains(k, j, used | {j}, entry)
            if k not in self.rules.optional:
                return

    def _follows(self, k: int, before: int, after: int, used: set[int], entry: int) -> bool:
        (name, first), (other, second) = self.events[before], self.events[after]
        same = name == other
        again = self.rules.reuse and same and after == before
        if other != self.steps[k - 1] or (after in used and not again):
            return False
        grace = 0 if same else int(self.rules.grace.total_seconds())
        if second < first - grace or (self.rules.ties == "strict" and second == first):
            return False
        anchor = first if self.rules.from_previous else entry
        if second > anchor + self._window(k):
            return False
        return not any(
            first < moment < second
            for each in self._breaking(k)
            for name, moment in self.events
            if each.event in {None, name}
        )

    def _stopped(self, deepest: int, reached: dict[tuple[int, int], int]) -> bool:
        """Whether what leaves out has stopped every attempt that came as far."""
        breaks = [
            second
            for each in self._breaking(deepest + 1)
            for name, second in self.events
            if each.leaves_out and each.event == name
        ]
        return all(
            any(
                since < s <= (since if self.rules.from_previous else entry) + window for s in breaks
            )
            for (step, event), entry in reached.items()
            if step == deepest
            for since in [self.events[event][1]]
            for window in [self._window(deepest + 1)]
        )

    def _breaking(self, k: int) -> list:
        return [each for each in self.rules.exclude if each.after < k <= each.before]

    def _window(self, k: int) -> int:
        window = self.rules.window(k, timedelta(seconds=self.within))
        return int(window.total_seconds())
