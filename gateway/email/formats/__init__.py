"""Formats inside mail: invitations, S/MIME, winmail.dat, uuencoded and yEnc files."""
