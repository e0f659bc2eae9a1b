"""A run as people and programs read it: on the terminal, as a page, as JSON."""
