"""The Python SDK beside its peers: cost of a call, loss and memory, each with its real background sender and a sink."""
