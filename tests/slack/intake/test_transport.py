"""What the desk says in Slack: once, whatever happens to the answer, and with nothing in it that rings a channel."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from desk.config.settings import Settings
from desk.slack.content import SlackContent
from desk.tickets.ticket import Ticket
from storage.mail.outbound_message import ClaimedMessage
from tests.slack import payloads
from tests.slack.fake_slack import BOT_TOKEN, FakeSlack, Trouble
from workers.outbound import slack as transport
from workers.outbound import slack_texts
from workers.outbound.errors import TransportError

AT = datetime.fromtimestamp(payloads.EPOCH, UTC)


@pytest.fixture
def desk(slack: FakeSlack) -> Settings:
    return Settings(slack_bot_token=BOT_TOKEN, slack_api_url=slack.api_url)


def letter(text: str = "hello", attempts: int = 1, external_id: str = "slack.1", **content: Any) -> ClaimedMessage:
    place = {"channel": payloads.CHANNEL, "thread_ts": payloads.ts(5), "text": text}
    key = f"slack:{payloads.TEAM}:{payloads.CHANNEL}:{payloads.ts(5)}"
    return ClaimedMessage(
        1, "reply", "slack", key, external_id, SlackContent.from_json(place | content), 1, 1, attempts, AT
    )


def refusal(error: pytest.ExceptionInfo[TransportError]) -> tuple[bool, int | None]:
    return error.value.permanent, error.value.retry_after


def test_a_letter_stands_in_its_thread(desk: Settings, slack: FakeSlack) -> None:
    transport.send(letter("It is fixed."), desk)
    (posted,) = slack.state.posted(payloads.CHANNEL)
    assert (posted["text"], posted["thread_ts"]) == ("It is fixed.", payloads.ts(5))
    (asked,) = slack.state.called("chat.postMessage")
    assert asked["unfurl_links"] is asked["unfurl_media"] is False


def test_a_lost_answer_posts_nothing_twice(desk: Settings, slack: FakeSlack) -> None:
    slack.state.troubles.append(Trouble("lose", "chat.postMessage"))
    with pytest.raises(TransportError) as lost:
        transport.send(letter(), desk)
    assert refusal(lost) == (False, None)
    transport.send(letter(attempts=2), desk)
    assert len(slack.state.posted(payloads.CHANNEL)) == 1


def test_a_broken_call_is_made_again(desk: Settings, slack: FakeSlack) -> None:
    slack.state.messages[payloads.CHANNEL] = [{"type": "message", "ts": payloads.ts(5), "text": "root"}]
    slack.state.troubles.append(Trouble("break", "chat.postMessage"))
    with pytest.raises(TransportError):
        transport.send(letter(), desk)
    transport.send(letter(attempts=2), desk)
    assert len(slack.state.posted(payloads.CHANNEL)) == 1


def test_the_message_is_found_on_a_later_page_of_the_thread(desk: Settings, slack: FakeSlack) -> None:
    slack.state.page = 3
    for number in range(7):
        transport.send(letter(external_id=f"slack.{number}"), desk)
    transport.send(letter(attempts=2, external_id="slack.6"), desk)
    assert len(slack.state.posted(payloads.CHANNEL)) == 7


def test_a_message_without_a_thread_is_looked_for_in_its_channel(desk: Settings, slack: FakeSlack) -> None:
    transport.send(letter(thread_ts=""), desk)
    transport.send(letter(thread_ts="", attempts=2), desk)
    assert len(slack.state.posted(payloads.CHANNEL)) == 1


def test_a_busy_slack_says_how_long_to_wait(desk: Settings, slack: FakeSlack) -> None:
    slack.state.troubles.append(Trouble("busy", "chat.postMessage", 17))
    with pytest.raises(TransportError) as busy:
        transport.send(letter(), desk)
    assert refusal(busy) == (False, 17)
    slack.state.troubles.append(Trouble("busy", "conversations.replies", 5))
    with pytest.raises(TransportError) as busy:
        transport.send(letter(attempts=2), desk)
    assert refusal(busy) == (False, 5)
    assert slack.state.posted(payloads.CHANNEL) == []


def test_a_revoked_token_keeps_the_backlog(
    desk: Settings, slack: FakeSlack, capsys: pytest.CaptureFixture[str]
) -> None:
    slack.state.revoked.add(BOT_TOKEN)
    with pytest.raises(TransportError) as revoked:
        transport.send(letter(), desk)
    assert refusal(revoked) == (False, None)
    assert BOT_TOKEN not in f"{revoked.value!r}{capsys.readouterr()}"


def test_a_place_that_is_gone_is_given_up(desk: Settings, slack: FakeSlack) -> None:
    slack.state.archived.add(payloads.CHANNEL)
    with pytest.raises(TransportError, match="is_archived") as gone:
        transport.send(letter(), desk)
    assert refusal(gone) == (True, None)
    with pytest.raises(TransportError, match="channel_not_found") as gone:
        transport.send(letter(channel="C0GONE"), desk)
    assert refusal(gone) == (True, None)


def test_a_page_of_html_is_tried_again_and_not_shown(desk: Settings, slack: FakeSlack) -> None:
    slack.state.troubles.append(Trouble("html", "chat.postMessage"))
    with pytest.raises(TransportError) as page:
        transport.send(letter(), desk)
    assert refusal(page) == (False, None)
    assert "html" not in page.value.reason


def test_a_slack_that_is_not_there_is_tried_again() -> None:
    with pytest.raises(TransportError) as away:
        transport.send(letter(), Settings(slack_bot_token=BOT_TOKEN, slack_api_url="http://127.0.0.1:1/api/"))
    assert refusal(away) == (False, None)


def test_without_a_token_letters_wait() -> None:
    with pytest.raises(TransportError) as none:
        transport.send(letter(), Settings())
    assert refusal(none) == (False, None)


def test_the_first_answer_names_number_category_and_owner() -> None:
    text = slack_texts.opened_text(_ticket("VPN <!channel> *down*"), "Ann", "Network & VPN", "IT")
    assert "*Ticket #12*: VPN &lt;!channel&gt; down" in text
    assert "Category: Network &amp; VPN" in text
    assert "Owner: Ann (IT)" in text


def test_what_is_not_known_is_said_in_words() -> None:
    text = slack_texts.opened_text(_ticket("x"), "", "", "")
    assert "not sure yet" in text
    assert "Owner: nobody yet" in text


def test_a_reply_shows_what_the_agent_wrote_and_rings_nobody() -> None:
    text = slack_texts.reply_text("Ann\n*Boss*", "<!channel> see <https://evil.example|https://bank.example> & <@U1>")
    assert text.splitlines()[0] == "*Ann Boss* replied:"
    assert "<" not in text
    assert "&lt;!channel&gt;" in text


def test_a_text_that_is_too_long_says_that_it_was_cut() -> None:
    text = slack_texts.reply_text("Ann", "<" * 20_000)
    assert len(text) <= slack_texts.MOST_LETTERS
    assert "too long for Slack" in text


@given(name=st.text(max_size=30), said=st.text(alphabet=st.sampled_from("<>&;!@ab\n"), max_size=200))
def test_nothing_that_people_write_has_an_effect_in_slack(name: str, said: str) -> None:
    for text in (
        slack_texts.reply_text(name, said),
        slack_texts.changed_text(said),
        slack_texts.opened_text(_ticket(said), name, said, name),
    ):
        assert "<" not in text
        assert ">" not in text


@pytest.mark.parametrize("key", ["", "slack:T:C", "mail:a:b:c", "slack:T::1.1", "slack:a:b:c:d"])
def test_a_key_that_is_no_slack_thread_is_refused(key: str) -> None:
    with pytest.raises(ValueError, match="is not a Slack thread"):
        slack_texts.place_of(key)


def test_the_place_of_a_letter_comes_from_the_conversation() -> None:
    assert slack_texts.place_of("slack:T1:C1:1700000000.000100") == ("C1", "1700000000.000100")


def _ticket(subject: str) -> Ticket:
    return Ticket(12, subject, 1, AT, AT)
