"""The reference for everything together: summaries of a frontend's events, with and without session ids."""

from collections.abc import Iterable
from dataclasses import replace

from sojourn.rules.boundaries import Source, derive
from sojourn.rules.events import Event, order_of
from sojourn.rules.sessions import Policies
from sojourn.rules.summaries import Absences, SessionSummary, summary_of


def source_of(frontend: str, event: Event) -> Source:
    """The source of one event: its session id, or else its instance."""
    if event.session_id:
        return Source(frontend, session_id=event.session_id)
    return Source(frontend, instance_id=event.instance_id)


def summarize_derived(
    frontend: str, events: Iterable[Event], policies: Policies, absences: Absences | None = None
) -> list[SessionSummary]:
    """The summaries of all sessions in a set of events of one frontend, by session id, once the boundaries are derived.

    `absences` are by the session id as sent. Where every session id keeps to the timeouts, this is `summarize`.
    """
    sources: dict[Source, list[Event]] = {}
    for event in events:
        sources.setdefault(source_of(frontend, event), []).append(event)
    summaries: list[SessionSummary] = []
    for source, found in sources.items():
        absent = (absences or {}).get(source.session_id, frozenset()) if source.session_id else frozenset()
        boundaries = derive(source, found, policies, absent)
        members: dict[str, list[Event]] = {}
        for event in found:
            members.setdefault(boundaries.placements[order_of(event)].session_id, []).append(event)
        for session in boundaries.sessions:
            summary = summary_of(session.session_id, members[session.session_id])
            carried = {session.carried_identifier} - {""}
            summaries.append(
                replace(
                    summary,
                    previous_session_id=session.previous_session_id,
                    start_reason=session.start_reason,
                    end_reason=session.end_reason,
                    user_identifier=summary.user_identifier or session.carried_identifier,
                    user_identifiers=tuple(sorted(carried.union(summary.user_identifiers))),
                    missing_events=session.missing_events,
                    absent_events=session.absent_events,
                )
            )
    return sorted(summaries, key=lambda summary: summary.session_id)
