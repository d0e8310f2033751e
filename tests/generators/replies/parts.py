"""The pieces of a conversation: words, an attribution, a quote, a signature, a footer."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass
from random import Random

from tests.generators.replies import data
from tests.generators.replies.data import Language

ADDRESSES = ("kim@example.org", "dana.whitfield@mail.example.com", "support@desk.example.net", "j_m-7@firma.example")
MARKS = ("> ", "> ", "> ", ">", "| ", ">  ")
RULES = ("-----", "__", "________________", "======", "-----------------------------", "* * *", "~~~~~~~~", "— — —")
DEVICES = ("Fairphone", "Nokia", "Xiaomi", "Huawei", "Pixel", "Moto G")


@dataclass(slots=True)
class Source:
    """What all pieces of one mail draw from."""

    random: Random
    language: Language
    older_language: Language

    def words(self) -> list[str]:
        """One to three sentences, as lines; often with a greeting or a closing and a name."""
        random, lines = self.random, self.random.sample(self.language.answers, self.random.choice((1, 1, 2, 3)))
        if random.random() < 0.2 and len(lines) > 1:
            lines = [" ".join(lines[:2]), "", *lines[2:]] if len(lines) > 2 else [" ".join(lines)]
        if random.random() < 0.4:
            lines += ["", random.choice(self.language.closings)]
            if random.random() < 0.7:
                lines.append(self.first_name())
        return lines

    def first_name(self) -> str:
        return self.random.choice(self.language.names).split(" ")[0]

    def older(self, most: int = 4) -> list[str]:
        """What was written before."""
        random = self.random
        lines = random.sample(self.older_language.older, min(random.randint(1, most), len(self.older_language.older)))
        if random.random() < 0.3:
            lines = [*lines, "", random.choice(self.older_language.closings), random.choice(self.older_language.names)]
        return lines

    def who(self) -> tuple[str, str]:
        return self.random.choice(self.older_language.names), self.random.choice(ADDRESSES)

    def attribution(self, template: str) -> list[str]:
        """The line above a quote, filled in; sometimes the mail program wraps it."""
        random, (name, address) = self.random, self.who()
        day, time = str(random.choice((3,))), f"{random.choice((7, 8, 9, 10, 11))}:{random.choice((5, 17, 41, 58)):02}"
        people = (f"{name} <{address}>", f"{name} <{address}>", f'"{name}" <{address}>', name, address)
        date = random.choice(self.language.dates)
        text = template.replace("{date}", date).replace("{who}", random.choice(people)).replace("{n}", "\n")
        for key, value in {**self.language.fields, "D": day, "T": time, "name": name, "addr": address}.items():
            text = text.replace("{" + key + "}", value)
        if "\n" in text or len(text) < 60 or text.startswith("-----") or random.random() < 0.6:
            return text.split("\n")
        return wrapped(text, random)

    def signature(self) -> list[str]:
        """A block under the words that says who writes, behind a mark or standing alone as contacts do."""
        random, name, address = self.random, self.random.choice(self.language.names), self.random.choice(ADDRESSES)
        phone, web = random.choice(("+49 30 1234567", "(555) 010-7788", "+33 1 23 45 67 89")), "www.example.com"
        return random.choice(
            (
                ["-- ", name, "Example Ltd."],
                ["-- ", name, f"{phone} | {web}"],
                ["--", name, "Example Ltd.", phone],
                ["--", name, address],
                ["—", name],
                [random.choice(RULES[1:5]), name, f"Tel.: {phone}", f"E-Mail: {address}"],
                ["", name, "Example GmbH", f"Tel. {phone}", address],
                ["", f"*{name}*", "*Example Ltd.*", f"T {phone}", f"W {web}"],
                ["", f"{name} | Example Ltd. | {phone} | {address}"],
                ["", f"*{name}* | Sales", f"{phone} | {web}"],
                ["", name, f"m: {phone}", f"w: {web}"],
            )
        )

    def phone(self) -> list[str]:
        """The line that a phone adds, sometimes between direction marks, no-break spaces or in a link's brackets."""
        random = self.random
        line = random.choice(data.phones()[self.language.code])
        line = line.replace("X", random.choice(DEVICES)).replace("Y Secure", "Tuta Secure")
        shape = random.choice(
            ("{}", "{}", "{}", "\u200e{}\u200e", "\u200f{}\u200f", "\u202b{}\u202c", "{}\u00a0", "{}.", "*{}*")
        )
        return [shape.format(line)]

    def footer(self) -> list[str]:
        """What a mailing list or a ticket system hangs under a mail."""
        rule = self.random.choice(("_" * 47, "__", "-" * 40, "--~--~---------~--~----~", "=" * 30, "-- "))
        texts = (
            ["users mailing list", "users@lists.example.org", "https://lists.example.org/mailman/listinfo/users"],
            [
                'You received this message because you are subscribed to the Google Groups "users" group.',
                "To unsubscribe from this group, send an email to users+unsubscribe@example.org.",
            ],
            [
                "users mailing list -- users@lists.example.org",
                "To unsubscribe send an email to users-leave@lists.example.org",
            ],
            ["Liste de diffusion usagers", "https://listes.example.org/mailman/listinfo/usagers"],
            ["Mailingliste: anwender@lists.example.org", "Abmelden: anwender-unsubscribe@lists.example.org"],
            ["Lista de correo usuarios", "Para darse de baja: usuarios-unsubscribe@example.org"],
        )
        return [rule, *self.random.choice(texts)]


def wrapped(text: str, random: Random) -> list[str]:
    """The line broken as programs break it, once before the bracket that ends an address."""
    if text.endswith(">:") and random.random() < 0.3:
        return [text[:-2], ">:"]
    if "> " in text and random.random() < 0.2:
        before, _, after = text.rpartition("> ")
        if before and after:
            return [before, f"> {after}"]
    return textwrap.wrap(text, random.choice((60, 72, 76)), break_long_words=False, break_on_hyphens=False)


def quoted(lines: list[str], mark: str) -> list[str]:
    """Each line behind the mark."""
    return [f"{mark}{line}".rstrip() if line else mark.rstrip() for line in lines]


def hard_wrapped(lines: list[str], mark: str, width: int = 50) -> list[str]:
    """A quote whose long lines a second program broke, so that their ends stand without a mark."""
    out: list[str] = []
    for line in lines:
        text = f"{mark}{line}".rstrip()
        out += textwrap.wrap(text, width, break_long_words=False) if len(text) > width else [text]
    return out
