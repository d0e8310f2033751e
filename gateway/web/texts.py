"""The texts of the form and of the inbound API, in one place, so that a translation is one file."""

from __future__ import annotations

from collections.abc import Mapping

LANGUAGE = "en"

PAGE: Mapping[str, str] = {
    "title": "Send a request",
    "lead": "Tell us what you need. You get a confirmation with a ticket number by mail, and can simply answer it.",
    "name": "Your name",
    "email": "Your mail address",
    "email_hint": "We answer to this address.",
    "subject": "Subject",
    "body": "What can we do for you?",
    "body_hint": "What happened, since when, and what you expected.",
    "topic": "What is it about?",
    "topic_other": "Something else",
    "only_for": "Only for",
    "choose": "Please choose",
    "files": "Files",
    "files_hint": "Up to {count} files, together at most {size} MB.",
    "optional": "optional",
    "trap": "Leave this empty",
    "send": "Send request",
    "problems": "Please look at this again",
    "files_again": "Files have to be chosen again.",
    "thanks_title": "Thank you",
    "thanks": "Your request is written down. A confirmation with its ticket number is on its way to you by mail.",
    "thanks_more": "If it does not come within a few minutes, look into the spam folder.",
    "again": "Send another request",
    "receipt": "See how it stands",
    "hints_title": "Does this help?",
    "hints": "This was written for questions like yours. Your request is not sent yet.",
    "hints_yes": "This helped: I need no answer",
    "hints_no": "Send my request",
    "solved_title": "Good",
    "solved": "Nothing was sent, because you have your answer.",
}

NEEDED = "Please fill this in"
TOO_LONG = "This is too long: at most {most} characters fit"
NO_CONTROL = "Please type this again, in one line and without control characters"
NO_NUL = "Please remove the characters that no text can have (NUL or half of a character)"
NOT_AN_ADDRESS = "This is not a complete mail address, such as name@example.org"
OWN_ADDRESS = "This is our own address; please give yours"
NOT_TEXT = "This must be a text"
NOT_A_NUMBER = "This must be a number"
NOT_A_DATE = "This must be a day, such as 2026-11-30"
NOT_OFFERED = "Please choose one of those that are offered"
NOT_YES_OR_NO = "This must be yes or no"

FORM_PROBLEMS: Mapping[str, str] = {
    "token": "This page was open for too long or was copied. Nothing is lost: please press Send once more.",
    "trap": "We could not tell whether a person sent this. Please press Send once more.",
    "used": "This form was sent already. If this is a further request, press Send once more.",
    "often": "There were many requests from you in a short time. Please send this again in {minutes} minutes.",
    "large": "The files are too large. Together they may have {size} MB.",
    "count": "There are too many files; at most {count} can be sent.",
    "broken": "Your browser sent a form that cannot be read. Please try again.",
    "slow": "The form took too long to arrive. Please try again, with smaller files.",
    "down": "We cannot take requests right now. Please send this again in a minute.",
}

API_PROBLEMS: Mapping[str, str] = {
    "no_token": "Send the header `Authorization: Bearer <token>` with a token that has the scope inbound.",
    "scope": "This token has no scope `inbound`. Make one that has.",
    "not_json": "The body must be one JSON object in UTF-8 with the fields email, body, subject, name and attachments.",
    "media_type": "Send the header `Content-Type: application/json`.",
    "large": "The body is too large: at most {size} MB.",
    "slow": "The body took too long to arrive. Send it again.",
    "fields": "Correct the named fields and send the request again.",
    "key": "An Idempotency-Key is 1 to 200 printable ASCII characters without spaces.",
    "key_reused": "This Idempotency-Key was used with another body. Use a new key for a new request.",
    "often": "Too many requests. Wait for the seconds in the header Retry-After.",
    "down": "The request was not stored. Send it again after the seconds in the header Retry-After.",
    "missing": "This token has sent no request with that id.",
}
UNKNOWN_FIELD = "There is no such field; remove it. Allowed are {allowed}"
NOT_FIELDS = "This must be an object: the name of a field, and its value as text, number or true or false"
NOT_FILES = "This must be a list of at most 10 objects with name, content (base64) and optionally media_type"
