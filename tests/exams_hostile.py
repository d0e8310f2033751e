"""The hostile cases by a real desk's doors: each must end as its manifest says. The cases are not in this repository.

    python -m tests.exams_hostile FOLDER [--only ID,ID] [--all]

FOLDER has shown.tar.gz. Prints the cases that ended otherwise (`--all`: each of them), then a table of what it cost.
The exit status says whether all was well.
"""

from __future__ import annotations

import json
import logging
import math
import re
import sys
import tarfile
import tempfile
from collections import Counter
from collections.abc import Sequence
from contextlib import redirect_stdout
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

from desk.mail.states import END_STATES
from desk.tickets.ticket import Message, Ticket
from storage.access import api_tokens
from storage.mail import outbound
from storage.tickets import tickets
from tests.fixtures_hostile_desk import BOB, Done, HostileDesk, Neighbour, hostile_desk
from tests.servers.fleet import AGENT, store_time, wait_until
from tests.slack import payloads
from tests.slack.fake_slack import BOT_TOKEN, FakeSlack
from tests.slack.serving import SIGNING_SECRET, Poster

MEGABYTE = 1024 * 1024
MOST_CPU, MOST_MEMORY, MOST_WAIT = 2.0, 300 * MEGABYTE, 1.0
TAKEN = ("ticketed", "appended")
FORM_FIELDS = ("email", "subject", "body")
ROUNDS = 3
"""How often a caller repeats what must count once."""

_SCRIPT = re.compile(
    r"<(?:script|iframe|object|embed|form|svg|math|style|link|meta|base)\b|\son\w+\s*=|javascript:|vbscript:", re.I
)
_REMOTE = re.compile(r"<[^>]*\s(?:src|srcset|poster|background|data)\s*=\s*[\"']?(?!cid:|data:image/|[\"'>\s])", re.I)
_UNTAGGED = re.compile(r"&lt;.*?&gt;", re.S)
_SECRET = re.compile(r"CANARY-|\b4\d{3}[ -]?\d{4}[ -]?\d{4}[ -]?\d{4}\b")

_SLACK_IDS = {"T1": payloads.TEAM, "A1": payloads.APP, "D1": payloads.DM, "U1": "U0ANN"}

Row = dict[str, Any]


def main(words: Sequence[str]) -> int:
    options = dict(zip(words[1::2], words[2::2], strict=False)) if "--only" in words else {}
    only = set(filter(None, options.get("--only", "").split(",")))
    logging.disable(logging.CRITICAL)
    with tempfile.TemporaryDirectory(prefix="fd-hostile-") as place:
        folder = Path(place)
        with tarfile.open(Path(words[0]) / "shown.tar.gz") as archive:
            archive.extractall(folder / "cases", filter="data")
        rows = json.loads((folder / "cases" / "manifest.json").read_text())["rows"]
        rows = [row for row in rows if not only or row["id"] in only]
        return _examine(folder, rows, every="--all" in words)


def _examine(folder: Path, rows: list[Row], *, every: bool) -> int:
    with FakeSlack() as slack:
        slack_settings = {
            "FRONTDESK_SLACK_API_URL": slack.api_url,
            "FRONTDESK_SLACK_BOT_TOKEN": BOT_TOKEN,
            "FRONTDESK_SLACK_SIGNING_SECRET": SIGNING_SECRET,
        }
        with hostile_desk(folder, **slack_settings) as desk:
            neighbour = Neighbour(desk.fleet.port)
            neighbour.start()
            run = Run(desk, folder / "cases")
            done = {row["id"]: run.send(row) for row in rows}
            neighbour.stop()
            desk.settle(list(done.values()))
            wait_until(lambda: not _reacts(desk), "there are events without reaction", 60)
            wrong = {row["id"]: run.faults(row, done[row["id"]]) for row in rows}
            broken = _broken(desk, neighbour)
            return _report(rows, done, wrong, broken, desk, neighbour, every=every)


def _reacts(desk: HostileDesk) -> bool:
    with desk.store.database.reading() as session:
        return tickets.has_unreacted(session) or bool(outbound.totals(session).get("queued"))


