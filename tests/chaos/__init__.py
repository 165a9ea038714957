"""A chaos run: ``make chaos`` feeds thousands of facts while everything around them fails.

The product runs in processes of its own over a store of its own. This process plays all that is
outside: customers' phones, WAHA, the model and the demper. It kills processes (by their ids
only), cuts and delays answers, and takes the WhatsApp session away. Then it lets the system come
to rest and compares what was fed with what the phones received and what the API tells.
"""
