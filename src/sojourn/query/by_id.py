"""Sessions whose ids are known, read whole: a few milliseconds, where any other question takes ten times as long."""

from collections.abc import Sequence

import msgspec

from sojourn.query.rows import Place, SessionRow, Stretch
from sojourn.query.scope import Scope
from sojourn.rules.summaries import skew_of
from sojourn.store.rows import said

MAX_IDS = 1_000
"""Sessions that are read at a time."""
NO_EVENT = 2**63 - 1
"""The first event of a session of which nothing is known but what was lost."""


class _State(msgspec.Struct, kw_only=True):
    """One row of `session_states`, which is one stream of a session, its bitmaps counted."""

    session_id: str
    first_event: int
    last_end: int
    least_offset: int
    events: int
    actions: int
    errors: int
    absent: int
    missing: int
    substance: bool
    start: str
    end_fact: str
    user_fact: str
    context_fact: str
    user_set: list[str]
    first_facts: dict[str, str]
    last_facts: dict[str, str]
    derived: bool


_STATES = f"""
    SELECT session_id, first_event, last_end, least_offset, bitmapCardinality(places) AS events,
        bitmapCardinality(action_places) AS actions, bitmapCardinality(error_places) AS errors,
        bitmapAndnotCardinality(absent_places, bitmapOr(places, second_places)) AS absent,
        top_sequence + 1 - toInt64(arrayCount(place -> place < {2**63:d},
            bitmapToArray(bitmapOr(places, absent_places)))) AS missing,
        substance, finalizeAggregation(start_fact) AS start, end_fact, user_fact, context_fact, user_set, first_facts,
        last_facts, derived
    FROM session_states FINAL WHERE frontend = {{frontend:String}} AND session_id IN {{ids:Array(String)}}"""


def _joined(states: Sequence[_State]) -> SessionRow:
    """The session of which these are all streams; the view `session_summaries` puts them together in the same way."""
    least_offset = min(state.least_offset for state in states)
    skew = skew_of(least_offset)
    start_fact = min((state.start for state in states if state.start), default="")
    start_reason, _, previous = said(start_fact).partition("\t")
    instance_id, _, context = said(max(state.context_fact for state in states)).partition("\t")
    firsts: dict[str, str] = {}
    lasts: dict[str, str] = {}
    for state in states:
        for name, fact in state.first_facts.items():
            firsts[name] = min(firsts.get(name, fact), fact)
        for name, fact in state.last_facts.items():
            lasts[name] = max(lasts.get(name, fact), fact)
    return SessionRow(
        session_id=states[0].session_id,
        instance_id=instance_id,
        previous_session_id=previous,
        clock_offset=least_offset,
        start_time=min(state.first_event for state in states) + skew,
        end_time=max(state.last_end for state in states) + skew,
        start_reason=start_reason,
        end_reason=said(max(state.end_fact for state in states)),
        user_identifier=said(max(state.user_fact for state in states)),
        user_identifiers=sorted({identifier for state in states for identifier in state.user_set}),
        event_count=sum(state.events for state in states),
        action_count=sum(state.actions for state in states),
        error_count=sum(state.errors for state in states),
        missing_events=sum(state.missing for state in states),
        absent_events=sum(state.absent for state in states),
        empty=not any(state.substance for state in states),
        context=context,
        first_values={name: said(fact) for name, fact in firsts.items()},
        last_values={name: said(fact) for name, fact in lasts.items()},
    )


def _is_session(session_id: str, states: Sequence[_State]) -> bool:
    """Whether there is an event of it, and its client's word on what belongs to it holds."""
    return (
        not session_id.startswith("~")
        and not any(state.derived for state in states)
        and any(state.first_event < NO_EVENT for state in states)
    )


class _Derived(SessionRow, kw_only=True):
    """One row of `derived_sessions`, which says where the session's events lie."""

    source_id: str
    first_place: Place
    next_place: Place
    tagged_place: Place
    carried_identifier: str

    def row(self) -> SessionRow:
        self.stretch = Stretch(**{name: getattr(self, name) for name in Stretch.__struct_fields__})
        return self


_DERIVED = f"""
    SELECT {", ".join(name for name in _Derived.__struct_fields__ if name != "stretch")} FROM derived_sessions FINAL
    WHERE frontend = {{frontend:String}} AND session_id IN {{ids:Array(String)}} AND void = 0"""


def sessions_by_id(scope: Scope, session_ids: Sequence[str]) -> list[SessionRow]:
    """The sessions that there are of these, at most MAX_IDS, in the order in which they are asked for."""
    ids = list(dict.fromkeys(session_ids))[:MAX_IDS]
    if not ids:
        return []
    streams: dict[str, list[_State]] = {}
    for state in scope.read(_State, _STATES, ids=ids):
        streams.setdefault(state.session_id, []).append(state)
    rows = {name: _joined(states) for name, states in streams.items() if _is_session(name, states)}
    others = [session_id for session_id in ids if session_id not in rows]
    if others:
        rows |= {one.session_id: one.row() for one in scope.read(_Derived, _DERIVED, ids=others)}
    return [rows[session_id] for session_id in ids if session_id in rows]


def session_by_id(scope: Scope, session_id: str) -> SessionRow | None:
    """One session; None when there is no event of it."""
    rows = sessions_by_id(scope, [session_id])
    return rows[0] if rows else None
