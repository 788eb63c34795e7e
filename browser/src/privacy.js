/** What each data collection level lets through. */

/** @typedef {"off" | "performance" | "user_behavior"} DataCollectionLevel */
/** @typedef {{dataCollectionLevel: DataCollectionLevel, crashReportingOptedIn: boolean}} UserPrivacyOptions */

/** How much may leave the page. */
export const DataCollectionLevel = /** @type {const} */ ({
  OFF: "off",
  PERFORMANCE: "performance",
  USER_BEHAVIOR: "user_behavior",
});

/**
 * Whether an event of this kind may be recorded.
 * @param {DataCollectionLevel} level
 * @param {string} kind
 */
export const allows = (level, kind) =>
  level == "user_behavior" || (level == "performance" && !/^(event|identify|session_properties)$/.test(kind));
