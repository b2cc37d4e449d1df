"""The ways out: e-mail, webhook, Apprise, in-app inbox, log line; a host adds its own by an entry point."""
