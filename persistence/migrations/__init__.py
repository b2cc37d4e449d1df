"""Alembic migrations of the engine's own tables, beside the host's."""
