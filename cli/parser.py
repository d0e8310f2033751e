"""The commands of `frontdesk` that look at the desk and change it; the processes are in frontdesk.py.

Each command group has its own function, which imports its code only when it is called: `frontdesk ledger` does not wait
for the code of eighty other commands. For the other groups only the line in `frontdesk --help` is built.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from cli.grammar import Words, command, group
from desk.config.settings import Settings


@dataclass(frozen=True, slots=True)
class Ways:
    """Through other rooms: to train and to count in this process, to replay mails, and to check an IMAP mailbox.

    `imap_words` gives the words that its settings may have: `auth`, `start`, `tls`.
    """

    train: Callable[..., Any]
    figures: Callable[[], Any]
    replay: Callable[..., int]
    check_imap: Callable[[Mapping[str, Any]], Any]
    imap_words: Callable[[], Mapping[str, Sequence[str]]]
    log_in: Callable[[Any, Settings], None]


def add(words: Words, ways: Ways, first: str | None = None) -> None:
    """All commands but the processes: those that `first` names (None: all) whole, of the others only their help."""
    for names, build in BUILDERS.items():
        if first is None or first in names:
            build(words, ways)
        else:
            for name in names:
                words.add_parser(name, help=TEXTS[name])


def _init(words: Words, ways: Ways) -> None:
    from cli.process import init

    init.words(words)


def _mailbox(words: Words, ways: Ways) -> None:
    from cli.admin import mailboxes, people

    mailbox, imap_words = group(words, "mailbox", TEXTS["mailbox"]), ways.imap_words()
    add = command(
        mailbox, "add", partial(mailboxes.add, check=ways.check_imap, log_in=ways.log_in), "a new address of the desk"
    )
    add.add_argument("address")
    add.add_argument("--name", default="")
    add.add_argument("--team", metavar="NAME")
    add.add_argument("--signature", metavar="TEXT", help=r"below every reply; \n is a new line, {agent} who answers")
    add.add_argument("--imap-host", metavar="HOST", help="fetch it from there")
    add.add_argument("--imap-port", type=int)
    add.add_argument("--imap-tls", choices=imap_words["tls"])
    add.add_argument("--imap-user")
    add.add_argument("--imap-auth", choices=imap_words["auth"])
    for secret in ("password", "token"):
        for source in ("env", "file", "command"):
            add.add_argument(f"--imap-{secret}-{source}", help=f"where the {secret} is found")
    add.add_argument("--imap-folder", action="append", dest="imap_folders", metavar="NAME")
    add.add_argument("--imap-after", metavar="seen|nothing|move:FOLDER", help="what becomes of a mail that is stored")
    add.add_argument("--imap-start", choices=imap_words["start"], help="what of the older mail is fetched")
    add.add_argument("--imap-poll-seconds", type=float)
    add.add_argument("--imap-ca-file", metavar="FILE")
    add.add_argument("--imap-json", metavar="JSON", help="all of this at once, and `refresh` for OAuth refresh tokens")
    add.add_argument("--no-test", action="store_true", help="do not try the login first")
    command(mailbox, "list", people.mailbox_list, "all addresses of the desk")
    command(mailbox, "remove", mailboxes.remove, "one that no ticket was sent to").add_argument("address")


def _team(words: Words, ways: Ways) -> None:
    from cli.admin import people

    team = group(words, "team", "the teams")
    command(team, "add", people.team_add, "a new team").add_argument("name")
    command(team, "list", people.team_list, "all teams")


def _agent(words: Words, ways: Ways) -> None:
    from cli.admin import people, staffing

    agent = group(words, "agent", "the agents")
    add = command(agent, "add", people.agent_add, "a new agent; of one who is there, what the options name is changed")
    add.add_argument("address")
    add.add_argument("--name", default="")
    add.add_argument("--role", choices=people.ROLES, help="of a new agent: agent, unless named")
    add.add_argument("--new-password", action="store_true", help="of an agent who is there; shown once")
    add.add_argument("--activate", action="store_true", help="an agent who left is back")
    add.add_argument("--team", action="append", default=[], metavar="NAME")
    add.add_argument("--slack-user", default="", metavar="slack:TEAM:USER")
    command(agent, "list", people.agent_list, "all agents")
    command(agent, "deactivate", people.agent_deactivate, "an agent who left").add_argument("address")
    staffing.agent_words(agent, command)


def _person(words: Words, ways: Ways) -> None:
    from cli.admin import people
    from cli.data import privacy

    person = group(words, "person", "people who write")
    privacy.person_words(person, command)
    people.vip_words(person, command)


def _token(words: Words, ways: Ways) -> None:
    from cli.admin import people

    token = group(words, "token", "tokens of the JSON API")
    add = command(token, "add", people.token_add, "a new token, shown once")
    add.add_argument("name")
    add.add_argument("--scope", action="append", choices=people.SCOPES)
    command(token, "list", people.token_list, "all tokens, without their secret")
    command(token, "revoke", people.token_revoke, "make a token void").add_argument("id", type=int)


def _doctor(words: Words, ways: Ways) -> None:
    from cli.diagnose import doctor

    command(words, "doctor", doctor.doctor, "look at everything that the desk depends on, and say what to do")


def _inbound_log(words: Words, ways: Ways) -> None:
    from cli.diagnose import inbound_log

    command(words, "ledger", inbound_log.ledger, "what was accepted, and how it ended")


def _quarantine(words: Words, ways: Ways) -> None:
    from cli.diagnose import inbound_log

    quarantine = group(words, "quarantine", TEXTS["quarantine"])
    listing = command(quarantine, "list", inbound_log.quarantine_list, "the newest ones")
    listing.add_argument("--most", type=int, default=200)
    command(quarantine, "show", inbound_log.quarantine_show, "one, with its bytes").add_argument("id", type=int)
    command(quarantine, "release", inbound_log.quarantine_release, "try one again").add_argument("id", type=int)


def _captured_mail(words: Words, ways: Ways) -> None:
    from cli.diagnose import captured_mail

    mail = command(words, "caught", captured_mail.caught, "outgoing mail that was caught because there is no relay")
    mail.add_argument("id", type=int, nargs="?", help="show this one whole")
    mail.add_argument("--kind", default="", help="only this kind: acknowledgement, notice, reply, command-answer")
    mail.add_argument("--reply-to", action="store_true", help="print only where the newest one wants its answer to go")


def _replay(words: Words, ways: Ways) -> None:
    again = command(words, "replay", ways.replay, "what would become of these mails? nothing is kept, nothing is sent")
    again.add_argument("source", help="an mbox, Maildir, folder of .eml files, or imaps://user@host/FOLDER")
    again.add_argument("--for-real", action="store_true", help="keep the tickets; still nothing is sent")
    again.add_argument("--verbose", action="store_true", help="a line for each mail")


def _ticket(words: Words, ways: Ways) -> None:
    from cli import ticket_parser

    ticket_parser.words(group(words, "ticket", "the tickets"), command)


def _incident(words: Words, ways: Ways) -> None:
    from cli.admin import incidents

    incidents.words(group(words, "incident", "many people with the same trouble at the same time"), command)


def _learning(words: Words, ways: Ways) -> None:
    from cli import learning_parser

    learning_parser.add(words, group, command, ways.train)


def _knowledge(words: Words, ways: Ways) -> None:
    from cli import knowledge_parser

    knowledge_parser.add(words, group, command)


def _sla(words: Words, ways: Ways) -> None:
    from cli.admin import sla

    sla.words(group(words, "sla", TEXTS["sla"]), command)


def _macro(words: Words, ways: Ways) -> None:
    from cli.admin import macros

    macros.words(group(words, "macro", TEXTS["macro"]), command)


def _route(words: Words, ways: Ways) -> None:
    from cli.admin import routing

    routing.words(group(words, "route", TEXTS["route"]), command)


def _privacy(words: Words, ways: Ways) -> None:
    from cli.data import privacy

    privacy.words(words, group, command)


def _configuration(words: Words, ways: Ways) -> None:
    from cli.data import apply

    apply.words(words, command)


def _backup(words: Words, ways: Ways) -> None:
    from cli.data import backup

    backup.words(words, command)


def _queue(words: Words, ways: Ways) -> None:
    from cli.diagnose import queue

    queue.words(group(words, "queue", TEXTS["queue"]), command)


def _report(words: Words, ways: Ways) -> None:
    from cli.admin import report

    report.words(words, command, ways.figures)


BUILDERS: Mapping[tuple[str, ...], Callable[[Words, Ways], None]] = {
    ("init",): _init,
    ("mailbox",): _mailbox,
    ("team",): _team,
    ("agent",): _agent,
    ("person",): _person,
    ("token",): _token,
    ("doctor",): _doctor,
    ("ledger",): _inbound_log,
    ("ticket",): _ticket,
    ("incident",): _incident,
    ("replay",): _replay,
    ("caught",): _captured_mail,
    ("quarantine",): _quarantine,
    ("classifier",): _learning,
    ("similar", "article", "csat"): _knowledge,
    ("sla",): _sla,
    ("macro",): _macro,
    ("route",): _route,
    ("audit", "retention"): _privacy,
    ("apply", "export-config"): _configuration,
    ("backup", "restore"): _backup,
    ("queue",): _queue,
    ("report",): _report,
}
"""Who builds the commands of which first words."""

TEXTS: Mapping[str, str] = {
    "init": "make or migrate the desk's tables, with a first team, mailbox and agent",
    "mailbox": "the addresses of the desk",
    "team": "the teams",
    "agent": "the agents",
    "person": "people who write",
    "token": "tokens of the JSON API",
    "doctor": "look at everything that the desk depends on, and say what to do",
    "ledger": "what was accepted, and how it ended",
    "ticket": "the tickets",
    "incident": "many people with the same trouble at the same time",
    "replay": "what would become of these mails? nothing is kept, nothing is sent",
    "caught": "outgoing mail that was caught because there is no relay",
    "quarantine": "what was set aside",
    "classifier": "the categoriser: how it is, training, reasons, undo",
    "similar": "the solved tickets that are most like this one, and their answers",
    "article": "what solved one ticket, written for the next",
    "csat": "how content requesters are",
    "sla": "what is due when, and why",
    "macro": "texts and actions that agents use again and again",
    "route": "who gets a ticket, and why",
    "audit": "who read what in private teams, who joined and left teams, whose role was changed",
    "retention": "how long words and raw mail are kept",
    "apply": "make the desk what a file says: teams, rules, clocks, macros, fields…",
    "export-config": "write the file that makes another desk work like this one",
    "backup": "save the whole desk, while it works: database, blobs, models, key",
    "restore": "make this desk what a backup holds; stop the desk first",
    "queue": "jobs that were given up",
    "report": "a period in figures, beside the period before",
}
"""The line of each in `frontdesk --help`; a test holds them to the commands themselves."""
