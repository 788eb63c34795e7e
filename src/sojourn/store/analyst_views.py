"""The three views of analysts, `user_events`, `user_sessions` and `users`, made from the definitions of all frontends.

Each defined property is a column named by its dotted full name, which SQL takes with and without backticks. What a
column shows of a frontend's rows is what that frontend defines; docs/sql.md is the description for those who ask.
"""

import threading
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import structlog

from sojourn.rules.definitions import Aggregation, Catalog, PropertyDefinition
from sojourn.rules.limits import SKEW_TOLERANCE
from sojourn.rules.names import PropertyKind
from sojourn.rules.values import DataType
from sojourn.store.cluster import define_of_sessions
from sojourn.store.engine import Engine
from sojourn.store.rows import value_name

log = structlog.get_logger()

_OF_ONE_SESSION = ("user_sessions", "user_events")
"""Views whose every row comes from one session, and so from one shard."""
RETRY_SECONDS = 2.0
MAX_COLUMNS = 300
"""Properties of one kind that are columns; the engine takes only so much text for a view. Others are in no view."""


@dataclass(frozen=True, slots=True)
class AnalystFrontend:
    """What the views need of a frontend. `idle_timeout` in microseconds; `merges` maps identifiers to those shown."""

    name: str
    catalog: Catalog
    idle_timeout: int
    merges: Mapping[str, str] = field(default_factory=dict)


class AnalystViews:
    """Keeps the views of an engine like the settings, on a thread of its own, so that no request waits for it."""

    def __init__(self, engine: Engine, frontends: Sequence[AnalystFrontend]) -> None:
        """The views are there when this returns, but for an engine that fails, which is asked again."""
        self._engine = engine
        self._made: dict[str, str] = {}
        self._wanted: Sequence[AnalystFrontend] | None = None
        self._making = False
        self._closing = False
        self._changed = threading.Condition()
        self._try(frontends)
        self._thread = threading.Thread(target=self._run, name="sojourn-views", daemon=True)
        self._thread.start()

    def show(self, frontends: Sequence[AnalystFrontend]) -> None:
        """Have the views follow these settings soon; never waits."""
        with self._changed:
            self._wanted = frontends
            self._changed.notify_all()

    def wait(self, seconds: float) -> bool:
        """Wait until the views are as the settings that were shown last; whether they are."""
        with self._changed:
            return self._changed.wait_for(
                lambda: self._closing or (self._wanted is None and not self._making), timeout=seconds
            )

    def close(self) -> None:
        """Stop following."""
        with self._changed:
            self._closing = True
            self._changed.notify_all()
        self._thread.join()

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._closing or self._wanted is not None)
                if self._closing:
                    return
                wanted, self._wanted = self._wanted, None
                self._making = True
            assert wanted is not None
            made = self._try(wanted)
            with self._changed:
                self._making = False
                self._changed.notify_all()
                if not made:
                    self._changed.wait_for(lambda: self._closing, timeout=RETRY_SECONDS)

    def _try(self, frontends: Sequence[AnalystFrontend]) -> bool:
        try:
            self._make(frontends)
        except Exception:
            log.exception("analyst_views_failed")
            with self._changed:
                if self._wanted is None:
                    self._wanted = frontends
            return False
        return True

    def _make(self, frontends: Sequence[AnalystFrontend]) -> None:
        for name, select in view_queries(frontends).items():
            if self._made.get(name) != select:
                statement = f"CREATE OR REPLACE VIEW {name} DEFINER = CURRENT_USER SQL SECURITY DEFINER AS {select}"
                if name in _OF_ONE_SESSION:
                    define_of_sessions(self._engine, statement)
                else:
                    self._engine.command(statement)
                self._made[name] = select


def view_queries(frontends: Iterable[AnalystFrontend]) -> dict[str, str]:
    """The SELECT of each view by its name."""
    known = sorted(frontends, key=lambda frontend: frontend.name)
    return {"user_sessions": _sessions(known), "user_events": _events(known), "users": _users(known)}


@dataclass(frozen=True, slots=True)
class _Column:
    """A property over all frontends that define it: which of them mean it how."""

    name: str
    groups: Mapping[tuple[Aggregation, DataType], list[str]]

    @property
    def data_type(self) -> DataType | None:
        """The type of the column; None where the frontends disagree."""
        types = {data_type for _, data_type in self.groups}
        return types.pop() if len(types) == 1 else None


def _columns(frontends: Sequence[AnalystFrontend], kind: PropertyKind) -> list[_Column]:
    groups: dict[str, dict[tuple[Aggregation, DataType], list[str]]] = defaultdict(lambda: defaultdict(list))
    for frontend in frontends:
        for definition in frontend.catalog.definitions:
            if definition.kind is kind:
                groups[definition.name][definition.aggregation, definition.data_type].append(frontend.name)
    if len(groups) > MAX_COLUMNS:
        log.warning("analyst_columns_left_out", kind=kind, columns=len(groups) - MAX_COLUMNS)
    return [_Column(name, dict(groups[name])) for name in sorted(groups)[:MAX_COLUMNS]]


