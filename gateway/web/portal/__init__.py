"""The pages where requesters see their own requests: by a signed link of a mail, or all of them for some hours.

In: tokens and answers. Out: pages and JSON of what was said in public; answers go through the intake like any mail.
They never import the console, and show nothing that `usecases/tickets/requester_view.py` does not give them.
"""
