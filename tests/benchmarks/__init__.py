"""What the product costs and how fast it is: ``make bench`` prints one table.

This process plays everything outside: customers' webhooks, WAHA and the model. The product runs
in processes of its own. Absolute numbers are the machine's, ratios are ours.
"""
