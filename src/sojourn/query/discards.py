"""The ledger of what was left out of events. What was replayed since is in its event, and in the ledger no more."""

from sojourn.query.answers import DiscardEntry, Page
from sojourn.query.cursors import read_cursor, write_cursor
from sojourn.query.scope import Scope

MAX_LINES = 500


def discards(scope: Scope) -> list[DiscardEntry]:
    """The ledger by key, reason and SDK version, the most frequent first, at most 500 lines."""
    return discards_page(scope, limit=MAX_LINES).items


def discards_page(
    scope: Scope, *, key: str = "", reason: str = "", limit: int = 100, cursor: str | None = None
) -> Page[DiscardEntry]:
    """A page of the ledger, narrowed to a key and a reason. `count` is of events. Raises BadCursorError."""
    limit = min(limit, MAX_LINES)
    where, having = "", ""
    bound: dict[str, object] = {"key": key, "reason": reason}
    if key:
        where += " AND key = {key:String}"
    if reason:
        where += " AND reason = {reason:String}"
    if cursor is not None:
        count, last_key, last_reason, last_version = read_cursor(cursor, int, str, str, str)
        having = (
            "HAVING (-toInt64(count), key, reason, sdk_version) > "
            "({last_count:Int64}, {last_key:String}, {last_reason:String}, {last_version:String})"
        )
        bound |= {
            "last_count": -int(count),
            "last_key": last_key,
            "last_reason": last_reason,
            "last_version": last_version,
        }
    rows = scope.read(
        DiscardEntry,
        f"""
        SELECT key, reason, sdk_version, uniqExact(source_id, event_id) AS count,
            min(received_at) AS first_seen, max(received_at) AS last_seen,
            nullIf(leftUTF8(argMax(value, (value != '', received_at)), 100), '') AS sample
        FROM discards FINAL WHERE frontend = {{frontend:String}} AND settled = 0{where}
        GROUP BY key, reason, sdk_version {having}
        ORDER BY count DESC, key, reason, sdk_version LIMIT {limit + 1:d}""",
        **bound,
    )
    page = rows[:limit]
    more = len(rows) > limit
    last = page[-1] if page else None
    return Page(
        items=page,
        next=write_cursor(last.count, last.key, last.reason, last.sdk_version) if more and last else None,
    )
