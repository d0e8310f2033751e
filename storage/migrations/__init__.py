"""Alembic migrations: how the tables came to be, one step at a time, for SQLite and PostgreSQL."""
