"""Looks a Slack account up again where the gateway got no answer in time; the order waits until it is known.

The call is made before the transaction. An account that does not exist counts as a guest.
"""

from __future__ import annotations

from dataclasses import replace

import structlog

from desk.slack import account as slack_account
from desk.slack.orders import Order
from workers.outbound.errors import TransportError
from workers.outbound.slack_api import call, web_client
from workers.runtime.context import Context

log = structlog.get_logger()


class Unanswered(Exception):
    """Slack did not answer; a later call may succeed."""


def resolve_account(context: Context, order: Order) -> Order:
    """The order with Slack's data about its account. Raises Unanswered where Slack does not answer."""
    if not order.unknown:
        return order
    try:
        answer = call(web_client(context.store.settings), "users.info", {"user": order.user})
    except TransportError as error:
        log.warning("slack_account_not_looked_up", permanent=error.permanent)
        if error.permanent:
            return replace(order, guest=True, unknown=False)
        raise Unanswered from error
    account = slack_account.read(answer, order.team)
    if account.unknown:
        raise Unanswered
    return replace(order, guest=account.guest, email=account.email, unknown=False)
