"""How it is said: one module a wire format, bytes to messages and back. No rules, no storage, no HTTP."""
