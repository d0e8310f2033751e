"""All words of `frontdesk` that ask, change and look, and return: those of its processes are in frontdesk.py.

In: the words so far, and `Ways`, what a command needs of rooms that this one may not open. Out: a parser that knows
them. It imports every command, so a process that serves does not import it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from cli import desk_parser, knowledge_parser, learning_parser, ticket_parser
from cli.admin import incidents, mailboxes, people, report, signatures, staffing
from cli.data import privacy
from cli.diagnose import captured_mail, doctor, inbound_log
from cli.grammar import Words, command, group
from cli.process import init


@dataclass(frozen=True, slots=True)
class Ways:
    """Through other rooms: to train and to count in this process, to replay mails, and to check an IMAP mailbox.

    `imap_words` are the words that its settings may have: `auth`, `start`, `tls`.
    """

    train: Callable[..., Any]
    figures: Callable[[], Any]
    replay: Callable[..., int]
    check_imap: Callable[[Mapping[str, Any]], Any]
    imap_words: Mapping[str, Sequence[str]]
    log_in: Callable[[Any], None]


def add(words: Words, ways: Ways) -> None:
    """All commands but those that serve."""
    _administration(words, ways)
    _looking(words, ways)
    learning_parser.add(words, group, command, ways.train)
    knowledge_parser.add(words, group, command)
    desk_parser.add(words, group, command)
    report.words(words, command, ways.figures)


def _administration(words: Words, ways: Ways) -> None:
    init.words(words)
    _mailboxes(group(words, "mailbox", "the addresses of the desk"), ways)
    team = group(words, "team", "the teams")
    command(team, "add", people.team_add, "a new team").add_argument("name")
    command(team, "list", people.team_list, "all teams")
    channel = command(team, "slack", people.team_slack, "in which Slack channel a team's tickets have their threads")
    channel.add_argument("name")
    channel.add_argument("channel", nargs="?", default="", metavar="CHANNEL_ID")
    channel.add_argument("--off", action="store_true", help="in none any more")
    staffing.team_words(team, command)
    privacy.team_words(team, command)
    agent = group(words, "agent", "the agents")
    add = command(agent, "add", people.agent_add, "a new agent; of one who is there, what the options name is changed")
    add.add_argument("address")
    add.add_argument("--name", default="")
    add.add_argument("--role", choices=people.ROLES, help="of a new agent: agent, unless named")
    add.add_argument("--new-password", action="store_true", help="of an agent who is there; shown once")
    add.add_argument("--activate", action="store_true", help="an agent who left is back")
    add.add_argument("--team", action="append", default=[], metavar="NAME")
    add.add_argument("--slack-user", default="", metavar="slack:TEAM:USER")
    account = command(agent, "slack", people.agent_slack, "which account in Slack acts as this agent")
    account.add_argument("address")
    account.add_argument("account", nargs="?", default="", metavar="slack:TEAM:USER")
    account.add_argument("--off", action="store_true", help="none any more")
    command(agent, "list", people.agent_list, "all agents")
    command(agent, "deactivate", people.agent_deactivate, "an agent who left").add_argument("address")
    staffing.agent_words(agent, command)
    person = group(words, "person", "people who write")
    privacy.person_words(person, command)
    people.vip_words(person, command)
    token = group(words, "token", "tokens of the JSON API")
    add = command(token, "add", people.token_add, "a new token, shown once")
    add.add_argument("name")
    add.add_argument("--scope", action="append", choices=people.SCOPES)
    command(token, "list", people.token_list, "all tokens, without their secret")
    command(token, "revoke", people.token_revoke, "make a token void").add_argument("id", type=int)


def _mailboxes(mailbox: Words, ways: Ways) -> None:
    add = command(
        mailbox, "add", partial(mailboxes.add, check=ways.check_imap, log_in=ways.log_in), "a new address of the desk"
    )
    add.add_argument("address")
    add.add_argument("--name", default="")
    add.add_argument("--team", metavar="NAME")
    add.add_argument("--signature", metavar="TEXT", help=r"below every reply; \n is a new line, {agent} who answers")
    add.add_argument("--imap-host", metavar="HOST", help="fetch it from there")
    add.add_argument("--imap-port", type=int)
    add.add_argument("--imap-tls", choices=ways.imap_words["tls"])
    add.add_argument("--imap-user")
    add.add_argument("--imap-auth", choices=ways.imap_words["auth"])
    for secret in ("password", "token"):
        for source in ("env", "file", "command"):
            add.add_argument(f"--imap-{secret}-{source}", help=f"where the {secret} is found")
    add.add_argument("--imap-folder", action="append", dest="imap_folders", metavar="NAME")
    add.add_argument("--imap-after", metavar="seen|nothing|move:FOLDER", help="what becomes of a mail that is stored")
    add.add_argument("--imap-start", choices=ways.imap_words["start"], help="what of the older mail is fetched")
    add.add_argument("--imap-poll-seconds", type=float)
    add.add_argument("--imap-ca-file", metavar="FILE")
    add.add_argument("--imap-json", metavar="JSON", help="all of this at once, and `refresh` for OAuth refresh tokens")
    add.add_argument("--no-test", action="store_true", help="do not try the login first")
    command(mailbox, "list", people.mailbox_list, "all addresses of the desk")
    command(mailbox, "remove", mailboxes.remove, "one that no ticket was sent to").add_argument("address")
    signatures.mailbox_words(mailbox, command)


def _looking(words: Words, ways: Ways) -> None:
    command(words, "doctor", doctor.doctor, "look at everything that the desk depends on, and say what to do")
    command(words, "ledger", inbound_log.ledger, "what was accepted, and how it ended")
    ticket_parser.words(group(words, "ticket", "the tickets"), command)
    incidents.words(group(words, "incident", "many people with the same trouble at the same time"), command)
    again = command(words, "replay", ways.replay, "what would become of these mails? nothing is kept, nothing is sent")
    again.add_argument("source", help="an mbox, Maildir, folder of .eml files, or imaps://user@host/FOLDER")
    again.add_argument("--for-real", action="store_true", help="keep the tickets; still nothing is sent")
    again.add_argument("--verbose", action="store_true", help="a line for each mail")
    mail = command(words, "caught", captured_mail.caught, "outgoing mail that was caught because there is no relay")
    mail.add_argument("id", type=int, nargs="?", help="show this one whole")
    mail.add_argument("--kind", default="", help="only this kind: acknowledgement, notice, reply, command-answer")
    mail.add_argument("--reply-to", action="store_true", help="print only where the newest one wants its answer to go")
    aside = group(words, "quarantine", "what was set aside")
    listing = command(aside, "list", inbound_log.quarantine_list, "the newest ones")
    listing.add_argument("--most", type=int, default=200)
    command(aside, "show", inbound_log.quarantine_show, "one, with its bytes").add_argument("id", type=int)
    command(aside, "release", inbound_log.quarantine_release, "try one again").add_argument("id", type=int)
