"""The requesters' portal: pages where requesters see their requests, by a mail's signed link or signed in.

Replies go through the intake like any mail. The portal never imports the console, and shows nothing that
`usecases/tickets/requester_view.py` does not give it.
"""
