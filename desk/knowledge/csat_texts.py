"""What requesters read when they are asked how it went, in the languages that the desk speaks.

To change a sentence or to add a language, change the table. `{number}` is the ticket's, `{desk}` the desk's name.
"""

from __future__ import annotations

from collections.abc import Mapping

DEFAULT = "en"
Words = Mapping[str, str]

WORDS: Mapping[str, Words] = {
    "en": {
        "subject": "How did we do? Your request #{number}",
        "ask": "Your request #{number} is solved. How did we do? One click is enough:",
        "remind": "A few days ago we solved your request #{number}. How did we do? We ask only this once more:",
        "no_more": "If you have nothing to say, you need not do anything. To tell us more, simply answer this mail.",
        "title": "How did we do?",
        "about": "Your request #{number}: {subject}",
        "solved": "It is solved since {day}.",
        "choose": "Your rating",
        "comment": "Would you like to add something?",
        "optional": "optional",
        "send": "Send rating",
        "thanks": "Thank you. Your rating is kept.",
        "change": "You can change it until {day}.",
        "over": "This rating cannot be changed any more.",
        "closed": "This question is too old to be answered.",
        "wrong": "This link is not complete, or it is not ours.",
        "5": "Very good",
        "4": "Good",
        "3": "All right",
        "2": "Bad",
        "1": "Very bad",
    },
    "de": {
        "subject": "Wie waren wir? Ihre Anfrage #{number}",
        "ask": "Ihre Anfrage #{number} ist gelöst. Wie waren wir? Ein Klick genügt:",
        "remind": "Vor einigen Tagen haben wir Ihre Anfrage #{number} gelöst. Wie waren wir? Wir fragen nur "
        "noch dieses eine Mal:",
        "no_more": "Wenn Sie nichts sagen möchten, müssen Sie nichts tun. Mehr sagen Sie uns, indem Sie auf diese Mail "
        "antworten.",
        "title": "Wie waren wir?",
        "about": "Ihre Anfrage #{number}: {subject}",
        "solved": "Sie ist seit {day} gelöst.",
        "choose": "Ihre Bewertung",
        "comment": "Möchten Sie etwas hinzufügen?",
        "optional": "freiwillig",
        "send": "Bewertung senden",
        "thanks": "Vielen Dank. Ihre Bewertung ist gespeichert.",
        "change": "Sie können sie bis {day} ändern.",
        "over": "Diese Bewertung kann nicht mehr geändert werden.",
        "closed": "Diese Frage ist zu alt, um noch beantwortet zu werden.",
        "wrong": "Dieser Link ist nicht vollständig, oder er ist nicht von uns.",
        "5": "Sehr gut",
        "4": "Gut",
        "3": "In Ordnung",
        "2": "Schlecht",
        "1": "Sehr schlecht",
    },
    "fr": {
        "subject": "Votre avis sur votre demande n° {number}",
        "ask": "Votre demande n° {number} est résolue. Qu'en avez-vous pensé ? Un clic suffit :",
        "remind": "Il y a quelques jours, nous avons résolu votre demande n° {number}. Qu'en avez-vous pensé ? Nous ne "
        "le demandons plus que cette fois :",
        "no_more": "Si vous n'avez rien à dire, vous n'avez rien à faire. Pour en dire plus, répondez à ce message.",
        "title": "Qu'en avez-vous pensé ?",
        "about": "Votre demande n° {number} : {subject}",
        "solved": "Elle est résolue depuis le {day}.",
        "choose": "Votre note",
        "comment": "Souhaitez-vous ajouter quelque chose ?",
        "optional": "facultatif",
        "send": "Envoyer la note",
        "thanks": "Merci. Votre note est enregistrée.",
        "change": "Vous pouvez la modifier jusqu'au {day}.",
        "over": "Cette note ne peut plus être modifiée.",
        "closed": "Cette question est trop ancienne pour recevoir une réponse.",
        "wrong": "Ce lien n'est pas complet, ou il n'est pas de nous.",
        "5": "Très bien",
        "4": "Bien",
        "3": "Correct",
        "2": "Mauvais",
        "1": "Très mauvais",
    },
    "es": {
        "subject": "¿Qué tal lo hicimos? Su solicitud n.º {number}",
        "ask": "Su solicitud n.º {number} está resuelta. ¿Qué tal lo hicimos? Basta un clic:",
        "remind": "Hace unos días resolvimos su solicitud n.º {number}. ¿Qué tal lo hicimos? Solo lo preguntamos esta "
        "vez más:",
        "no_more": "Si no tiene nada que decir, no tiene que hacer nada. Para decirnos más, responda a este mensaje.",
        "title": "¿Qué tal lo hicimos?",
        "about": "Su solicitud n.º {number}: {subject}",
        "solved": "Está resuelta desde el {day}.",
        "choose": "Su valoración",
        "comment": "¿Desea añadir algo?",
        "optional": "opcional",
        "send": "Enviar valoración",
        "thanks": "Gracias. Su valoración está guardada.",
        "change": "Puede cambiarla hasta el {day}.",
        "over": "Esta valoración ya no se puede cambiar.",
        "closed": "Esta pregunta es demasiado antigua para responderla.",
        "wrong": "Este enlace no está completo o no es nuestro.",
        "5": "Muy bien",
        "4": "Bien",
        "3": "Regular",
        "2": "Mal",
        "1": "Muy mal",
    },
    "pt": {
        "subject": "Como nos saímos? O seu pedido n.º {number}",
        "ask": "O seu pedido n.º {number} está resolvido. Como nos saímos? Basta um clique:",
        "remind": "Há alguns dias resolvemos o seu pedido n.º {number}. Como nos saímos? Perguntamos só mais esta vez:",
        "no_more": "Se não tiver nada a dizer, não precisa de fazer nada. Para dizer mais, responda a esta mensagem.",
        "title": "Como nos saímos?",
        "about": "O seu pedido n.º {number}: {subject}",
        "solved": "Está resolvido desde {day}.",
        "choose": "A sua avaliação",
        "comment": "Deseja acrescentar algo?",
        "optional": "opcional",
        "send": "Enviar avaliação",
        "thanks": "Obrigado. A sua avaliação está guardada.",
        "change": "Pode alterá-la até {day}.",
        "over": "Esta avaliação já não pode ser alterada.",
        "closed": "Esta pergunta é demasiado antiga para ser respondida.",
        "wrong": "Esta ligação não está completa ou não é nossa.",
        "5": "Muito bom",
        "4": "Bom",
        "3": "Razoável",
        "2": "Mau",
        "1": "Muito mau",
    },
}


def words(language: str) -> Words:
    """The table of a language, `de` for `de-AT`; English where there is none."""
    return WORDS.get(language.lower()[:2], WORDS[DEFAULT])


def spoken(language: str) -> str:
    """The code of the language that `words` speaks."""
    return language.lower()[:2] if language.lower()[:2] in WORDS else DEFAULT


def mail(number: int, link: str, said: Words, *, again: bool) -> str:
    """The text of the mail: one line, with its link, for each score."""
    scores = [f"{said[str(score)]}: {link}?score={score}" for score in (5, 4, 3, 2, 1)]
    return "\n\n".join([said["remind" if again else "ask"].format(number=number), "\n".join(scores), said["no_more"]])
