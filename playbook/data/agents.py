"""Which user agents are crawlers, as the package crawler-user-agents knows them."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable

LONGEST = 2_000  # characters of an agent that are looked at; what is longer is no browser's name


def crawler_agents(agents: Iterable[str | None]) -> set[str]:
    """Those of the user agents that name a crawler, spelt as they were given.

    Args:
        agents: User agents as browsers send them; none and "" are no crawlers.
    """
    known = _crawler_patterns()
    return {
        agent
        for agent in set(agents)
        if agent and any(pattern.search(agent[:LONGEST]) for pattern in known)
    }


@functools.cache
def _crawler_patterns() -> tuple[re.Pattern[str], ...]:
    """The package's patterns, those with the same first letter as one: a search tries each
    alternative at each place of an agent, and so it tries some fifty and not 1,500.
    """
    import crawleruseragents

    by_letter: dict[str, list[str]] = {}
    others = []
    for known in crawleruseragents.CRAWLER_USER_AGENTS_DATA:
        pattern = known["pattern"]
        # Where the first character is an expression, or counted, it stays where it is.
        if re.match("[A-Za-z0-9]($|[^?*+{|])", pattern) and "|" not in pattern:
            by_letter.setdefault(pattern[0], []).append(pattern[1:])
        else:
            others.append(pattern)
    grouped = (f"{letter}(?:{'|'.join(rest)})" for letter, rest in by_letter.items())
    return re.compile("|".join(grouped)), re.compile("|".join(others))
