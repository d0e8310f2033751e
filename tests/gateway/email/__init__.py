"""The mail doors: sessions over real sockets, the jail with real children, mails of our own."""
