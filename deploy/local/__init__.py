"""The launcher: servers and processes for trying and testing on one machine."""
