"""Makes a desk as an earlier release makes it, by real use, and packs its data folder; run with that release's code.

    git archive RELEASE | tar x -C CODE
    cd CODE && PYTHONPATH=CODE python …/tests/data/desks/make.py sqlite RELEASE-sqlite.tar.gz
    cd CODE && PYTHONPATH=CODE python …/tests/data/desks/make.py postgresql RELEASE-postgresql.tar.gz

It uses what every release has in its tests (`tests.running`, `tests.postgres`): mail by SMTP, the form, the console's
forms, the API, `apply` and the commands. What a release cannot do yet is left out.
"""

from __future__ import annotations

import json
import re
import smtplib
import sqlite3
import subprocess
import sys
import tarfile
import tempfile
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from email.message import EmailMessage
from http.cookiejar import CookieJar
from pathlib import Path
from typing import Any

from tests.running import Desk, frontdesk, running_desk, wait_for

from tests import postgres

CAROL, DAVE, SUPPORT = "carol@customer.example.test", "dave@other.example.test", "support@desk.example.test"
CONFIGURATION = """
[[calendar]]
name = "Office"
time_zone = "Europe/Berlin"
slots = [{ days = "mon-fri", from = "09:00", to = "17:00" }]
[[agent]]
address = "lea@corp.example.test"
name = "Lea Lead"
role = "lead"
skills = ["German"]
[[agent]]
address = "tom@corp.example.test"
name = "Tom"
[[team]]
name = "Billing"
members = ["lea@corp.example.test", "tom@corp.example.test"]
strategy = "round-robin"
calendar = "Office"
[[team]]
name = "HR"
private = true
members = ["lea@corp.example.test"]
[[organisation]]
name = "Customer Ltd"
domains = ["customer.example.test"]
plan = "gold"
[[category]]
name = "Printers"
words = "printer toner paper"
[[field]]
name = "order"
label = "Order number"
kind = "text"
[[keyword_rule]]
name = "Toner"
category = "Printers"
any = ["toner"]
[[route]]
name = "Money"
conditions = [{ field = "subject", contains = "invoice" }]
actions = { team = "Billing" }
[[sla]]
name = "Gold"
conditions = [{ field = "plan", is = "gold" }]
targets = { first_response = { medium = "4h", high = "1h" }, resolution = { medium = "72h" } }
calendar = "Office"
[[automation]]
name = "Tag printers"
when = { event = "opened" }
conditions = [{ field = "subject", contains = "printer" }]
actions = [{ tag = "hardware" }]
active = true
[[macro]]
name = "Thanks"
text = "Dear {requester.first_name}, thank you."
actions = [{ tag = "thanked" }]
[[macro]]
name = "Refund"
text = "The money is on its way."
team = "Billing"
"""
ONCE = "[lifecycle]\nremind_days = 3\nresolve_days = 7\n[aftercare]\nask_rating = true\n"


