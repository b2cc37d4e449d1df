"""What is meant when nothing is said."""

__all__ = ["DATABASE_URL"]

DATABASE_URL = "sqlite:///rasoat.db"
