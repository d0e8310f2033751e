"""How an outbound row leaves the house: SMTP relay, the caught-mail box, Slack."""
