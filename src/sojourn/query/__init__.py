"""Questions: one function, one question. It reads the store and changes nothing."""
