"""The seller's page at /desk: what came in, what was said and why, what waits."""
