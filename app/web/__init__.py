"""The edge: bytes -> verified -> facts -> mailbox -> 202, and the seller's API. Decides nothing."""
