"""Which domains of e-mail addresses are disposable: a package's list, and the product's own."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from playbook.declare import Domains
from playbook.language.mistakes import Mistake, listed


def blocklist(product_domains: Domains) -> frozenset[str]:
    """The disposable domains: those of the package and of `add`, without those of `remove`."""
    import disposable_email_domains

    added, removed = _entries(product_domains)
    return frozenset(map(_plain_domain, disposable_email_domains.blocklist)) - removed | added


def is_disposable(domain: str | None, blocked: Collection[str], kept: Collection[str] = ()) -> bool:
    """Whether a domain is disposable: it, or the nearest domain above it that is listed, is.

    Args:
        domain: What follows the @; none and "" are not.
        blocked: Disposable domains, in lower case: `blocklist(...)`.
        kept: Domains that are not, in lower case, even below a disposable one.
    """
    labels = _plain_domain(domain or "").split(".")
    for first in range(len(labels) - 1):  # a last label alone is nobody's domain
        above = ".".join(labels[first:])
        if above in kept:
            return False
        if above in blocked:
            return True
    return False


def disposable_domains(domains: Iterable[str | None], product_domains: Domains) -> set[str]:
    """Those of the domains that are disposable, spelt as they were given.

    An engine compares its rows with these few; ten thousand literals are too many for a query.
    """
    blocked, kept = blocklist(product_domains), _entries(product_domains)[1]
    return {domain for domain in set(domains) if domain and is_disposable(domain, blocked, kept)}


def _entries(product_domains: Domains) -> tuple[frozenset[str], frozenset[str]]:
    """The product's `add` and `remove`, in lower case."""
    added = frozenset(map(_plain_domain, product_domains.add))
    removed = frozenset(map(_plain_domain, product_domains.remove))
    if both := sorted(added & removed):
        raise Mistake(
            f"product.yaml adds `{both[0]}` to the disposable domains, and removes it.",
            f"`disposable:` adds {listed(sorted(added))} and removes {listed(sorted(removed))}.",
            "keep it under one of the two.",
        )
    if bare := sorted(domain for domain in added | removed if "." not in domain):
        raise Mistake(
            f"product.yaml lists `{bare[0]}` under `disposable:`, which is no domain.",
            "A domain has a dot, such as mailinator.com.",
            "write what follows the @ of an address.",
        )
    return added, removed


def _plain_domain(domain: str) -> str:
    return domain.strip().strip(".").lower()