class Run:
    """Sends cases and judges what became of them."""

    def __init__(self, desk: HostileDesk, cases: Path) -> None:
        self.desk, self.cases = desk, cases
        with desk.store.database.transaction() as session:
            self.token = api_tokens.create(session, "examination", ["inbound"], store_time())
            first = outbound.messages_of_ticket(session, 1)
        self.our_id = next(str(row["external_id"]) for row in first if row["kind"] == "acknowledgement")
        wait_until(self._pages_answer, "the pages do not answer", 30)

    def send(self, row: Row) -> Done:
        data = (self.cases / row["file"]).read_bytes()
        if row["kind"] == "smtp":
            done = self.desk.dialogue(data)
            again = self.desk.dialogue(data) if "duplicate" in row["must_not"] else Done()
            return Done(done.answer, done.rows + again.rows, max(done.cpu, again.cpu), done.seconds)
        if row["kind"] == "form":
            return self.desk.other(lambda: self._form(json.loads(data)))
        if row["kind"] == "slack":
            return self.desk.other(lambda: self._slack(json.loads(data)))
        if row["why"].startswith("our own Message-ID"):
            # The case names an id of the examiners' desk; ours are signed.
            data = re.sub(rb"(?m)^Message-ID: <[^>]*>", b"Message-ID: <" + self.our_id.encode() + b">", data)
        done = self.desk.mail(data, row["env_from"], row["rcpt"].split(","))
        if "twice" in row["why"]:
            again = self.desk.mail(data, row["env_from"], row["rcpt"].split(","))
            done.answer, done.cpu = again.answer, max(done.cpu, again.cpu)
        return done

    def faults(self, row: Row, done: Done) -> list[str]:
        """What is wrong about a case, in words."""
        found = [self._end(row, done)]
        kept = [kept for one in done.rows if (kept := self._kept(one))]
        wanted = [check for name, check in _CHECKS.items() if name in row["must_not"]]
        found += [check(self, row, done, kept) for check in (*wanted, *_ALWAYS)]
        found += ["an end state without a name" for one in done.rows if one["state"] not in END_STATES]
        return [fault for fault in found if fault]

    def _end(self, row: Row, done: Done) -> str:
        states = [one["state"] for one in done.rows if one["state"] != "duplicate-of"]
        refused = not done.rows and _refuses(done.answer)
        taken = bool(states) and all(state in (*TAKEN, "automatic", "command") for state in states)
        new = [one["ticket_id"] for one in done.rows if one["state"] == "ticketed"]
        well = {
            "ticket": bool(states) and all(state in TAKEN for state in states),
            "ticket_no_autoreply": taken,
            "ticket_or_reject": refused or taken or states == ["quarantined"] or states == ["refused"],
            "ticket_quarantined": states == ["quarantined"],
            "append": bool(states) and all(state == "appended" for state in states),
            "new_ticket_not_append": states == ["ticketed"] and not {1, 2} & set(new),
            "drop_or_note": not new,
            "reject": not done.rows,
        }.get(row["expect"])
        if well is None:
            return f"an end state that is not known here: {row['expect']}"
        return "" if well else f"wants {row['expect']}: {states or done.answer[-80:]}"

    def _kept(self, one: Row) -> tuple[Ticket, Message] | None:
        if one["state"] not in (*TAKEN, "automatic", "command") or not one["message_id"]:
            return None
        with self.desk.store.database.reading() as session:
            ticket = tickets.get(session, one["ticket_id"])
            message = tickets.message(session, one["message_id"])
        return (ticket, message) if ticket and message else None

    def _letters(self, one: Row) -> list[Row]:
        """What was sent because of this row to somebody else than agents."""
        if one["state"] != "ticketed":
            return []
        with self.desk.store.database.reading() as session:
            rows = outbound.messages_of_ticket(session, one["ticket_id"])
        return [row for row in rows if row["kind"] != "notice" and row["state"] != "suppressed"]

    def _form(self, typed: dict[str, Any]) -> str:
        """A visitor's form as a program hands it in. What is no field of ours is refused by name, so then without."""
        code = self._post("/api/v1/inbound", typed)
        if code == 422 and set(typed) - set(FORM_FIELDS):
            code = self._post("/api/v1/inbound", {name: typed[name] for name in FORM_FIELDS})
        return str(code)

    def _post(self, path: str, body: Any) -> int:
        link = HTTPConnection("127.0.0.1", self.desk.fleet.http_port, timeout=20)
        kind = {"Content-Type": "application/json", "Authorization": f"Bearer {self.token}"}
        link.request("POST", path, json.dumps(body), kind)
        return link.getresponse().status

    def _slack(self, event: dict[str, Any]) -> str:
        """The same event from the team that this desk belongs to; another team's is refused before it is read."""
        text = json.dumps(event)
        for theirs, ours in _SLACK_IDS.items():
            text = text.replace(f'"{theirs}"', f'"{ours}"')
        event = json.loads(text)
        with redirect_stdout(sys.stderr):
            return str(Poster(self.desk.fleet.http_port).delivered(event, retries=ROUNDS)[-1])

    def _pages_answer(self) -> bool:
        try:
            link = HTTPConnection("127.0.0.1", self.desk.fleet.http_port, timeout=5)
            link.request("GET", "/livez")
            return link.getresponse().status == 200
        except OSError:
            return False


