"""The legal clock: calendar releases, terms, deadlines and their proofs, the ladder of warnings."""
