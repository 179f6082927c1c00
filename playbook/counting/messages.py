"""How full messages make a week, for people and for accounts."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir
from ibis import _

from playbook.inference import stats
from playbook.language.portable import united
from playbook.results import Rows


def weekly(messages: ir.Table, *, most: int) -> ir.Table:
    """How many messages a week brings people and accounts, of the weeks that bring any.

    Args:
        messages: One row per message: `user_id`, `account_id` and `at`.
        most: So many messages, or more, are one class.

    Returns:
        `per` (`person` or `account`), `messages` (1 to `most`), how many `weeks` (from Monday,
        UTC) brought one so many, and `most`, the largest number of the class.
    """
    each = []
    for per, scope in (("person", "user_id"), ("account", "account_id")):
        got = messages.filter(_[scope].notnull())
        counted = got.group_by(scope=scope, week=_.at.truncate("W")).aggregate(n=_.count())
        classes = counted.group_by(messages=ibis.ifelse(_.n < most, _.n, most))
        classes = classes.aggregate(weeks=_.count(), most=_.n.max()).mutate(per=ibis.literal(per))
        each.append(classes.select("per", "messages", "weeks", "most"))
    return united(each)


def classes(rows: Rows, most: int) -> Rows:
    """Weeks by the messages that they brought, as a mix by `per`; see `weekly`."""
    found: Rows = []
    for per in ("person", "account"):
        own = sorted((row for row in rows if row["per"] == per), key=lambda row: row["messages"])
        total = sum(row["weeks"] for row in own)
        for row in own:
            low, high = stats.wilson(row["weeks"], total)
            label = f"{most} or more" if row["messages"] == most else str(row["messages"])
            found.append(
                {"per": per, "label": label, "position": row["messages"] - 1}
                | {"n": row["weeks"], "total": total, "share": row["weeks"] / total}
                | {"low": low, "high": high, "most": row["most"]}
            )
    return found
