/** What each data collection level lets through. */

/** How much may leave the page. @typedef {"off" | "performance" | "user_behavior"} DataCollectionLevel */

/**
 * Whether an event of this kind may be recorded.
 * @param {DataCollectionLevel} level
 * @param {string} kind
 */
export const allows = (level, kind) =>
  level == "user_behavior" || (level == "performance" && !/^(event|identify|session_properties)$/.test(kind));
