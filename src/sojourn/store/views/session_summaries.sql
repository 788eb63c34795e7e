-- One row a session, merged from the states of its streams; the columns are those of rules/summaries.py.
CREATE OR REPLACE VIEW session_summaries AS
SELECT
    frontend,
    session_id,
    tupleElement(context, 5) AS instance_id,
    tupleElement(start, 6) AS previous_session_id,
    least_offset AS clock_offset,
    if(abs(least_offset) > 2000000, least_offset, 0) AS skew,
    first_event + skew AS start_time,
    last_end + skew AS end_time,
    last_end - first_event AS duration,
    tupleElement(start, 5) AS start_reason,
    tupleElement(end, 5) AS end_reason,
    tupleElement(user, 5) AS user_identifier,
    user_identifiers,
    event_count,
    action_count,
    error_count,
    missing_events,
    absent_events,
    substance = 0 AS empty,
    tupleElement(context, 6) AS app_version,
    tupleElement(context, 7) AS device_type,
    tupleElement(context, 8) AS device_manufacturer,
    tupleElement(context, 9) AS device_model,
    tupleElement(context, 10) AS os_name,
    tupleElement(context, 11) AS os_version,
    tupleElement(context, 12) AS browser_name,
    tupleElement(context, 13) AS browser_version,
    mapApply((k, v) -> (k, tupleElement(v, 5)), first_of) AS first_values,
    mapApply((k, v) -> (k, tupleElement(v, 5)), last_of) AS last_values
FROM (
    SELECT
        frontend,
        session_id,
        min(first_event_) AS first_event,
        max(last_end_) AS last_end,
        min(least_offset_) AS least_offset,
        sum(bitmapCardinality(places_)) AS event_count,
        sum(bitmapCardinality(action_places_)) AS action_count,
        sum(bitmapCardinality(error_places_)) AS error_count,
        sum(bitmapAndnotCardinality(absent_places_, places_)) AS absent_events,
        sum(top_sequence_ + 1 - toInt64(bitmapCardinality(bitmapSubsetInRange(
            bitmapOr(places_, absent_places_), toUInt64(0), toUInt64(9223372036854775808))))) AS missing_events,
        max(substance_) AS substance,
        min(start_) AS start,
        max(end_) AS end,
        max(user_) AS user,
        max(context_) AS context,
        arraySort(groupUniqArrayArray(user_set_)) AS user_identifiers,
        minMap(first_values_) AS first_of,
        maxMap(last_values_) AS last_of
    FROM (
        SELECT
            frontend,
            session_id,
            stream_id,
            min(first_event) AS first_event_,
            max(last_end) AS last_end_,
            min(least_offset) AS least_offset_,
            max(top_sequence) AS top_sequence_,
            groupBitmapMergeState(places) AS places_,
            groupBitmapMergeState(action_places) AS action_places_,
            groupBitmapMergeState(error_places) AS error_places_,
            groupBitmapMergeState(absent_places) AS absent_places_,
            max(substance) AS substance_,
            min(start_fact) AS start_,
            max(end_fact) AS end_,
            max(user_fact) AS user_,
            max(context_fact) AS context_,
            groupUniqArrayArray(user_set) AS user_set_,
            minMap(first_values) AS first_values_,
            maxMap(last_values) AS last_values_
        FROM session_states
        GROUP BY frontend, session_id, stream_id
    )
    GROUP BY frontend, session_id
)
WHERE first_event < 9223372036854775807;
