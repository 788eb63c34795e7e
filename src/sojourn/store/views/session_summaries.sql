-- One row a session: merged from the states of its streams, or, where the client's word does not say what belongs to a
-- session, as it was derived. The columns are those of rules/summaries.py.
-- first_values and last_values hold JSON scalars by name and data type, as 'session_properties.tier:string'.
CREATE OR REPLACE VIEW session_summaries AS
WITH f -> substring(f, position(f, '\t') + 47) AS said
SELECT
    frontend,
    session_id,
    splitByChar('\t', said(context), 2) AS instance_and_context,
    instance_and_context[1] AS instance_id,
    splitByChar('\t', said(start), 2)[2] AS previous_session_id,
    least_offset AS clock_offset,
    if(abs(least_offset) > 2000000, least_offset, 0) AS skew,
    first_event + skew AS start_time,
    last_end + skew AS end_time,
    last_end - first_event AS duration,
    splitByChar('\t', said(start), 2)[1] AS start_reason,
    said(end) AS end_reason,
    said(user) AS user_identifier,
    user_identifiers,
    event_count,
    action_count,
    error_count,
    missing_events,
    absent_events,
    substance = 0 AS empty,
    JSONExtractString(instance_and_context[2], 'app_version') AS app_version,
    JSONExtractString(instance_and_context[2], 'device_type') AS device_type,
    JSONExtractString(instance_and_context[2], 'device_manufacturer') AS device_manufacturer,
    JSONExtractString(instance_and_context[2], 'device_model') AS device_model,
    JSONExtractString(instance_and_context[2], 'os_name') AS os_name,
    JSONExtractString(instance_and_context[2], 'os_version') AS os_version,
    JSONExtractString(instance_and_context[2], 'browser_name') AS browser_name,
    JSONExtractString(instance_and_context[2], 'browser_version') AS browser_version,
    mapApply((k, v) -> (k, said(v)), first_of) AS first_values,
    mapApply((k, v) -> (k, said(v)), last_of) AS last_values
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
        minMerge(start_) AS start,
        max(end_) AS end,
        max(user_) AS user,
        max(context_) AS context,
        arraySort(groupUniqArrayArray(user_set_)) AS user_identifiers,
        minMap(first_facts_) AS first_of,
        maxMap(last_facts_) AS last_of,
        max(derived_) AS derived
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
            minMergeState(start_fact) AS start_,
            max(end_fact) AS end_,
            max(user_fact) AS user_,
            max(context_fact) AS context_,
            groupUniqArrayArray(user_set) AS user_set_,
            minMap(first_facts) AS first_facts_,
            maxMap(last_facts) AS last_facts_,
            max(derived) AS derived_
        FROM session_states
        GROUP BY frontend, session_id, stream_id
    )
    GROUP BY frontend, session_id
)
WHERE first_event < 9223372036854775807 AND derived = 0 AND NOT startsWith(session_id, '~')
UNION ALL
SELECT
    frontend,
    session_id,
    [instance_id, context] AS instance_and_context,
    instance_id,
    previous_session_id,
    clock_offset,
    if(abs(clock_offset) > 2000000, clock_offset, 0) AS skew,
    start_time,
    end_time,
    end_time - start_time AS duration,
    start_reason,
    end_reason,
    user_identifier,
    user_identifiers,
    event_count,
    action_count,
    error_count,
    missing_events,
    absent_events,
    empty,
    JSONExtractString(context, 'app_version') AS app_version,
    JSONExtractString(context, 'device_type') AS device_type,
    JSONExtractString(context, 'device_manufacturer') AS device_manufacturer,
    JSONExtractString(context, 'device_model') AS device_model,
    JSONExtractString(context, 'os_name') AS os_name,
    JSONExtractString(context, 'os_version') AS os_version,
    JSONExtractString(context, 'browser_name') AS browser_name,
    JSONExtractString(context, 'browser_version') AS browser_version,
    first_values,
    last_values
FROM derived_sessions FINAL
WHERE void = 0;
