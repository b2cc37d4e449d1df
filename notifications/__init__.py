"""Who is told what, through which channel: directory, messages, channels, retries, storm control."""
