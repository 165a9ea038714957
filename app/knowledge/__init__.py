"""What the shop knows: its words, and its goods by the words a customer uses."""
