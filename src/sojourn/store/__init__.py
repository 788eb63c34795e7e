"""Where it lies: the only room that talks to ClickHouse. It knows SQL and no HTTP."""
