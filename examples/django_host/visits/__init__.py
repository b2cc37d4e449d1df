"""Home visits: the host's own records beside the reviews."""
