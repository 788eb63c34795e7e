"""The ledger of what was left out of events."""

from sojourn.query.answers import DiscardEntry
from sojourn.query.scope import Scope

MAX_LINES = 500


def discards(scope: Scope) -> list[DiscardEntry]:
    """The ledger by key, reason and SDK version, the most frequent first, at most 500 lines."""
    return scope.read(
        DiscardEntry,
        f"""
        SELECT key, reason, sdk_version, count() AS count,
            min(received_at) AS first_seen, max(received_at) AS last_seen,
            nullIf(leftUTF8(argMax(value, (value != '', received_at)), 100), '') AS sample
        FROM discards FINAL WHERE frontend = {{frontend:String}} AND settled = 0
        GROUP BY key, reason, sdk_version ORDER BY count DESC, key, reason, sdk_version LIMIT {MAX_LINES:d}""",
    )
