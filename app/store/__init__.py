"""Redis: what is kept, where, and atomically."""
