"""One file = all we know of one outside system, both ways."""
