"""Warnings about a mail, as sentences for agents: unchecked signatures, parts that could not be read.

They are made of the remarks that are stored with a message (`trust.defects`), which gateway/email/formats writes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from desk.mail.trust import MessageTrust

_SENTENCES: Mapping[str, str] = {
    "signed: S/MIME": "Signed with S/MIME. We do not check the signature, so it proves nothing.",
    "signed: S/MIME (signed-data)": "Signed with S/MIME, but it cannot be opened{}.",
    "signed: PGP": "Signed with PGP. We do not check the signature, so it proves nothing.",
    "encrypted: S/MIME": "Encrypted with S/MIME: we cannot read it{}.",
    "encrypted: PGP": "Encrypted with PGP: we cannot read it{}.",
    "S/MIME (compressed-data)": "Compressed with S/MIME: we cannot read it{}.",
    "HTML too large or too deep to show": "Its HTML is too large to be shown; the text and the raw mail are complete.",
    "text part cut": "Its text is longer than we show; the raw mail is complete.",
    "text part cannot be decoded": "A part of its text could not be decoded{}.",
}
_PACKED = "winmail.dat holds "


def warnings(trust: MessageTrust, files: Sequence[object]) -> list[str]:
    """What an agent should know before reading the message."""
    attached = "; the file is attached" if files else ""
    sentences = list(_way(trust))
    sentences += [_SENTENCES[one].format(attached) for one in trust.defects if one in _SENTENCES]
    packed = [one.removeprefix(_PACKED) for one in trust.defects if one.startswith(_PACKED)]
    return sentences + [f"Outlook packed its files into winmail.dat: {names}." for names in packed]


def _way(trust: MessageTrust) -> Iterator[str]:
    """How the mail came if not directly from its sender, and where its sender wants the reply."""
    if trust.through:
        yield f"It came {trust.through}. Nobody proved that this person wrote it; answers go to the person."
    if trust.reply_to:
        yield f"The sender asks for answers at {trust.reply_to}. They go to the sender's own address."


def remarks(trust: MessageTrust) -> list[str]:
    """Details for agents who examine the mail."""
    others = [one for one in trust.defects if one not in _SENTENCES and not one.startswith(_PACKED)]
    return [*others, f"not answered automatically: {trust.no_answer}"] if trust.no_answer else others
