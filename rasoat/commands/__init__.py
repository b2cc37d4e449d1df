"""One module per family of sub-commands; `rasoat.cli` puts them together."""
