"""What is named in one declaration is declared in another, once, and fits there."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from playbook.declare import Declarations
from playbook.declare.metric import Metric
from playbook.declare.plan import DataPoint
from playbook.declare.play import Play
from playbook.declare.roles import PARTS
from playbook.language.mistakes import Mistake, listed, nearest


def check_names(found: Declarations) -> None:
    """What is used must be declared, and no name stands twice."""
    planned = [point.event for point in found.plan]
    asked = [question.id for question in found.questions]
    former = [was for point in found.plan for was in point.was]
    _check_once("data points", [*planned, *former])
    _check_once("questions", asked)
    _check_types(found.plan)
    _check_any_of(found, planned)
    for place, event in _used(found):
        _check_one_event(found, place, event)
        _check_known(f"The {place} uses the event", event, "plan has", planned)
    for question in found.questions:
        for event in question.events:
            place, names = f"The question `{question.id}`", [*planned, *found.product.any_of]
            _check_known(f"{place} uses the event", event, "plan has", names)
        for held in question.hold:
            place = f"The question `{question.id}` holds the property"
            _check_known(place, held, "plan's events carry", found.properties)
    if found.product.headline:
        _check_known("product.yaml opens with the question", found.product.headline, "", asked)
    _check_roles(found, asked)
    _check_plays(found)
    for experiment in found.experiments:
        for play in (*experiment.compares, *(each.play for each in experiment.tried)):
            place = f"The experiment `{experiment.slug}` names the play"
            _check_known(place, play, "", [play.slug for play in found.plays])
        if experiment.totals and "totals" not in found.product.tables:
            raise Mistake(
                f"The experiment `{experiment.slug}` is known by its `totals`, and no table of "
                "them is mapped.",
                f"product.yaml maps: {listed(found.product.tables)}.",
                "map `totals` (test, arm, at, n, value; metric, squares) in product.yaml.",
            )


def _check_any_of(found: Declarations, planned: Sequence[str]) -> None:
    """Names for several events are new ones, and no question counts an event under two."""
    groups = found.product.any_of
    _check_once("events", [*planned, *groups])
    for name, events in groups.items():
        if not events:
            raise Mistake(
                f"`any_of` of product.yaml: `{name}` names no event.",
                f"The plan has: {listed(planned)}.",
                "name the events that count as one by this name, or remove it.",
            )
        for event in events:
            _check_known(f"`any_of` of product.yaml: `{name}` is the event", event, "", planned)
    for question in found.questions:
        members = {event: name for name in question.events for event in groups.get(name, ())}
        named = [e for name in question.events for e in groups.get(name, (name,))]
        if twice := [event for event in named if named.count(event) > 1]:
            raise Mistake(
                f"The question `{question.id}` counts the event `{twice[0]}` under two names.",
                f"By `any_of` of product.yaml it is one of `{members[twice[0]]}`.",
                "name one of the two.",
            )


def _check_one_event(found: Declarations, place: str, name: str) -> None:
    if events := found.product.any_of.get(name):
        raise Mistake(
            f"The {place} uses `{name}`, which stands for several events.",
            f"By `any_of` of product.yaml it is any of: {listed(events)}.",
            "name one of them; only questions count several as one.",
        )


def _check_roles(found: Declarations, asked: Sequence[str]) -> None:
    """A question that plays a part of the guide is there, and counted as that part is."""
    for name, part in PARTS.items():
        for id in getattr(found.product.roles, name):
            _check_known(f"product.yaml gives the role `{name}` to the question", id, "", asked)
            question = found.question(id)
            if not part.fits(question):
                raise Mistake(
                    f"product.yaml gives the role `{name}` to `{id}`, which cannot play it.",
                    f"`{id}` is counted by `{question.measure}`, of unit `{question.unit}`; the "
                    f"role takes {part.asked}.",
                    "name another question, or none.",
                )


def _check_plays(found: Declarations) -> None:
    """Audiences and strata are of columns that `users` has; no play suppresses itself."""
    maps = found.product.tables.get("users", ())
    columns = list(dict.fromkeys(name for each in maps for name in each.named))
    slugs = [play.slug for play in found.plays]
    if taken := [slug for slug in slugs if f"{slug}.gone" in slugs]:
        raise Mistake(
            f"The play `{taken[0]}.gone` is called like a file of the play `{taken[0]}`.",
            f"`{taken[0]}.gone.csv` lists who is gone from the send list of `{taken[0]}`.",
            "rename one of the two.",
        )
    for play in found.plays:
        named = [
            *play.audience,
            *play.holdout_by,
            *(c for step in play.then for c in step.audience),
        ]
        for column in named if maps else ():
            place = f"The play `{play.slug}` is for people by their column"
            _check_known(place, column, "columns of `users` are", columns)
        for metric in play.metrics:
            _check_metric(found, play, metric)
        for other in play.suppressed_by:
            _check_known(f"The play `{play.slug}` is suppressed by the play", other, "", slugs)
        if chain := _suppresses_itself(play.slug, {p.slug: p.suppressed_by for p in found.plays}):
            raise Mistake(
                f"The play `{play.slug}` suppresses itself.",
                f"It is suppressed in a circle: {' by '.join(f'`{slug}`' for slug in chain)}.",
                "remove one of these from `suppressed_by`.",
            )


def _check_metric(found: Declarations, play: Play, metric: Metric) -> None:
    """What a metric adds up is a planned number, or in a table that is mapped."""
    for amount in filter(None, (metric, metric.per)):
        place = f"The metric `{metric.name}` of `{play.slug}` adds up"
        if amount.property:
            _check_known(f"{place} the property", amount.property, "plan has", found.properties)
            kind = found.properties[amount.property]
            if kind not in ("int64", "float64"):
                raise Mistake(
                    f"{place} the property `{amount.property}`, which is no number.",
                    f"The plan says that it is {kind}.",
                    "name a number, or count the event: `of: count`.",
                )
        if amount.value and "values" not in found.product.tables:
            raise Mistake(
                f"{place} the values `{amount.value}`, and no table of values is mapped.",
                f"product.yaml maps: {listed(found.product.tables)}.",
                "map `values` (name, user_id or account_id, at, value) in product.yaml.",
            )


def _suppresses_itself(slug: str, by: dict[str, Sequence[str]]) -> list[str]:
    """The circle of plays, from one back to itself, each suppressed by the next; [] if none."""
    paths, seen = [[slug]], set()
    for path in paths:
        for other in by.get(path[-1], ()):
            if other == slug:
                return [*path, other]
            if other not in seen:
                seen.add(other)
                paths.append([*path, other])
    return []


def _used(found: Declarations) -> list[tuple[str, str]]:
    """(place, event) wherever an event is named outside plan and questions."""
    used: list[tuple[str, str]] = []
    for play in found.plays:
        used += [(f"play `{play.slug}`", event) for event in play.events]
        for metric in play.metrics:
            place = f"metric `{metric.name}` of play `{play.slug}`"
            used += [(place, event) for event in metric.events]
    for experiment in found.experiments:
        if rollout := experiment.rollout:
            named = filter(None, (rollout.event, rollout.goal))
            used += [(f"experiment `{experiment.slug}`", event) for event in named]
    used += [("`prompts` of product.yaml", event) for event in found.product.prompts]
    used += [("`passive` of product.yaml", event) for event in found.product.passive]
    return used + [("path of product.yaml", event) for event in found.product.path]


def _check_known(place: str, name: str, has: str, names: Iterable[str]) -> None:
    if name not in names:
        raise Mistake(
            f"{place} `{name}`, which is not declared.",
            f"The {has or 'declared ones are'}: {listed(names)}.",
            nearest(name, names),
        )


def _check_once(kind: str, names: Sequence[str]) -> None:
    if twice := [name for name in names if names.count(name) > 1]:
        raise Mistake(
            f"Two {kind} are called `{twice[0]}`.",
            f"The names are: {listed(names)}.",
            "rename one of them.",
        )


def _check_types(plan: Sequence[DataPoint]) -> None:
    """A property is one column of `events`, so it has one type."""
    types: dict[str, tuple[str, str]] = {}
    for point in plan:
        for name, spec in point.properties.items():
            event, type_ = types.setdefault(name, (point.event, spec.type))
            if type_ != spec.type:
                raise Mistake(
                    f"The property `{name}` of `{point.event}` is planned as {spec.type}.",
                    f"As a property of `{event}` it is planned as {type_}.",
                    "give it one type, or another name.",
                )
