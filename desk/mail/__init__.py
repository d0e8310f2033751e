"""Rules of e-mail: the inbound request, reply text, automatic mail, authentication, out-of-office, thanks."""
