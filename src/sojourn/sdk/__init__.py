"""The Python SDK. `sojourn` itself exports what applications use; `frameworks` has a module for each framework.

The way of a call: `agent` (never raises) → `reporter` (privacy, modifiers, names and values) → `recorder` (session,
numbering, encoding) → `queue` (one copy into a mapped file); then, in a thread of its own: `sender` → `batches` →
`transport`.
"""
