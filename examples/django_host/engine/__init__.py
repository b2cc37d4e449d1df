"""The host's own app called `engine` (it has nothing to do with rasoat.engine)."""

MARK = "the host's engine"
