"""A case's life: the vocabulary of procedures, decide, apply. Knows no particular procedure."""
