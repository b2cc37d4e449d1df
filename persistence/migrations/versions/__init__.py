"""One file per schema step, oldest first."""
