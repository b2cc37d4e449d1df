"""Workflows drawn and exported, event logs written out."""
