"""What a definition must hold to before a case may run under it."""
