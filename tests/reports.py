"""Reports of failed deliveries (RFC 3464), as mail servers write them."""

from __future__ import annotations


def dsn(original: str, recipient: str, to: str, status: str = "5.1.1", author: str = "") -> bytes:
    """A report that `recipient` did not get the mail `original`; it goes to `to`."""
    action = "failed" if status.startswith("5") else "delayed"
    returned = f"Message-ID: <{original}>\r\n" if original else ""
    final = f"Final-Recipient: rfc822; {recipient}\r\n" if recipient else ""
    return (
        f"From: {author or 'MAILER-DAEMON@mx.example.test'}\r\nTo: {to}\r\n"
        "Subject: Undelivered Mail Returned to Sender\r\n"
        f"Message-ID: <dsn-{status}-{recipient}-{author}@mx>\r\nAuto-Submitted: auto-replied\r\nMIME-Version: 1.0\r\n"
        'Content-Type: multipart/report; report-type=delivery-status; boundary="b"\r\n\r\n'
        "--b\r\nContent-Type: text/plain\r\n\r\nIt could not be delivered.\r\n"
        "--b\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx.example.test\r\n\r\n"
        f"{final}Action: {action}\r\nStatus: {status}\r\n"
        "Diagnostic-Code: smtp; 550 no such user\r\n\r\n"
        f"--b\r\nContent-Type: text/rfc822-headers\r\n\r\n{returned}Subject: x\r\n\r\n--b--\r\n"
    ).encode()
