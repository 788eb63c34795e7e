-- One row a session: merged from the states of its streams, or, where the client's word does not say what belongs to a
-- session, as it was derived. The columns are those of rules/summaries.py.
-- FINAL merges the states of a stream as it reads them in their order: far less memory than a grouping of bitmaps.
-- Places from 2^63 on are events without a number. bitmapSubsetInRange would leave them out too, but ClickHouse before
-- 26.8 counts some of them all the same (its issue 109974), and it takes twice as long.
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
        s.frontend AS frontend,
        s.session_id AS session_id,
        min(s.first_event) AS first_event,
        max(s.last_end) AS last_end,
        min(s.least_offset) AS least_offset,
        sum(bitmapCardinality(s.places)) AS event_count,
        sum(bitmapCardinality(s.action_places)) AS action_count,
        sum(bitmapCardinality(s.error_places)) AS error_count,
        sum(bitmapAndnotCardinality(s.absent_places, bitmapOr(s.places, s.second_places))) AS absent_events,
        sum(s.top_sequence + 1 - toInt64(arrayCount(place -> place < 9223372036854775808,
            bitmapToArray(bitmapOr(s.places, s.absent_places))))) AS missing_events,
        max(s.substance) AS substance,
        minMerge(s.start_fact) AS start,
        max(s.end_fact) AS end,
        max(s.user_fact) AS user,
        max(s.context_fact) AS context,
        arraySort(groupUniqArrayArray(s.user_set)) AS user_identifiers,
        minMap(s.first_facts) AS first_of,
        maxMap(s.last_facts) AS last_of,
        max(s.derived) AS derived
    FROM session_states AS s FINAL
    GROUP BY s.frontend, s.session_id
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
