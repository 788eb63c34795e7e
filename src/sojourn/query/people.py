"""The rows of the index that say when each user was active, in which session, on which instance."""

from sojourn.query.scope import Scope

# Few sessions ever were void: those alone are looked up by what they are now.
_VOID = """
    SELECT session_id FROM derived_sessions FINAL WHERE frontend = {frontend:String} AND void = 1 AND session_id IN (
        SELECT session_id FROM derived_sessions WHERE frontend = {frontend:String} AND void = 1)"""
USERS = f"""frontend = {{frontend:String}} AND aspect = 'user' AND NOT startsWith(session_id, '~')
    AND session_id NOT IN ({_VOID})"""
"""A condition on `session_index`: `value` is an identifier. Sources without session ids are there as their sessions."""


def shown_identifier(scope: Scope) -> tuple[str, dict[str, object]]:
    """What the identifier `value` is shown as, in SQL, with the values to bind: merged identifiers are one user."""
    if not scope.merges:
        return "value", {}
    merged: dict[str, object] = {"merged": list(scope.merges), "shown": list(scope.merges.values())}
    return "transform(value, {merged:Array(String)}, {shown:Array(String)}, value)", merged
