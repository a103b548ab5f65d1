"""The store: one transactional database of layers, briefings, accounts and what was done with them."""
