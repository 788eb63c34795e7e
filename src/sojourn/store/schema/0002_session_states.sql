-- What a session amounts to, by stream, as aggregates that are commutative, associative and idempotent:
-- any order, any copy, any batching gives the same. rules/summaries.py is the reference.
-- A place is the sequence number, or, for an event without one, its id's hash with the high bit set.
CREATE TABLE IF NOT EXISTS session_states (
    frontend LowCardinality(String),
    session_id String,
    stream_id String,
    first_event SimpleAggregateFunction(min, Int64),
    last_end SimpleAggregateFunction(max, Int64),
    least_offset SimpleAggregateFunction(min, Int64),
    top_sequence SimpleAggregateFunction(max, Int64),
    places AggregateFunction(groupBitmap, UInt64),
    action_places AggregateFunction(groupBitmap, UInt64),
    error_places AggregateFunction(groupBitmap, UInt64),
    absent_places AggregateFunction(groupBitmap, UInt64),
    substance SimpleAggregateFunction(max, UInt8),
    start_fact SimpleAggregateFunction(min, Tuple(Int64, String, Int64, String, String, String)),
    end_fact SimpleAggregateFunction(max, Tuple(Int64, String, Int64, String, String)),
    user_fact SimpleAggregateFunction(max, Tuple(Int64, String, Int64, String, String)),
    context_fact SimpleAggregateFunction(max, Tuple(
        Int64, String, Int64, String, String, String, String, String, String, String, String, String, String)),
    user_set SimpleAggregateFunction(groupUniqArrayArray, Array(String)),
    first_values SimpleAggregateFunction(minMap, Map(String, Tuple(Int64, String, Int64, String, String))),
    last_values SimpleAggregateFunction(maxMap, Map(String, Tuple(Int64, String, Int64, String, String)))
)
ENGINE = AggregatingMergeTree
ORDER BY (frontend, session_id, stream_id)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1, index_granularity = 256;

CREATE MATERIALIZED VIEW IF NOT EXISTS session_states_of_events TO session_states AS
SELECT
    frontend,
    source_id AS session_id,
    stream_id,
    min(client_timestamp) AS first_event,
    max(client_timestamp + duration) AS last_end,
    min(clock_offset) AS least_offset,
    max(sequence) AS top_sequence,
    groupBitmapState(place) AS places,
    groupBitmapStateIf(place, kind = 'action') AS action_places,
    groupBitmapStateIf(place, kind IN ('error', 'crash')) AS error_places,
    groupBitmapStateIf(place, 0) AS absent_places,
    max(NOT (kind IN ('session_start', 'session_end') OR (kind = 'identify' AND retag = 1))) AS substance,
    min(if(kind = 'session_start',
        (client_timestamp, stream_id, sequence, toString(event_id), start_reason, previous_session_id),
        (9223372036854775807, '', 0, '', '', ''))) AS start_fact,
    max(if(kind = 'session_end',
        (client_timestamp, stream_id, sequence, toString(event_id), toString(end_reason)),
        (-9223372036854775807, '', 0, '', ''))) AS end_fact,
    max(if(user_identifier != '',
        (client_timestamp, stream_id, sequence, toString(event_id), user_identifier),
        (-9223372036854775807, '', 0, '', ''))) AS user_fact,
    max((client_timestamp, stream_id, sequence, toString(event_id), instance_id, app_version, device_type,
        device_manufacturer, device_model, os_name, os_version, browser_name, browser_version)) AS context_fact,
    groupUniqArrayIf(user_identifier, user_identifier != '') AS user_set,
    minMap(mapApply((k, v) -> (toString(k), (client_timestamp, stream_id, sequence, toString(event_id), v)),
        session_properties)) AS first_values,
    maxMap(mapApply((k, v) -> (toString(k), (client_timestamp, stream_id, sequence, toString(event_id), v)),
        session_properties)) AS last_values
FROM (
    SELECT *, if(sequence >= 0, toUInt64(sequence), bitOr(9223372036854775808, sipHash64(event_id))) AS place FROM events
)
GROUP BY frontend, source_id, stream_id;

CREATE MATERIALIZED VIEW IF NOT EXISTS session_states_of_absences TO session_states AS
SELECT
    frontend,
    source_id AS session_id,
    stream_id,
    9223372036854775807 AS first_event,
    -9223372036854775807 AS last_end,
    9223372036854775807 AS least_offset,
    max(sequence) AS top_sequence,
    groupBitmapStateIf(toUInt64(0), 0) AS places,
    groupBitmapStateIf(toUInt64(0), 0) AS action_places,
    groupBitmapStateIf(toUInt64(0), 0) AS error_places,
    groupBitmapState(toUInt64(sequence)) AS absent_places,
    0 AS substance,
    (9223372036854775807, '', 0, '', '', '') AS start_fact,
    (-9223372036854775807, '', 0, '', '') AS end_fact,
    (-9223372036854775807, '', 0, '', '') AS user_fact,
    (-9223372036854775807, '', 0, '', '', '', '', '', '', '', '', '', '') AS context_fact
FROM absences
GROUP BY frontend, source_id, stream_id;

-- Where a list looks first: the sessions with an event in an hour, in the order in which lists are read.
-- One with its first event elsewhere is found again in the hour of that event, and dropped here.
CREATE TABLE IF NOT EXISTS session_hours (
    frontend LowCardinality(String),
    hour Int32,
    session_id String,
    first_event SimpleAggregateFunction(min, Int64)
)
ENGINE = AggregatingMergeTree
ORDER BY (frontend, hour, session_id)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1, index_granularity = 1024;

CREATE MATERIALIZED VIEW IF NOT EXISTS session_hours_of_events TO session_hours AS
SELECT
    frontend,
    toInt32(intDiv(corrected, 3600000000)) AS hour,
    source_id AS session_id,
    min(corrected) AS first_event
FROM (SELECT *, client_timestamp + if(abs(clock_offset) > 2000000, clock_offset, 0) AS corrected FROM events)
GROUP BY frontend, hour, session_id;

-- The sessions of a user, in the order in which the user page reads them.
CREATE TABLE IF NOT EXISTS user_sessions_index (
    frontend LowCardinality(String),
    user_identifier String,
    session_id String,
    instance_id String,
    first_event SimpleAggregateFunction(min, Int64),
    last_end SimpleAggregateFunction(max, Int64)
)
ENGINE = AggregatingMergeTree
ORDER BY (frontend, user_identifier, session_id, instance_id)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1, index_granularity = 1024;

CREATE MATERIALIZED VIEW IF NOT EXISTS user_sessions_index_of_events TO user_sessions_index AS
SELECT
    frontend,
    user_identifier,
    source_id AS session_id,
    instance_id,
    min(corrected) AS first_event,
    max(corrected + duration) AS last_end
FROM (SELECT *, client_timestamp + if(abs(clock_offset) > 2000000, clock_offset, 0) AS corrected FROM events)
WHERE user_identifier != ''
GROUP BY frontend, user_identifier, session_id, instance_id;