def _typed(json: str, data_type: DataType | None) -> str:
    """The SQL that reads a value kept as JSON, '' for none. Where the frontends disagree, its text."""
    match data_type:
        case DataType.NUMBER:
            return f"toFloat64OrNull({json})"
        case DataType.BOOLEAN:
            return f"CAST(multiIf({json} = 'true', 1, {json} = 'false', 0, NULL), 'Nullable(Bool)')"
        case DataType.STRING:
            return f"if(startsWith({json}, '\"'), JSONExtractString({json}), NULL)"
    return f"multiIf(startsWith({json}, '\"'), JSONExtractString({json}), {json} != '', {json}, NULL)"


def _session_value(column: _Column, row: str) -> str:
    """The JSON that a session's summary holds of a property, by the settings of its frontend; '' for none."""
    cases = []
    for (aggregation, data_type), names in sorted(column.groups.items()):
        kept = "first_values" if aggregation is Aggregation.FIRST else "last_values"
        key = _text(_stored_name(column.name, data_type))
        cases.append(f"{_one_of(f'{row}.frontend', names)}, {row}.{kept}[{key}]")
    return f"multiIf({', '.join(cases)}, '')"


def _stored_name(name: str, data_type: DataType) -> str:
    kind, _, field_name = name.partition("_properties.")
    return value_name(PropertyDefinition(PropertyKind(kind), field_name, data_type))


def _sessions(frontends: Sequence[AnalystFrontend]) -> str:
    shown = [f"{sql} AS {name}" for name, sql in _SESSION_COLUMNS.items()]
    shown += [
        f"{_typed(_session_value(column, 's'), column.data_type)} AS `{column.name}`"
        for column in _columns(frontends, PropertyKind.SESSION)
    ]
    timeout = _by_frontend("s.frontend", {f.name: str(f.idle_timeout) for f in frontends}, "0")
    return f"""
        SELECT {", ".join(shown)}
        FROM (
            SELECT *, multiIf(end_reason != '', end_reason,
                end_time + {timeout} <= toUnixTimestamp64Micro(now64(6)), 'timeout', '') AS over
            FROM session_summaries AS s
        ) AS s"""


def _time(sql: str) -> str:
    return f"fromUnixTimestamp64Micro({sql}, 'UTC')"


_SESSION_COLUMNS = {
    "frontend": "s.frontend",
    "session_id": "s.session_id",
    "instance_id": "s.instance_id",
    "previous_session_id": "nullIf(s.previous_session_id, '')",
    "start_time": _time("s.start_time"),
    "end_time": _time("s.end_time"),
    "duration": "toInt64(s.duration)",
    "live": "CAST(s.over = '', 'Bool')",
    "start_reason": "nullIf(toString(s.start_reason), '')",
    "end_reason": "nullIf(toString(s.over), '')",
    "user_identifier": "nullIf(s.user_identifier, '')",
    "user_identifiers": "s.user_identifiers",
    "event_count": "toUInt64(s.event_count)",
    "action_count": "toUInt64(s.action_count)",
    "error_count": "toUInt64(s.error_count)",
    "missing_events": "toInt64(s.missing_events)",
    "absent_events": "toUInt64(s.absent_events)",
    "empty": "CAST(s.empty, 'Bool')",
    "clock_offset": "s.clock_offset",
    "device_type": "s.device_type",
    "device_manufacturer": "s.device_manufacturer",
    "device_model": "s.device_model",
    "os_name": "s.os_name",
    "os_version": "s.os_version",
    "browser_name": "s.browser_name",
    "browser_version": "s.browser_version",
    "app_version": "s.app_version",
}

_CORRECTED = f"e.client_timestamp + if(abs(e.clock_offset) > {SKEW_TOLERANCE}, e.clock_offset, 0)"
_EVENT_COLUMNS = {
    "frontend": "e.frontend",
    "session_id": "e.session_id",
    "event_id": "toString(e.event_id)",
    "kind": "toString(e.kind)",
    "name": "e.name",
    "timestamp": _time(_CORRECTED),
    "client_timestamp": _time("e.client_timestamp"),
    "received_at": _time("e.received_at"),
    "duration": "e.duration",
    "stream_id": "e.stream_id",
    "sequence": "if(e.sequence >= 0, e.sequence, NULL)",
    "instance_id": "e.instance_id",
    "user_identifier": "nullIf(e.user_identifier, '')",
    "retag": "CAST(e.retag, 'Bool')",
    "start_reason": "nullIf(toString(e.start_reason), '')",
    "end_reason": "nullIf(toString(e.end_reason), '')",
    "action_id": "nullIf(e.action_id, '')",
    "parent_action_id": "nullIf(e.parent_action_id, '')",
    **{
        name: f"toString(JSONExtractString(e.context, '{name}'))"
        for name in (
            "app_version",
            "device_type",
            "device_manufacturer",
            "device_model",
            "os_name",
            "os_version",
            "browser_name",
            "browser_version",
            "sdk_name",
            "sdk_version",
        )
    },
    "attributes": "e.attributes",
}

