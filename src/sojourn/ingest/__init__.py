"""What is let in: messages to rows by the rules. It knows no wire format, no HTTP and no SQL."""
