-- Aggregates are not synced at each insert, as events are: the store aggregates the newest events again when it starts.
-- What a session amounts to, by stream, as aggregates that are commutative, associative and idempotent:
-- any order, any copy, any batching gives the same. rules/summaries.py is the reference.
--
-- A fact is text whose order is the total order of events: timestamp (19 digits), stream, tab, sequence + 1 (10 digits),
-- event id (36 characters); what it says follows. So the least and the greatest text are the first and the last fact,
-- and the engine compares plain strings. "" is no fact; the least of facts is kept as a state, where none is neutral.
-- A fact about a property is kept by name and data type, as 'session_properties.tier:string': where the type of its
-- definition is corrected, the first and the last value that fit are there. store/rows.py `value_name` says the same.
-- A place is the sequence number, or, for an event without one, its id's hash with the high bit set.
-- An OpenKit action takes two numbers of its stream: the second one is a place where no event is to come and none was lost.
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
    second_places AggregateFunction(groupBitmap, UInt64),
    substance SimpleAggregateFunction(max, UInt8),
    start_fact AggregateFunction(min, String),
    end_fact SimpleAggregateFunction(max, String),
    user_fact SimpleAggregateFunction(max, String),
    context_fact SimpleAggregateFunction(max, String),
    user_set SimpleAggregateFunction(groupUniqArrayArray, Array(String)),
    first_facts SimpleAggregateFunction(minMap, Map(String, String)),
    last_facts SimpleAggregateFunction(maxMap, Map(String, String))
)
ENGINE = AggregatingMergeTree
ORDER BY (frontend, session_id, stream_id)
SETTINGS min_rows_to_fsync_after_merge = 1, index_granularity = 64,
    min_compress_block_size = 16384, max_compress_block_size = 65536;

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
    groupBitmapStateIf(place, 0) AS second_places,
    max(NOT (kind IN ('session_start', 'session_end') OR (kind = 'identify' AND retag = 1))) AS substance,
    minStateIf(concat(place_in_order, start_reason, '\t', previous_session_id), kind = 'session_start') AS start_fact,
    maxIf(concat(place_in_order, end_reason), kind = 'session_end') AS end_fact,
    maxIf(concat(place_in_order, user_identifier), user_identifier != '') AS user_fact,
    max(concat(place_in_order, instance_id, '\t', context)) AS context_fact,
    groupUniqArrayIf(user_identifier, user_identifier != '') AS user_set,
    minMap(facts) AS first_facts,
    maxMap(facts) AS last_facts
FROM (
    SELECT
        *,
        if(sequence >= 0, toUInt64(sequence), bitOr(9223372036854775808, sipHash64(event_id))) AS place,
        concat(leftPad(toString(client_timestamp), 19, '0'), stream_id, '\t',
            leftPad(toString(sequence + 1), 10, '0'), toString(event_id)) AS place_in_order,
        mapApply((k, v) -> (
            concat(k, multiIf(startsWith(v, '"'), ':string', v IN ('true', 'false'), ':boolean', ':number')),
            concat(place_in_order, v)), session_properties) AS facts
    FROM events
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
    groupBitmapStateIf(toUInt64(sequence), reason = 'dropped_second_number') AS second_places,
    0 AS substance,
    minStateIf('', 0) AS start_fact,
    '' AS end_fact,
    '' AS user_fact,
    '' AS context_fact,
    CAST([], 'Array(String)') AS user_set,
    CAST(map(), 'Map(String, String)') AS first_facts,
    CAST(map(), 'Map(String, String)') AS last_facts
FROM absences
GROUP BY frontend, source_id, stream_id;

-- Where a question looks first: the sessions of an hour (10 digits, hours since 1970), of a user, of an instance.
-- A session is listed under each hour in which it has an event, and found to start in one of them. It is listed under
-- its instance where it has an event without a user.
CREATE TABLE IF NOT EXISTS session_index (
    frontend LowCardinality(String),
    aspect LowCardinality(String),
    value String,
    session_id String,
    instance_id String,
    first_event SimpleAggregateFunction(min, Int64),
    last_end SimpleAggregateFunction(max, Int64),
    INDEX of_instance instance_id TYPE bloom_filter GRANULARITY 1
)
ENGINE = AggregatingMergeTree
ORDER BY (frontend, aspect, value, session_id, instance_id)
SETTINGS min_rows_to_fsync_after_merge = 1, index_granularity = 1024,
    min_compress_block_size = 16384, max_compress_block_size = 65536;

CREATE MATERIALIZED VIEW IF NOT EXISTS session_index_of_events TO session_index AS
SELECT
    frontend,
    tupleElement(listed, 1) AS aspect,
    tupleElement(listed, 2) AS value,
    source_id AS session_id,
    tupleElement(listed, 3) AS instance_id,
    min(corrected) AS first_event,
    max(corrected + duration) AS last_end
FROM (
    SELECT
        frontend,
        source_id,
        duration,
        client_timestamp + if(abs(clock_offset) > 2000000, clock_offset, 0) AS corrected,
        arrayJoin([
            ('hour', leftPad(toString(intDiv(corrected, 3600000000)), 10, '0'), ''),
            if(user_identifier != '', ('user', user_identifier, instance_id), ('instance', instance_id, ''))
        ]) AS listed
    FROM events
)
WHERE value != ''
GROUP BY frontend, aspect, value, session_id, instance_id;
