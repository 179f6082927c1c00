"""Disposable domains: the package's, the product's own, and what lies below them."""

from __future__ import annotations

import pytest

from playbook.data.domains import blocklist, disposable_domains, is_disposable
from playbook.declare import Domains
from playbook.language.mistakes import Mistake

BLOCKED = frozenset({"mailinator.com", "trash.example.org"})


def test_the_packages_domains_are_disposable_and_the_products_are_added_and_removed():
    found = blocklist(Domains(add=["Throw.Example"], remove="mailinator.com"))
    assert {"throw.example", "yopmail.com"} <= found
    assert not {"mailinator.com", "gmail.com"} & found
    assert "mailinator.com" in blocklist(Domains())


@pytest.mark.parametrize(
    ("domain", "expected"),
    [
        ("mailinator.com", True),
        (" Mailinator.COM. ", True),
        ("mail.mailinator.com", True),
        ("a.b.mailinator.com", True),
        ("notmailinator.com", False),
        ("mailinator.com.example.net", False),
        ("example.org", False),
        ("trash.example.org", True),
        ("com", False),
        ("", False),
        (None, False),
    ],
)
def test_what_lies_below_a_disposable_domain_is_disposable_too(domain, expected):
    assert is_disposable(domain, BLOCKED) is expected


def test_a_last_label_alone_blocks_nothing():
    assert not is_disposable("example.com", {"com"})
    assert not is_disposable("com", {"com"})


def test_the_nearest_listed_domain_decides():
    kept = {"team.mailinator.com", "safe.example.org"}
    assert is_disposable("mailinator.com", BLOCKED, kept)
    assert not is_disposable("team.mailinator.com", BLOCKED, kept)
    assert not is_disposable("de.team.mailinator.com", BLOCKED, kept)
    assert is_disposable("x.team.mailinator.com", {*BLOCKED, "x.team.mailinator.com"}, kept)


def test_of_given_domains_those_are_told_that_are_disposable_as_they_were_given():
    domains = [
        "acme.com",
        "Mailinator.com",
        "box.throw.example",
        "yopmail.com",
        None,
        "",
        "acme.com",
    ]
    product = Domains(add=["throw.example"], remove=["yopmail.com"])
    assert disposable_domains(domains, product) == {"Mailinator.com", "box.throw.example"}


def test_a_domain_below_a_disposable_one_can_be_removed():
    product = Domains(remove=["team.mailinator.com"])
    domains = ["mailinator.com", "team.mailinator.com", "ann.team.mailinator.com"]
    assert disposable_domains(domains, product) == {"mailinator.com"}


def test_a_domain_is_not_added_and_removed():
    with pytest.raises(Mistake) as mistake:
        blocklist(Domains(add=["a.example", "b.example"], remove=["B.example"]))
    assert str(mistake.value) == (
        "product.yaml adds `b.example` to the disposable domains, and removes it.\n"
        "`disposable:` adds a.example, b.example and removes b.example.\n"
        "Hint: keep it under one of the two."
    )


@pytest.mark.parametrize("domains", [{"add": ["com"]}, {"remove": ["mailinator"]}])
def test_an_entry_without_a_dot_is_no_domain(domains):
    with pytest.raises(Mistake, match="which is no domain"):
        disposable_domains([], Domains(**domains))
