"""The transports by the names that outbound rows and `desk.channels.Transport` give them; a new one is a row here."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager

from desk.channels import Channel, Transport
from workers.outbound import email, slack, slack_texts
from workers.outbound.transport import ConversationTexts, MessageTransport
from workers.runtime.context import Context

TRANSPORTS: Mapping[Transport, Callable[[Context], MessageTransport]] = {
    Transport.MAIL: email.open_transport,
    Transport.SLACK: slack.SlackTransport,
}
CONVERSATION_TEXTS: Mapping[str, ConversationTexts] = {Channel.SLACK: slack_texts}
"""By channel, for those with conversations of their own."""


@contextmanager
def open_transports(context: Context) -> Iterator[Mapping[str, MessageTransport]]:
    """All transports for one round, each closed at its end. Opening one connects to nothing yet."""
    with ExitStack() as stack:
        yield {str(name): stack.enter_context(closing(open_one(context))) for name, open_one in TRANSPORTS.items()}
