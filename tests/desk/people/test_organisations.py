"""The organisation behind an address."""

from __future__ import annotations

import pytest

from desk.people.organisations import is_shared, organisation


@pytest.mark.parametrize(
    ("address", "whose"),
    [
        ("Jane@Partner.example", "partner.example"),
        ("help@acme.zendesk.com", "acme.zendesk.com"),
        ("Ann@gmail.com", "ann@gmail.com"),
        ("acme@service-now.com", "acme@service-now.com"),
        ("", ""),
    ],
)
def test_the_domain_is_the_organisation_except_where_strangers_share_it(address: str, whose: str) -> None:
    assert organisation(address) == whose


def test_the_list_of_shared_domains_has_domains_only() -> None:
    assert is_shared("web.de") and not is_shared("de") and not is_shared("")


@pytest.mark.parametrize("domain", ["lycos.es", "outlook.dk", "warmmail.com", "t-online.de", "zendesk.com"])
def test_strangers_at_a_provider_of_free_mail_are_no_organisation(domain: str) -> None:
    assert organisation(f"ann@{domain}") != organisation(f"ben@{domain}")