Kept = list[tuple[Ticket, Message]]


def _refuses(answer: str) -> bool:
    return re.search(r"(?:^|\| )[45]\d\d ", answer + " ") is not None


def _crash(run: Run, row: Row, done: Done, kept: Kept) -> str:
    died = [one["reason"] for one in done.rows if "parser died" in (one["reason"] or "")]
    return f"crash: {died}" if died or done.answer.startswith("500") else ""


def _lost(run: Run, row: Row, done: Done, kept: Kept) -> str:
    accepted = done.answer.startswith("250")
    return "lost: accepted, and no row" if accepted and not done.rows and "duplicate" not in row["must_not"] else ""


def _slow(run: Run, row: Row, done: Done, kept: Kept) -> str:
    return f"{done.cpu:.1f} s of processor time" if done.cpu > MOST_CPU else ""


def _acted(run: Run, row: Row, done: Done, kept: Kept) -> str:
    """Nothing of the mail counts as an agent's."""
    for ticket, message in kept:
        by_agent = message.author.kind == "agent" and not message.trust.unverified
        with run.desk.store.database.reading() as session:
            events = tickets.history(session, ticket.id)
        deeds = [e.kind for e in events if e.actor.kind == "agent" and e.message_id in (None, message.id)]
        if deeds or (by_agent and message.kind.value == "reply" and message.author_address in (AGENT, BOB)):
            return f"an agent's deed: {deeds or message.author}"
    return ""


def _answered(run: Run, row: Row, done: Done, kept: Kept) -> str:
    """No letter, but for the one that says to a sender who wants a ticket that there is one."""
    letters = [letter for one in done.rows for letter in run._letters(one)]
    proper = row["expect"] in ("ticket", "ticket_or_reject") and len(letters) <= 1
    strangers = [letter for letter in letters if letter["recipient"] != (row.get("env_from") or letter["recipient"])]
    if strangers or (letters and not proper):
        return f"answered: {[(letter['kind'], letter['recipient']) for letter in letters][:3]}"
    return ""


def _foreign(run: Run, row: Row, done: Done, kept: Kept) -> str:
    return "appended to another's ticket" if any(ticket.id in (1, 2) for ticket, _ in kept) else ""


def _scripted(run: Run, row: Row, done: Done, kept: Kept) -> str:
    found = [match[0] for _, message in kept if (match := _SCRIPT.search(_UNTAGGED.sub("", message.html)))]
    return f"script: {found}" if found else ""


def _fetches(run: Run, row: Row, done: Done, kept: Kept) -> str:
    found = [match[0][:60] for _, message in kept if (match := _REMOTE.search(message.html))]
    return f"would fetch: {found}" if found else ""


def _escapes(run: Run, row: Row, done: Done, kept: Kept) -> str:
    names = [item.name for _, message in kept for item in message.attachments]
    bad = [name for name in names if not name or re.search(r"[/\\\x00-\x1f]|^\.", name)]
    return f"file names {bad}" if bad else ""


def _injected(run: Run, row: Row, done: Done, kept: Kept) -> str:
    """No letter about it has a header or a recipient of the sender's making."""
    for one in done.rows:
        for letter in run._letters(one):
            with run.desk.store.database.reading() as session:
                raw = run.desk.store.blobs.get(session, str(letter["raw"])) or b""
            head = raw.partition(b"\r\n\r\n")[0]
            if re.search(rb"(?mi)^(?:bcc|x-injected|x-evil)\s*:", head) or b"\r" in head.replace(b"\r\n", b""):
                return "a header of the sender's making"
    return ""


def _status(run: Run, row: Row, done: Done, kept: Kept) -> str:
    return "status changed" if any(ticket.status.value not in ("new", "open") for ticket, _ in kept) else ""


