"""The browsers of the simulated company: one per person, by the user agent that it sends."""

from __future__ import annotations

import numpy as np

from playbook.airtouch.draws import Columns

_WINDOWS = "Mozilla/5.0 (Windows NT 10.0; Win64; x64)"
_MACOS = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7)"
_LINUX = "Mozilla/5.0 (X11; Linux x86_64)"
_CHROME = "AppleWebKit/537.36 (KHTML, like Gecko) Chrome/143.0.0.0 Safari/537.36"
_CHROME_BEFORE = "AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36"
_EDGE = f"{_CHROME} Edg/143.0.0.0"

OF_PEOPLE = (
    f"{_WINDOWS} {_CHROME}",
    f"{_WINDOWS} {_CHROME_BEFORE}",
    f"{_WINDOWS} {_EDGE}",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:146.0) Gecko/20100101 Firefox/146.0",
    f"{_MACOS} {_CHROME}",
    f"{_MACOS} {_CHROME_BEFORE}",
    f"{_MACOS} {_EDGE}",
    f"{_MACOS} AppleWebKit/605.1.15 (KHTML, like Gecko) Version/26.1 Safari/605.1.15",
    f"{_MACOS} AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.6 Safari/605.1.15",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10.15; rv:146.0) Gecko/20100101 Firefox/146.0",
    f"{_LINUX} {_CHROME}",
    "Mozilla/5.0 (X11; Linux x86_64; rv:146.0) Gecko/20100101 Firefox/146.0",
)
# The list of crawlers that web analytics shares knows each of them.
OF_BOTS = (
    "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
    "Mozilla/5.0 (compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm)",
    "Mozilla/5.0 (compatible; AhrefsBot/7.0; +http://ahrefs.com/robot/)",
    f"{_LINUX} AppleWebKit/537.36 (KHTML, like Gecko) HeadlessChrome/143.0.0.0 Safari/537.36",
    "python-requests/2.32.3",
    "curl/8.11.1",
)
AGENTS = (*OF_PEOPLE, *OF_BOTS)


def agents(rng: np.random.Generator, people: Columns) -> np.ndarray:
    """Each person's browser: a position in AGENTS."""
    n = len(people["bot"])
    browsers = rng.integers(0, len(OF_PEOPLE), n)
    crawlers = len(OF_PEOPLE) + rng.integers(0, len(OF_BOTS), n)
    return np.where(people["bot"], crawlers, browsers)


def sent_along(events: Columns, agent: np.ndarray) -> np.ndarray:
    """The browser that each row of the log names; -1 for what servers send."""
    return np.where(events["web"], agent[np.maximum(events["anonymous"], 0)], -1)
