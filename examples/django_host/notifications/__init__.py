"""The host's own app called `notifications` (it has nothing to do with rasoat.notifications)."""

MARK = "the host's notifications"
SENT: list[str] = []


def send(message: str) -> None:
    """Send a message, as the host does it; here it is only kept."""
    SENT.append(message)
