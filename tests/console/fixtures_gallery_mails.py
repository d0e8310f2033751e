"""The mails of the gallery: what requesters' programs and machines really send, each on a ticket of its own."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable
from email.message import EmailMessage
from email.policy import SMTP

from tests.small_desk import ALICE, SUPPORT, SmallDesk
from tests.workers.mail_programs import reply

Scene = Callable[[SmallDesk], None]


def _mail(sender: str, subject: str, text: str, html: str = "", **headers: str) -> EmailMessage:
    mail = EmailMessage(policy=SMTP)
    mail["From"], mail["To"], mail["Subject"] = sender, headers.pop("to", SUPPORT), subject
    mail["Message-ID"] = f"<{abs(hash((sender, subject, text)))}@home.example.test>"
    for name, value in headers.items():
        mail[name.replace("_", "-")] = value
    mail.set_content(text)
    if html:
        mail.add_alternative(html, subtype="html")
    return mail


def _receive(desk: SmallDesk, mail: EmailMessage) -> None:
    desk.later(minutes=17)
    sender = mail["From"].addresses[0].addr_spec
    desk.receive(desk.raw_mail(mail.as_bytes(), sender, [mail["To"].addresses[0].addr_spec]))


def _answer(desk: SmallDesk, text: str) -> EmailMessage:
    """The agent's answer on the newest ticket, as the requester's program has it."""
    desk.later(minutes=9)
    number = desk.tickets()[-1].id
    desk.receive(desk.mail(f"Alice Agent <{ALICE}>", "Re", text, to=desk.notice_address(desk.alice, number)))
    return desk.sent("reply")[-1]


def programs(desk: SmallDesk) -> None:
    bob = "Bob Miller <bob@home.example.test>"
    _receive(
        desk,
        _mail(bob, "Both printers on the second floor", "Hello,\n\nboth printers are offline since Monday.\n\nBob"),
    )
    first = _answer(
        desk, "Hello Bob,\n\nplease switch them off and on again: hold the green button for ten seconds.\n\nAlice"
    )
    _receive(
        desk,
        reply(first, "gmail", "That helped with the left one, thank you!\n\nThe right one stays dark.", "both", bob),
    )
    second = _answer(
        desk, "Then it is the power supply. A new one is on its way to you: https://track.example.test/4711"
    )
    _receive(desk, reply(second, "outlook", "It arrived and works.\n\nCan I throw the old one away?", "both", bob))
    third = _answer(desk, "Please put it into the box for electronics.")
    _receive(desk, reply(third, "apple", "Done. Thanks a lot!", "both", bob))


def german(desk: SmallDesk) -> None:
    jo = "Jörg Weiß <joerg@firma.example.test>"
    text = (
        "Guten Tag,\n\nauf der Rechnung 2026-118 fehlt die Umsatzsteuer-ID. Könnten Sie uns bitte eine\nkorrigierte "
        "Fassung schicken? Die Zahlung über 1.240,00 € geht dann noch heute raus.\n\n"
        "Mit freundlichen Grüßen\nJörg Weiß\n\n"
        "-- \nFirma GmbH & Co. KG · Königsallee 1 · 40212 Düsseldorf\nTel. +49 211 5550100"
    )
    _receive(desk, _mail(jo, "AW: Rechnung 2026-118 – USt-IdNr. fehlt", text))
    sent = _answer(desk, "Guten Tag Herr Weiß,\n\ndie korrigierte Rechnung liegt bei.\n\nViele Grüße\nAlice")
    quoted = "Am 02.11.2026 um 10:12 schrieb Alice Agent (Frontdesk):\n> die korrigierte Rechnung liegt bei.\n"
    mail = _mail(jo, "AW: Rechnung 2026-118 – USt-IdNr. fehlt", f"Vielen Dank, ist angekommen!\n\n{quoted}")
    mail["In-Reply-To"] = sent["Message-ID"]
    _receive(desk, mail)


def japanese(desk: SmallDesk) -> None:
    who = "山田 太郎 <yamada@jp.example.test>"
    text = (
        "サポートご担当者様\n\nいつもお世話になっております。山田です。\n\n本日の午後から、社内ネットワークに接続できなくなりました。\n"
        "再起動しても改善しません。ご確認いただけますでしょうか。\n\nよろしくお願いいたします。\n\n山田 太郎"
    )
    _receive(desk, _mail(who, "ネットワークに接続できません", text))
    sent = _answer(desk, "山田様\n\nルーターを交換いたしました。もう一度お試しください。\n\nアリス")
    mail = _mail(
        who,
        "Re: ネットワークに接続できません",
        "接続できました。\nありがとうございました。\n\n"
        "2026年11月2日(月) 10:12 Alice Agent <support@desk.example.test>:\n> ルーターを交換いたしました。\n",
    )
    mail["In-Reply-To"] = sent["Message-ID"]
    _receive(desk, mail)


def arabic(desk: SmallDesk) -> None:
    who = "ليلى حداد <layla@ar.example.test>"
    text = (
        "مرحبا،\n\nلا أستطيع تسجيل الدخول إلى حسابي منذ يوم أمس. تظهر لي الرسالة Error 403 في متصفح Firefox 140.\n"
        "رقم حسابي هو 4711-AB.\n\nهل يمكنكم مساعدتي؟\n\nمع التحية\nليلى"
    )
    _receive(
        desk,
        _mail(who, "مشكلة في تسجيل الدخول (Error 403)", text, f'<div dir="rtl">{text.replace(chr(10), "<br>")}</div>'),
    )
    sent = _answer(
        desk, "مرحبا ليلى،\n\nتم إصلاح المشكلة. حاولي مرة أخرى من فضلك: https://desk.example.test/login\n\nAlice"
    )
    _receive(desk, reply(sent, "gmail", "شكرا جزيلا، يعمل الآن!", "both", who))


def invitation(desk: SmallDesk) -> None:
    mail = _mail("Carol Jones <carol@home.example.test>", "Invitation: Review of the outage", "")
    event = (
        "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nMETHOD:REQUEST\r\nBEGIN:VEVENT\r\nUID:1@home.example.test\r\n"
        "DTSTART;TZID=Europe/Berlin:20261105T140000\r\nDTEND;TZID=Europe/Berlin:20261105T144500\r\n"
        "SUMMARY:Review of the outage\r\nLOCATION:Room 4\\, second floor\r\nRRULE:FREQ=WEEKLY;COUNT=3\r\n"
        "ORGANIZER;CN=Carol Jones:mailto:carol@home.example.test\r\n"
        "ATTENDEE;CN=Support;PARTSTAT=NEEDS-ACTION:mailto:support@desk.example.test\r\n"
        "ATTENDEE;CN=Dan Smith;PARTSTAT=ACCEPTED:mailto:dan@home.example.test\r\n"
        "DESCRIPTION:What happened on Monday\\, and what we change.\\nPlease bring the log.\r\n"
        "END:VEVENT\r\nEND:VCALENDAR\r\n"
    )
    mail.add_alternative(event, subtype="calendar", params={"method": "REQUEST"})
    _receive(desk, mail)


def inline_image(desk: SmallDesk) -> None:
    html = (
        "<p>Hello,</p><p>this is what I see since this morning:</p>"
        '<p><img src="cid:shot@1" alt="the error" width="420"></p>'
        '<p>The page is <a href="https://other.example.test/login?x=1">https://shop.example.test</a>. '
        "What should I do?</p><p>Carol</p>"
    )
    mail = _mail(
        "Carol Jones <carol@home.example.test>",
        "Error on the shop page",
        "Hello,\n\nthis is what I see:\n\n[image: shot.png]\n\nCarol",
        html,
    )
    (_, part) = mail.iter_parts()
    part.add_related(
        _picture(), maintype="image", subtype="png", cid="<shot@1>", filename="shot.png", disposition="inline"
    )
    _receive(desk, mail)


def bounce(desk: SmallDesk) -> None:
    gone = "Gone Person <gone@old.example.test>"
    _receive(
        desk,
        _mail(gone, "Please close my account", "I leave the company on Friday, please close my account.\n\nRegards"),
    )
    sent = _answer(desk, "We closed it. Thank you for the time with us.")
    boundary = "==dsn"
    body = (
        f"--{boundary}\r\nContent-Type: text/plain\r\n\r\nThis is the mail system at host mx.old.example.test.\r\n\r\n"
        "I'm sorry to have to inform you that your message could not\r\nbe delivered to one or more recipients.\r\n\r\n"
        "<gone@old.example.test>: 550 5.1.1 user unknown\r\n\r\n"
        f"--{boundary}\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx.old.example.test\r\n\r\n"
        "Final-Recipient: rfc822; gone@old.example.test\r\nAction: failed\r\nStatus: 5.1.1\r\n"
        "Diagnostic-Code: smtp; 550 5.1.1 user unknown\r\n\r\n"
        f"--{boundary}\r\nContent-Type: message/rfc822\r\n\r\nMessage-ID: {sent['Message-ID']}\r\nFrom: {SUPPORT}\r\n"
        f"To: gone@old.example.test\r\nSubject: Re: Please close my account\r\n\r\nWe closed it.\r\n--{boundary}--\r\n"
    )
    raw = (
        f"From: MAILER-DAEMON@mx.old.example.test\r\nTo: {SUPPORT}\r\nSubject: Undelivered Mail Returned to Sender\r\n"
        "Message-ID: <dsn@mx.old.example.test>\r\nAuto-Submitted: auto-replied\r\nMIME-Version: 1.0\r\n"
        f'Content-Type: multipart/report; report-type=delivery-status; boundary="{boundary}"\r\n\r\n{body}'
    )
    returns = desk.hand_to_relay(str(sent["Message-ID"]).strip("<>"))
    desk.later(minutes=1)
    desk.receive(desk.raw_mail(raw.encode(), "", [returns]))


def out_of_office(desk: SmallDesk) -> None:
    dan = "Dan Smith <dan@home.example.test>"
    _receive(desk, _mail(dan, "Access to the archive", "Hi,\n\ncould I get access to the archive of 2024?\n\nDan"))
    sent = _answer(desk, "Hi Dan,\n\nof course. Which folder do you need?\n\nAlice")
    mail = _mail(
        dan,
        "Automatic reply: Access to the archive",
        "Hello,\n\nI am out of the office and will be back on 16 November 2026.\n"
        "In urgent cases please write to eva@home.example.test.\n\nDan",
        Auto_Submitted="auto-replied",
        X_Auto_Response_Suppress="All",
    )
    mail["In-Reply-To"] = sent["Message-ID"]
    _receive(desk, mail)


def newsletter(desk: SmallDesk) -> None:
    items = "".join(
        f"<tr><td><h2>Offer {n}</h2><p>Save {n * 5} % on toner until Sunday. "
        f'<a href="https://click.example.test/{n}">Read more</a></p></td></tr>'
        for n in range(1, 9)
    )
    text = "Our offers of the week\n\n" + "\n\n".join(
        f"Offer {n}\nSave {n * 5} % on toner until Sunday." for n in range(1, 9)
    )
    head = (
        "<tr><td><h1>Our offers of the week</h1>"
        '<img src="https://pictures.example.test/toner.jpg" alt="toner" width="300">'
        '<img src="https://cdn.example.test/sale.png" alt="sale"><img src="http://192.0.2.7/router">'
        '<img src="https://count.example.test/p.gif?id=4711" width="1" height="1" alt=""></td></tr>'
    )
    html = f'<table width="600">{head}{items}</table>'
    _receive(
        desk,
        _mail(
            "Toner World <news@toner.example.test>",
            "Only this week: 40 % off!",
            text,
            html,
            List_Id="<news.toner.example.test>",
            List_Unsubscribe="<https://x.example.test/u>",
            Precedence="bulk",
        ),
    )


def long_thread(desk: SmallDesk) -> None:
    eva = "Eva Novak <eva@home.example.test>"
    _receive(
        desk,
        _mail(
            eva,
            "Moving the old files",
            "Hello,\n\nwe must move 40 folders to the new server. Shall I send you one after the other?",
        ),
    )
    for number in range(1, 20):
        sent = _answer(desk, f"Folder {number} is moved, {number * 137} files, nothing was left behind. Which is next?")
        program = ("gmail", "outlook", "apple")[number % 3]
        _receive(
            desk,
            reply(
                sent,
                program,
                f"Thank you! Next is folder {number + 1}, please keep the dates of its files.",
                "both",
                eva,
            ),
        )
    _answer(desk, "That was the last one. I close the ticket.")


SCENES: dict[str, Scene] = {
    "01-gmail-outlook-apple": programs,
    "02-german": german,
    "03-japanese": japanese,
    "04-arabic": arabic,
    "05-invitation": invitation,
    "06-inline-image": inline_image,
    "07-bounce": bounce,
    "08-out-of-office": out_of_office,
    "09-newsletter": newsletter,
    "10-forty-messages": long_thread,
}


def _picture(width: int = 420, height: int = 120) -> bytes:
    """A PNG that looks like a window with a message in it."""
    rows = bytearray()
    for y in range(height):
        rows.append(0)
        for x in range(width):
            bar, box = y < 22, 40 < x < 380 and 48 < y < 96
            rows += b"\x24\x56\xc9" if bar else b"\xfd\xec\xeb" if box else b"\xf5\xf6\xf8"

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(bytes(rows))) + chunk(b"IEND", b"")
    )
