"""The words before the mail: whatever a peer says, it gets one well-formed reply, and nothing of its own back."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from gateway.email.smtp.commands import CommandState, LmtpCommandState, Terms
from gateway.email.smtp.limits import Limits
from tests.gateway.email.smtp.running_server import SETTINGS, accepts, is_ours

REPLY = re.compile(r"(\d\d\d-[ -~]+\r\n)*\d\d\d [ -~]+")
VERBS = st.sampled_from(["HELO", "EHLO", "LHLO", "MAIL", "RCPT", "RSET", "NOOP", "VRFY", "EXPN", "HELP", "AUTH", "X"])
ARGUMENTS = st.one_of(
    st.text(max_size=60),
    st.from_regex(r"(FROM|TO):<[!-~]{0,20}@?(desk\.test)?>( [A-Z]{1,9}(=[!-~]{0,9})?)?", fullmatch=True),
)


def terms() -> Terms:
    return Terms(SETTINGS, accepts, is_ours, Limits(10, 10, 0, (), lambda: 0.0))


@given(st.lists(st.tuples(VERBS, ARGUMENTS), max_size=12), st.sampled_from([CommandState, LmtpCommandState]))
def test_any_words_get_one_reply_of_the_right_form(said: list[tuple[str, str]], kind: type[CommandState]) -> None:
    dialogue = kind(terms(), "192.0.2.1")
    for verb, argument in said:
        assert REPLY.fullmatch(dialogue.reply(verb, argument))
    for recipient in dialogue.mail.recipients if dialogue.mail else ():
        assert accepts(recipient)


@given(st.text(min_size=1, max_size=40))
def test_no_domain_but_ours_is_ever_accepted(domain: str) -> None:
    dialogue = CommandState(terms(), "192.0.2.1")
    dialogue.reply("EHLO", "there.test")
    dialogue.reply("MAIL", "FROM:<ann@there.test>")
    accepted = dialogue.reply("RCPT", f"TO:<help@{domain}>").startswith("250")
    assert accepted == (domain.lower() == "desk.test")


def test_an_address_in_a_large_ipv6_network_counts_as_its_network() -> None:
    limits = Limits(100, 2, 0, (), lambda: 0.0)
    with limits.connection("2001:db8::1") as first, limits.connection("2001:db8::2") as second:
        with limits.connection("2001:db8::3") as third, limits.connection("2001:db8:0:1::1") as other:
            assert (first, second, third, other) == (True, True, False, True)
        with limits.connection("2001:db8::3") as again:
            assert not again
    with limits.connection("2001:db8::3") as later:
        assert later


def test_the_memory_of_rates_is_bounded() -> None:
    now = [0.0]
    limits = Limits(10, 10, 1, (), lambda: now[0])
    for n in range(10_500):
        now[0] += 0.1
        assert limits.may_send(f"198.51.{n // 250}.{n % 250}")
    assert len(limits._buckets) <= 10_000
