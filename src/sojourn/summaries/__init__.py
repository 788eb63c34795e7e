"""Sessions of clients that do not manage them: boundaries derived from the set of events. It knows no HTTP."""
