"""What is true: names, values, definitions, sessions, users and summaries as pure functions.

SDK, server and adapters import it; it imports nothing of ours, no clock, no id source and no I/O.
"""
