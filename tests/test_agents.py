"""User agents that are crawlers, and those of people."""

from __future__ import annotations

import crawleruseragents
import pytest

from playbook.data.agents import crawler_agents

CHROME = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/130.0.0.0 Safari/537.36"
)
GOOGLE = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"
BROWSERS = [
    CHROME,
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) "
    "Version/18.1 Safari/605.1.15",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like "
    "Gecko) Version/18.1 Mobile/15E148 Safari/604.1",
    "Mozilla/5.0 (X11; Ubuntu; Linux x86_64; rv:132.0) Gecko/20100101 Firefox/132.0",
    "Mozilla/5.0 (Linux; Android 8.1.0; TECNO B1f) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/70.0.3538.110 Mobile Safari/537.36",
]


def test_crawlers_are_told_from_browsers():
    agents = [CHROME, GOOGLE, "curl/8.5.0", "Mozilla/5.0 (compatible; AhrefsBot/7.0)", GOOGLE]
    assert crawler_agents(agents) == {
        GOOGLE,
        "curl/8.5.0",
        "Mozilla/5.0 (compatible; AhrefsBot/7.0)",
    }
    assert crawler_agents(BROWSERS) == set()


@pytest.mark.parametrize("agents", [[], [None, ""], iter([None])])
def test_no_agent_is_no_crawler(agents):
    assert crawler_agents(agents) == set()


def test_a_very_long_agent_is_judged_by_its_beginning():
    assert crawler_agents([GOOGLE + "x" * 1_000_000]) == {GOOGLE + "x" * 1_000_000}
    assert crawler_agents(["x" * 1_000_000 + GOOGLE]) == set()


def test_every_agent_is_judged_as_the_package_judges_it():
    known = crawleruseragents.CRAWLER_USER_AGENTS_DATA
    agents = {agent for crawler in known for agent in crawler["instances"]}
    agents |= {agent.swapcase() for agent in agents} | {agent[1:] for agent in agents}
    assert crawler_agents(agents) == {
        agent for agent in agents if crawleruseragents.is_crawler(agent)
    }
