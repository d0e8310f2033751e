"""The classes of what outbound messages say, one for each transport, as the log of outbound messages reads them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from desk.channels import OutboundContent, Transport
from desk.mail.content import MailContent
from desk.slack.content import SlackContent

FROM_JSON: Mapping[str, Callable[[Mapping[str, Any]], OutboundContent]] = {
    Transport.MAIL: MailContent.from_json,
    Transport.SLACK: SlackContent.from_json,
}


def read_content(transport: str, stored: Mapping[str, Any] | None) -> OutboundContent:
    """What a row says; a row of an unknown transport is read as a mail, which its worker then refuses to send."""
    return FROM_JSON.get(transport, MailContent.from_json)(stored or {})
