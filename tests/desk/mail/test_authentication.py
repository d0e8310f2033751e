"""Authentication-Results: only the topmost header of our own server passes anything, however the text is bent."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from desk.channels import Channel
from desk.config.settings import Settings
from desk.mail.authentication import AgentMailFacts, Proof, Verdict, agent_proof, verdict
from desk.mail.inbound_request import Envelope, InboundRequest, Party
from desk.signed.reply_address import AGENT, REQUESTER, ReplyToken
from workers.inbound.batch_context import sender_verdict

OURS, DOMAIN = "mx.desk.example.test", "corp.example.test"
PASS = f"{OURS}; dmarc=pass header.from={DOMAIN}"
bent = st.text(alphabet='()"\\;= \tdmarcpsheaderf.-', max_size=60) | st.text(max_size=40)


def read(*headers: str, relay: bool = True) -> Verdict:
    return verdict(headers, OURS, relay, DOMAIN)


@pytest.mark.parametrize(
    "header",
    [
        PASS,
        f"{OURS} 1; spf=fail smtp.mailfrom=x; dmarc=pass (p=none dis=none) header.from={DOMAIN}",
        f"{OURS}; dmarc = PASS (a (nested) comment; dmarc=fail) header.from = {DOMAIN.upper()}",
        f'{OURS}; dkim=pass reason="; dmarc=fail"; dmarc=pass header.from={DOMAIN}',
    ],
)
def test_a_pass_of_our_own_server_is_a_pass(header: str) -> None:
    assert read(header) is Verdict.PASS
    assert read(header, relay=False) is Verdict.NONE and read() is Verdict.NONE
    assert verdict((header,), "", True, DOMAIN) is Verdict.NONE and verdict((header,), OURS, True, "") is Verdict.NONE


@given(bent)
@example("")
@example(f"mx.evil.example.test; dmarc=pass header.from={DOMAIN}")
def test_a_pass_below_another_header_counts_for_nothing(top: str) -> None:
    assert read(top, PASS) is not Verdict.PASS


@given(bent)
def test_what_stands_in_a_comment_or_in_quotes_passes_nothing(text: str) -> None:
    hidden = f"; dmarc=pass header.from={DOMAIN};"
    plain = text.replace("\\", "").replace('"', "").replace("(", "").replace(")", "")
    assert read(f"{OURS}; ({plain}{hidden})") is not Verdict.PASS
    assert read(f'{OURS}; spf=pass reason="{plain}{hidden}"') is not Verdict.PASS
    assert read(f"{OURS}; (({plain}){hidden}") is not Verdict.PASS


@given(bent, bent)
def test_no_text_raises_and_another_servers_word_is_never_a_pass(before: str, after: str) -> None:
    read(f"{OURS}{before}; dmarc=pass{after}", before, after)
    assert read(f"evil.example.test {before}; dmarc=pass header.from={DOMAIN} {after}") is not Verdict.PASS


@given(st.permutations(["dmarc=fail", f"dmarc=pass header.from={DOMAIN}", "spf=pass", "dkim=pass header.d=x"]))
def test_results_that_contradict_each_other_are_a_failure(parts: list[str]) -> None:
    assert read("; ".join([OURS, *parts])) is Verdict.FAIL


def test_a_long_header_is_read_in_linear_time() -> None:
    assert read(f"{OURS}; {'(' * 100_000}dmarc=pass") is Verdict.NONE
    assert read(f"{OURS}; {'dmarc=' * 50_000}") is not Verdict.PASS


@pytest.mark.parametrize(
    "result",
    [
        f"dmarc=none header.from={DOMAIN}",
        f"dmarc=bestguesspass action=none header.from={DOMAIN}",
        f"dmarc=temperror header.from={DOMAIN}",
        f"dmarc=permerror header.from={DOMAIN}",
        f"dmarc=neutral header.from={DOMAIN}",
        f"dmarc=policy header.from={DOMAIN}",
        f"dmarc=quarantine header.from={DOMAIN}",
        f"dmarc/2=fail header.from={DOMAIN}",
        f"x-dmarc=fail header.from={DOMAIN}",
        "dmarc=pass",
        f"spf=fail smtp.mailfrom=x; dkim=fail header.d={DOMAIN}",
        "none",
        f"dmarc=pass header.from={DOMAIN}; dmarc=none header.from={DOMAIN}",
    ],
)
def test_what_says_nothing_of_the_domain_is_no_statement(result: str) -> None:
    assert read(f"{OURS}; {result}") is Verdict.NONE


@pytest.mark.parametrize(
    "result",
    [
        f"dmarc=fail header.from={DOMAIN}",
        f"dmarc/1 = fail (p=reject) header.from={DOMAIN}",
        f"arc=pass (i=1); dmarc=fail action=none header.from={DOMAIN}",
        "dmarc=pass header.from=evil.example.test",
        f"dmarc=pass header.from={DOMAIN} header.from=evil.example.test",
        f"dmarc=none header.from={DOMAIN}; dmarc=fail header.from={DOMAIN}",
    ],
)
def test_a_failure_is_said_in_so_many_words(result: str) -> None:
    assert read(f"{OURS}; {result}") is Verdict.FAIL


TOKEN = ReplyToken(AGENT, 1, 7, False)
GOOD = (TOKEN, 7, True, True, False, Verdict.PASS, True)


def test_an_agent_for_whom_everything_is_proven_may_act_and_command() -> None:
    assert agent_proof(AgentMailFacts(*GOOD)) == Proof(True, True)


@pytest.mark.parametrize(
    ("place", "value"),
    [
        (0, None),
        (0, replace(TOKEN, purpose=REQUESTER)),
        (0, replace(TOKEN, expired=True)),
        (0, replace(TOKEN, person_id=8)),
        (1, None),
        (1, 8),
        (2, False),
        (3, False),
        (4, True),
        (5, Verdict.FAIL),
        (5, Verdict.NONE),
    ],
)
def test_one_thing_missing_and_nothing_is_allowed(place: int, value: object) -> None:
    arguments = [*GOOD]
    arguments[place] = value  # type: ignore[call-overload]
    proof = agent_proof(AgentMailFacts(*arguments))  # type: ignore[arg-type]
    assert not proof.may_act and not proof.may_command and proof.why


def test_where_no_server_vouches_text_counts_and_commands_do_not() -> None:
    proof = agent_proof(AgentMailFacts(TOKEN, 7, True, True, False, Verdict.NONE, False))
    assert proof.may_act and not proof.may_command


@pytest.mark.parametrize(
    ("peer", "expected"),
    [
        ("10.1.2.3", Verdict.PASS),
        ("fd00::7", Verdict.PASS),
        ("192.0.2.9", Verdict.NONE),
        ("", Verdict.NONE),
        ("unix", Verdict.NONE),
        ("10.1.2", Verdict.NONE),
    ],
)
def test_a_relay_is_trusted_by_its_network(peer: str, expected: Verdict) -> None:
    own = Settings(relay_url="smtp://r", authserv_id=OURS, trusted_relays=("10.0.0.0/8", "fd00::/8"))
    request = InboundRequest(
        Channel.EMAIL,
        "s",
        "",
        "h",
        datetime(2026, 11, 2, tzinfo=UTC),
        Party(f"alice@{DOMAIN}"),
        authentication=(PASS,),
        envelope=Envelope(peer=peer),
    )
    assert sender_verdict(request, own) is expected