class Browser:
    """The admin's browser: signs in, fills in forms."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(CookieJar()))
        address = desk.run("agent", "list")[0]["address"]
        self.post("login", {"csrf": self.field("login", "csrf"), "address": address, "password": desk.password})

    def get(self, path: str) -> str:
        with self.opener.open(self.desk.http + path, timeout=30) as answer:
            return str(answer.read().decode())

    def field(self, path: str, name: str) -> str:
        value = re.search(rf'name="{name}" value="([^"]*)"', self.get(path))
        assert value is not None, (path, name)
        return value[1]

    def post(self, path: str, fields: Mapping[str, str]) -> None:
        data = urllib.parse.urlencode(fields).encode()
        try:
            self.opener.open(self.desk.http + path, data, timeout=30).close()
        except urllib.error.HTTPError as error:
            words = re.sub(r"<[^>]+>|\s+", " ", error.read().decode())
            sys.stdout.write(f"{path} {error.code} {words[:300]}\n")

    def on_ticket(self, number: int, verb: str, **fields: str) -> None:
        page = f"tickets/{number}"
        hidden = {name: self.field(page, name) for name in ("csrf", "version", "seen")}
        self.post(f"{page}/{verb}", hidden | fields)


def mail(subject: str, text: str, sender: str = CAROL, attachment: bytes = b"") -> EmailMessage:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = f"Carol Example <{sender}>", SUPPORT, subject
    message["Message-ID"] = f"<{abs(hash(subject))}@mail.example.test>"
    message.set_content(text)
    if attachment:
        message.add_attachment(attachment, maintype="image", subtype="png", filename="screen.png")
    return message


def send(desk: Desk, message: EmailMessage, sender: str = CAROL, to: str = SUPPORT) -> None:
    with smtplib.SMTP(*desk.smtp, timeout=30) as smtp:
        smtp.sendmail(sender, [to], message.as_bytes())


def ticket(desk: Desk, subject: str) -> int:
    """The number of the ticket with this subject, once it is there."""
    rows = wait_for(lambda: [row for row in desk.run("ticket", "list") if row["subject"] == subject], 60)
    return int(rows[0]["id"])


def attempt(desk: Desk, *words: str) -> Any:
    """A command that this release may not have."""
    done = frontdesk(*words, "--json", environ=desk.environ)
    if done.returncode:
        sys.stdout.write(f"{words}: {done.stderr.strip()[:300]}\n")
    return json.loads(done.stdout) if done.returncode == 0 and done.stdout.strip() else None


def use(desk: Desk) -> None:
    """A few days in the life of a desk, in half a minute."""
    toml = desk.folder.parent / "desk.toml"
    for text in (CONFIGURATION, ONCE):
        toml.write_text(text)
        attempt(desk, "apply", str(toml))
    mails_and_requests(desk)
    first, invoice = ticket(desk, "The printer eats paper"), ticket(desk, "Your invoice 4711 is wrong")
    cannot, salary = ticket(desk, "I cannot sign in"), ticket(desk, "Salary of October")
    browser = Browser(desk)
    browser.on_ticket(first, "take")
    browser.on_ticket(first, "reply", kind="note", text="Called the caretaker. @lea please look.")
    browser.on_ticket(first, "reply", kind="reply", text="Have you turned it off and on again?")
    answer(desk, first)
    browser.on_ticket(invoice, "reply", kind="reply", text="The money is on its way.", later="tomorrow")
    browser.on_ticket(invoice, "watch", watch="1")
    browser.post(
        f"tickets/{cannot}/draft",
        {"csrf": browser.field(f"tickets/{cannot}", "csrf"), "kind": "reply", "text": "Half a word"},
    )
    side(browser, invoice)
    settle(desk, browser, first, cannot, salary)


def mails_and_requests(desk: Desk) -> None:
    send(desk, mail("The printer eats paper", "Dear all,\n\nthe toner is everywhere.\n", attachment=b"\x89PNG" * 500))
    send(desk, mail("Your invoice 4711 is wrong", "I paid twice.\n", DAVE), DAVE)
    send(desk, mail("I cannot sign in", "The password is refused since this morning.\n"))
    send(desk, mail("Salary of October", "It is not there.\n", DAVE), DAVE)
    send(desk, mail("Still broken", "Nobody answers.\n", DAVE), DAVE)
    odd = b"From: x@y.example.test\r\nSubject: odd\r\nContent-Type: multipart/mixed; boundary=a\r\n\r\n--a\r\n\xff\xfe"
    with smtplib.SMTP(*desk.smtp, timeout=30) as smtp:
        smtp.sendmail("x@y.example.test", [SUPPORT], odd)
    form = {"email": "erin@third.example.test", "name": "Erin", "subject": "By the form", "body": "A question."}
    page = urllib.request.urlopen(desk.http + "request", timeout=30).read().decode()
    hidden = dict(re.findall(r'type="hidden" name="([^"]+)" value="([^"]*)"', page))
    urllib.request.urlopen(desk.http + "request", urllib.parse.urlencode(hidden | form).encode(), timeout=30).close()


def answer(desk: Desk, number: int) -> None:
    """The requester answers the agent's mail by its Reply-To."""

    def asked() -> list[str]:
        numbers = [str(row["id"]) for row in desk.run("caught")]
        raws = [frontdesk("caught", number, environ=desk.environ).stdout for number in numbers[:6]]
        pattern = r"support\+[^@\s>]+@desk\.example\.test"
        return [match for raw in raws if "turned it off" in raw for match in re.findall(pattern, raw)]

    to = wait_for(asked, 60)[0]
    reply = mail("Re: The printer eats paper", "Yes, and it still eats.\n\n> Have you turned it off and on again?\n")
    send(desk, reply, to=to)
    wait_for(lambda: "still eats" in json.dumps(desk.run("ticket", "show", str(number))), 60)


