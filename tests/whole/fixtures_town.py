"""Everything around a desk: a Postfix that carries mail, and a Dovecot in which requester and agent read theirs.

Mail is handed in with swaks and read by IMAP, so a test sees what people really get. CORP_PEER is the machine from
which an agent's mail is vouched for; from any other it is a forgery.
"""

from __future__ import annotations

import itertools
import subprocess
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage

from storage.people import people
from tests.components import need
from tests.servers import dovecot, postfix
from tests.servers.dovecot import PASSWORD, Dovecot
from tests.servers.fleet import AGENT, SUPPORT, Fleet, wait_until
from tests.servers.postfix import AUTHSERV_ID, CORP_PEER, Postfix
from tests.small_desk import words

CAROL = "carol@home.example.test"
GONE, REFUSED = "gone@home.example.test", "refused@home.example.test"
HOME_PEER = "127.0.0.1"
_numbers = itertools.count(1)


@dataclass
class Town:
    """`read` counts the mails that each person has already taken out of the mailbox."""

    postfix: Postfix
    dovecot: Dovecot
    read: Counter[str] = field(default_factory=Counter)

    def post(self, mail: EmailMessage, sender: str, to: str, peer: str) -> EmailMessage:
        """Hand a mail in with swaks from that machine; returns it as it was sent."""
        server = f"127.0.0.1:{self.postfix.port}"
        command = [need("swaks"), "--server", server, "--local-interface", peer, "--from", sender, "--to", to]
        sent = subprocess.run([*command, "--data", "-"], input=mail.as_bytes(), capture_output=True, timeout=60)
        assert sent.returncode == 0, sent.stdout.decode()
        return mail

    def mails(self, person: str) -> list[EmailMessage]:
        """All that is in the person's mailbox, oldest first."""
        with self.dovecot.client(person) as client:
            client.select_folder("INBOX", readonly=True)
            answers = client.fetch(client.search("ALL"), ["BODY.PEEK[]"])
        raws = [answers[uid][b"BODY[]"] for uid in sorted(answers)]
        return [message_from_bytes(raw, policy=policy.default) for raw in raws]

    def next_mail(self, person: str, seconds: float = 30) -> EmailMessage:
        """The oldest mail that this person has not taken yet; waits for it."""
        position = self.read[person]
        wait_until(lambda: len(self.dovecot.contents(person)) > position, f"{person} got no mail", seconds)
        self.read[person] += 1
        return self.mails(person)[position]

    def unread(self, person: str) -> int:
        return len(self.dovecot.contents(person)) - self.read[person]


@contextmanager
def around(fleet: Fleet, desk_transport: str = "") -> Iterator[Town]:
    """A town whose mail for the desk goes to `desk_transport`, by default into Dovecot's mailbox "support"; the desk's
    own mail goes out through its Postfix."""
    with dovecot.running(users=dict.fromkeys(("carol", "alice", "support"), PASSWORD)) as mailboxes:
        at_home = f"lmtp:inet:127.0.0.1:{mailboxes.lmtp_port}"
        ways = {"home.example.test": at_home, "corp.example.test": at_home}
        ways["desk.example.test"] = desk_transport or at_home
        with postfix.running(ways, refused=(REFUSED,), gone=(GONE,)) as server:
            fleet.environment |= {
                "FRONTDESK_RELAY_URL": f"smtp://127.0.0.1:{server.port}",
                "FRONTDESK_AUTHSERV_ID": AUTHSERV_ID,
                "FRONTDESK_TRUSTED_RELAYS": "127.0.0.1",
            }
            yield Town(server, mailboxes)


def fetch_from(fleet: Fleet, mailboxes: Dovecot, poll_seconds: int = 60) -> None:
    """From now on the desk also fetches its mail from Dovecot's mailbox "support"."""
    fleet.environment["THE_IMAP_PASSWORD"] = PASSWORD
    imap = {"host": "127.0.0.1", "port": mailboxes.imap_port, "tls": "none", "user": "support"}
    imap |= {"password_env": "THE_IMAP_PASSWORD", "poll_seconds": poll_seconds, "guarded": False}
    with fleet.store.database.transaction() as session:
        team = people.all_teams(session)[0]
        people.add_mailbox(session, SUPPORT, "Support", team.id, imap)


def mail(sender: str, to: str, subject: str, text: str, headers: Mapping[str, str] | None = None) -> EmailMessage:
    """A mail as a mail program writes it, with an id of its own."""
    made = EmailMessage(policy=policy.SMTP)
    made["From"], made["To"], made["Subject"] = sender, to, subject
    made["Message-ID"] = f"<{next(_numbers)}.{id(made)}@mail.{sender.rpartition('@')[2].rstrip('>')}>"
    for name, value in (headers or {}).items():
        made[name] = value
    made.set_content(text)
    return made


def answer(to: EmailMessage, sender: str, text: str, headers: Mapping[str, str] | None = None) -> EmailMessage:
    """What a mail program makes of "reply": to the Reply-To, in the thread, with the other mail quoted below."""
    quoted = "\n".join(f"> {line}" for line in words(to).splitlines())
    whole = f"{text}\n\nOn Mon, 2 Nov 2026 at 09:00, {to['From'].addresses[0].display_name} wrote:\n{quoted}\n"
    chain = f"{to['References'] or ''} {to['Message-ID']}".strip()
    thread = {"In-Reply-To": to["Message-ID"], "References": chain}
    return mail(
        sender,
        str((to["Reply-To"] or to["From"]).addresses[0].addr_spec),
        to["Subject"],
        whole,
        {**thread, **(headers or {})},
    )


def requester_writes(town: Town, subject: str, text: str, sender: str = CAROL) -> EmailMessage:
    return town.post(mail(f"Carol Example <{sender}>", SUPPORT, subject, text), sender, SUPPORT, HOME_PEER)


def agent_answers(town: Town, notice: EmailMessage, text: str, peer: str = CORP_PEER) -> EmailMessage:
    """An agent's mail to the notice's own Reply-To; from another machine than CORP_PEER it is a forgery."""
    made = answer(notice, f"Alice Agent <{AGENT}>", text)
    return town.post(made, AGENT, str(made["To"]), peer)
