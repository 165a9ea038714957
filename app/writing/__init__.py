"""A brief in, a checked text out."""
