"""Transactions, statements, migrations and the write lock of SQLite."""
