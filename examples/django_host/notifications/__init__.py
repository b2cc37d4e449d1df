"""The host's own app called `notifications` (it has nothing to do with rasoat.notifications)."""

MARK = "the host's notifications"
