"""The Python SDK. What applications use is exported by `sojourn` itself; frameworks have their own modules in `frameworks`.

The way of a call: `agent` (never raises) → `reporter` (privacy, modifiers, names and values) → `recorder` (session,
numbering, encoding) → `queue` (one copy into a mapped file); then, in a thread of its own: `sender` → `batches` →
`transport`.
"""
