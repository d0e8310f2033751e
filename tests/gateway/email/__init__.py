"""The mail doors: sessions over real sockets, the sandbox with real children, mails of our own."""