def side(browser: Browser, number: int) -> None:
    csrf = browser.field(f"tickets/{number}", "csrf")
    words = {"to": "bank@third.example.test", "subject": "Two payments", "words": "Can you see both?", "hold": "1"}
    browser.post(f"tickets/{number}/aside/begin", {"csrf": csrf} | words)


def settle(desk: Desk, browser: Browser, first: int, cannot: int, salary: int) -> None:
    attempt(desk, "ticket", "set", str(salary), "--team", "HR", "--assign", "lea@corp.example.test")
    attempt(desk, "ticket", "set", str(cannot), "--status", "resolved", "--priority", "high", "--tag", "vip")
    attempt(desk, "ticket", "field", str(first), "order", "4711")
    attempt(desk, "ticket", "link", str(first), "relates", str(cannot))
    attempt(desk, "ticket", "merge", str(ticket(desk, "Still broken")), str(first))
    attempt(desk, "ticket", "snooze", str(ticket(desk, "By the form")), "2026-12-30")
    browser.on_ticket(first, "resolution", resolution="The paper was wet. Dry paper helps.")
    browser.on_ticket(first, "reply", kind="reply", text="The paper was wet; use dry paper.", then="resolved")
    attempt(desk, "article", "draft", str(first))
    attempt(desk, "article", "publish", "1")
    attempt(desk, "token", "add", "shop", "--scope", "inbound")
    wait_for(lambda: desk.run("ledger")["unsettled"] == 0, 60)


def counted(database: str) -> bool:
    """Whether the figures of reports are there for every ticket."""
    import sqlalchemy as sa

    engine = sa.create_engine(database)
    with engine.connect() as connection:
        tickets = connection.exec_driver_sql("SELECT count(*) FROM tickets").scalar_one()
        facts = connection.exec_driver_sql("SELECT count(*) FROM ticket_facts").scalar_one()
    engine.dispose()
    return bool(facts >= tickets - 1)


@contextmanager
def database_of(kind: str, folder: Path) -> Iterator[tuple[str, dict[str, str]]]:
    """A SQLAlchemy URL, and what the desk must be told."""
    if kind == "sqlite":
        yield f"sqlite:///{folder / 'frontdesk.sqlite3'}", {}
        return
    with postgres.running() as server:
        server.execute("CREATE DATABASE desk")
        url = server.url("desk")
        yield url.replace("postgresql://", "postgresql+psycopg://"), {"database_url": url}
        dump = ["pg_dump", "--no-owner", "--no-privileges", "--file", str(folder / "desk.sql"), url]
        subprocess.run(dump, check=True)


def pack(folder: Path, target: Path) -> None:
    database = folder / "frontdesk.sqlite3"
    if database.exists():
        connection = sqlite3.connect(database)
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        connection.execute("VACUUM")
        connection.close()
    kept = [folder / name for name in ("frontdesk.sqlite3", "desk.sql", "secret.key", "blobs")]
    with tarfile.open(target, "w:gz") as tar:
        for path in kept:
            if path.exists():
                tar.add(path, path.name)


def main(kind: str, target: Path) -> None:
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place) / "data"
        folder.mkdir(mode=0o700)
        with database_of(kind, folder) as (database, settings):
            settings |= {"mail_domain": "desk.example.test", "undo_send_seconds": "0"}
            run(folder, settings, database)
        pack(folder, target)


def run(folder: Path, settings: dict[str, str], database: str) -> None:
    with running_desk(folder, **settings) as desk:
        use(desk)
        wait_for(lambda: counted(database), 90)


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]).absolute())