# The events of a client's session id that keeps to the timeouts, and those whose session was derived: the last session
# of their source that began at or before them. Of sessions that begin in one microsecond the place decides.
_KEPT = ", ".join(
    (
        "event_id",
        "kind",
        "name",
        "client_timestamp",
        "clock_offset",
        "received_at",
        "duration",
        "stream_id",
        "sequence",
        "instance_id",
        "retag",
        "start_reason",
        "end_reason",
        "action_id",
        "parent_action_id",
        "context",
        "attributes",
        "event_properties",
    )
)
_PLACED_EVENTS = f"""
    SELECT frontend, source_id AS session_id, user_identifier, {_KEPT}
    FROM events FINAL
    WHERE NOT startsWith(source_id, '~') AND (frontend, source_id) NOT IN (
        SELECT frontend, source_id FROM derived_sessions WHERE NOT startsWith(source_id, '~'))
    UNION ALL
    SELECT t.frontend AS frontend, if(t.place >= d.first_place, d.session_id, d.before) AS session_id,
        if(t.place < d.tagged_place, d.carried_identifier, t.user_identifier) AS user_identifier, {_KEPT}
    FROM (
        SELECT frontend, source_id, user_identifier, {_KEPT},
            (client_timestamp, stream_id, sequence, toString(event_id)) AS place
        FROM events FINAL WHERE (frontend, source_id) IN (SELECT frontend, source_id FROM derived_sessions)
    ) AS t
    ASOF INNER JOIN (
        SELECT frontend, source_id, first_place.1 AS begin, session_id, first_place, tagged_place, carried_identifier,
            lagInFrame(session_id) OVER (PARTITION BY frontend, source_id ORDER BY first_place) AS before
        FROM derived_sessions FINAL WHERE void = 0
    ) AS d ON t.frontend = d.frontend AND t.source_id = d.source_id AND t.client_timestamp >= d.begin"""


def _events(frontends: Sequence[AnalystFrontend]) -> str:
    shown = [f"{sql} AS {name}" for name, sql in _EVENT_COLUMNS.items()]
    for column in _columns(frontends, PropertyKind.EVENT):
        names = [name for names in column.groups.values() for name in names]
        kept = f"if({_one_of('e.frontend', names)}, e.event_properties['{column.name}'], '')"
        shown.append(f"{_typed(kept, column.data_type)} AS `{column.name}`")
    shown += [
        f"{_typed(_session_value(column, 'e'), column.data_type)} AS `{column.name}`"
        for column in _columns(frontends, PropertyKind.SESSION)
    ]
    return f"""
        SELECT {", ".join(shown)}
        FROM (
            SELECT p.*, {_of_session("first_values")}, {_of_session("last_values")} FROM ({_PLACED_EVENTS}) AS p
        ) AS e"""


def _of_session(column: str) -> str:
    """A column of an event's session, which the engine looks up only for a question that uses it."""
    return (
        f"(SELECT s.{column} FROM session_summaries AS s "
        f"WHERE s.frontend = p.frontend AND s.session_id = p.session_id) AS {column}"
    )


def _users(frontends: Sequence[AnalystFrontend]) -> str:
    pairs = [(f.name, old, new) for f in frontends for old, new in sorted(f.merges.items())]
    shown = "i.value"
    if pairs:
        keys = ", ".join(f"({_text(name)}, {_text(old)})" for name, old, _ in pairs)
        values = ", ".join(_text(new) for _, _, new in pairs)
        shown = f"transform((toString(i.frontend), i.value), [{keys}], [{values}], i.value)"
    return f"""
        SELECT
            i.frontend AS frontend,
            {shown} AS identifier,
            arraySort(groupUniqArray(i.value)) AS identifiers,
            {_time("min(i.first_event)")} AS first_seen,
            {_time("max(i.last_end)")} AS last_seen,
            uniqExact(i.session_id) AS session_count,
            uniqExact(i.instance_id) AS instance_count,
            length(groupUniqArrayArray(range(
                toUInt32(intDiv(i.first_event, 86400000000)), toUInt32(intDiv(i.last_end, 86400000000)) + 1)))
                AS days_active
        FROM session_index AS i
        WHERE i.aspect = 'user' AND NOT startsWith(i.session_id, '~') AND (i.frontend, i.session_id) NOT IN (
            SELECT frontend, session_id FROM derived_sessions FINAL WHERE void = 1)
        GROUP BY i.frontend, identifier"""


def _by_frontend(column: str, values: Mapping[str, str], otherwise: str) -> str:
    """The value that each frontend has, as SQL."""
    if not values:
        return otherwise
    groups: dict[str, list[str]] = defaultdict(list)
    for name, value in values.items():
        groups[value].append(name)
    cases = ", ".join(f"{_one_of(column, names)}, {value}" for value, names in groups.items())
    return f"multiIf({cases}, {otherwise})"


def _one_of(column: str, names: Sequence[str]) -> str:
    return f"{column} IN ({', '.join(_text(name) for name in names)})"


def _text(value: str) -> str:
    """A string as SQL writes it."""
    escaped = value.replace("\\", "\\\\").replace("'", "\\'").replace("\n", "\\n").replace("\0", "\\0")
    return f"'{escaped}'"
