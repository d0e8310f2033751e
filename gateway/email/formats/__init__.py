"""Formats inside mail: invitations, S/MIME, winmail.dat."""
