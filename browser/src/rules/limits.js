/** Every number that the rules know, as in `src/sojourn/rules/limits.py`. Times are integers in microseconds. */

export const SECOND = 1_000_000;
export const MINUTE = 60 * SECOND;
export const HOUR = 60 * MINUTE;
export const DAY = 24 * HOUR;

/** Characters of a full property name, its prefix included. */
export const MAX_PROPERTY_NAME = 100;
/** Code points of a string value; a longer one is cut. */
export const MAX_STRING_VALUE = 5_000;
/** Property definitions of one frontend. */
export const MAX_DEFINITIONS = 50;
/** Properties that an event keeps: the first in key order. */
export const MAX_EVENT_PROPERTIES = 50;
/** Code points of a user identifier; a longer one is cut. */
export const MAX_USER_IDENTIFIER = 250;
/** Code points of an event's, action's or view's name; a longer one is cut. */
export const MAX_NAME = 250;
/** Characters of a session, stream, instance or action id. */
export const MAX_ID = 100;
/** Built-in facts (attributes) of one event. */
export const MAX_ATTRIBUTES = 32;
/** Code points of an attribute's value; a longer one is cut. */
export const MAX_ATTRIBUTE_VALUE = 32_000;
/** The highest sequence number of a stream. */
export const MAX_SEQUENCE = 2 ** 31 - 1;
/** Levels of actions below the root action. */
export const MAX_ACTION_DEPTH = 9;
export const MAX_EVENT_DURATION = 7 * DAY;

export const IDLE_TIMEOUT_WEB = 30 * MINUTE;
export const IDLE_TIMEOUT_OTHER = 10 * MINUTE;
export const MAX_DURATION = 6 * HOUR;
export const SHORTEST_IDLE_TIMEOUT = SECOND;
export const LONGEST_MAX_DURATION = 7 * DAY;

/** How old an event may be when it arrives. */
export const MAX_EVENT_AGE = 30 * DAY;
/** How far in the future an event's corrected time may be. */
export const MAX_EVENT_LEAD = HOUR;
/** A clock offset up to this is not corrected. */
export const SKEW_TOLERANCE = 2 * SECOND;