def _doubled(run: Run, row: Row, done: Done, kept: Kept) -> str:
    return "more than one" if sum(one["state"] in TAKEN for one in done.rows) > 1 else ""


def _smuggled(run: Run, row: Row, done: Done, kept: Kept) -> str:
    seen = [message.subject for _, message in kept if message.subject.startswith("SMUGGLED")]
    return f"smuggled: {seen}" if seen or (row["kind"] == "smtp" and len(done.rows) > 1 and not _once(done)) else ""


def _once(done: Done) -> bool:
    return sum(one["state"] in TAKEN for one in done.rows) <= 1


_CHECKS = {
    "crash": _crash,
    "lost": _lost,
    "over_2s": _slow,
    "agent_action": _acted,
    "autoreply": _answered,
    "append_foreign": _foreign,
    "script": _scripted,
    "remote_fetch": _fetches,
    "path_escape": _escapes,
    "header_injected": _injected,
    "status_change": _status,
    "duplicate": _doubled,
}
_ALWAYS = (_smuggled,)


def _broken(desk: HostileDesk, neighbour: Neighbour) -> list[str]:
    """What is wrong with the desk as a whole after all of it."""
    found = [f"{name} ended" for name, process in desk.fleet.processes.items() if process.poll() is not None]
    log = desk.logs()
    found += [f"the log says {match[0]!r}" for match in [_SECRET.search(log)] if match]
    found += [f"a traceback in the log: {log[at:][:3000]}"] if (at := log.find("Traceback")) >= 0 else []
    found += [f"{neighbour.failed} ordinary mails were not taken"] if neighbour.failed else []
    if desk.watch.largest > MOST_MEMORY:
        found.append(f"a sandbox child took {desk.watch.largest // MEGABYTE} MB")
    if _p95(neighbour.seconds) > MOST_WAIT:
        found.append(f"ordinary mail waited {_p95(neighbour.seconds):.2f} s (p95)")
    return found


def _p95(seconds: Sequence[float]) -> float:
    return sorted(seconds)[math.ceil(len(seconds) * 0.95) - 1] if seconds else 0.0


def _report(
    rows: list[Row],
    done: dict[str, Done],
    wrong: dict[str, list[str]],
    broken: list[str],
    desk: HostileDesk,
    neighbour: Neighbour,
    *,
    every: bool,
) -> int:
    for row in rows:
        if every or wrong[row["id"]]:
            _tell_case(row, done[row["id"]], wrong[row["id"]])
    _tell_kinds(rows, {name for name, faults in wrong.items() if faults})
    _tell_cost({name: one.cpu for name, one in done.items()}, desk.watch.largest, neighbour.seconds)
    ends = Counter(found["state"] for one in done.values() for found in one.rows)
    _say(f"end states: {dict(ends)}")
    for line in broken:
        _say(f"BROKEN: {line}")
    return int(bool(broken or any(wrong.values())))


def _tell_case(row: Row, one: Done, faults: list[str]) -> None:
    ended = ",".join(str(found["state"]) for found in one.rows) or one.answer[-40:]
    _say(f"{row['id']:6} {ended:24} {one.cpu:5.2f} s  {row['why'][:60]:60}  {'; '.join(faults)}")


def _tell_kinds(rows: list[Row], wrong: set[str]) -> None:
    _say(f"{'hostile cases':20} {'sent':>5} {'as the manifest says':>21}")
    kinds = [*dict.fromkeys(row["category"] for row in rows), "all"]
    for kind in kinds:
        sent = [row["id"] for row in rows if kind in (row["category"], "all")]
        _say(f"{kind:20} {len(sent):5} {len(set(sent) - wrong):21}")


def _tell_cost(cpu: dict[str, float], largest: int, waits: Sequence[float]) -> None:
    worst, over = max(cpu, key=lambda name: cpu[name]), sum(seconds > MOST_CPU for seconds in cpu.values())
    _say(f"processor time in the sandbox: most {cpu[worst]:.2f} s ({worst}), over {MOST_CPU:g} s: {over}")
    _say(f"largest sandbox child: {largest / MEGABYTE:.0f} MB")
    p95, most = _p95(waits) * 1000, max(waits, default=0.0) * 1000
    _say(f"ordinary mail meanwhile: {len(waits)} mails, p95 {p95:.0f} ms, most {most:.0f} ms")


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
