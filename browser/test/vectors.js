/** The conformance vectors, their tags replaced. No imports, so that Chromium can run it too. */

const SPECIAL = { NaN: NaN, Infinity: Infinity, "-Infinity": -Infinity, undefined: undefined, refused: null };

/** What a value with tags stands for; see conformance/README.md. */
export function untag(value) {
  if (Array.isArray(value)) return value.map(untag);
  if (value === null || typeof value !== "object") return value;
  const [tag, ...more] = Object.keys(value);
  if (more.length || !tag?.startsWith("$")) {
    return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, untag(inner)]));
  }
  const given = untag(value[tag]);
  switch (tag) {
    case "$special":
      return SPECIAL[given];
    case "$repeat":
      return given[0].repeat(given[1]);
    case "$concat":
      return given.join("");
    case "$numbered":
      return Object.fromEntries(
        Array.from({ length: given[2] - given[1] }, (_, i) => [given[0] + String(given[1] + i).padStart(2, "0"), given[3]]),
      );
    case "$merge":
      return Object.assign({}, ...given);
    default:
      throw new Error(`unknown tag ${tag}`);
  }
}

/** The cases of a table that hold for JavaScript, untagged. */
export const casesOf = (table) => table.filter((one) => !one.only || one.only.includes("javascript")).map(untag);

/**
 * Every case of every table that a client answers for, as `[what, actual, expected]`.
 * `rules` are the modules of src/rules, `vectors` the parsed files, each under its name.
 */
export function* answers({ limits, names, properties, sessions, users, values }, vectors) {
  for (const [name, value] of Object.entries(vectors.limits.limits)) yield [`limit ${name}`, limits[name], value];

  for (const { why, kind, name, valid, says } of casesOf(vectors.names.cases)) {
    const problem = names.nameProblem(name, kind);
    yield [`name: ${why}`, [names.isValidName(name, kind), problem === null], [valid, valid]];
    if (says) yield [`name says: ${why}`, problem.includes(says) || problem, true];
  }
  for (const { why, name, kind, field } of casesOf(vectors.names.split)) {
    yield [`split: ${why}`, names.splitName(name), kind && [kind, field]];
  }
  for (const { why, kind, field, name } of casesOf(vectors.names.join)) {
    yield [`join: ${why}`, names.fullName(kind, field), name];
  }

  for (const { why, value, kept, type, refused } of casesOf(vectors.values.cases)) {
    const cleaned = values.cleanValue(value);
    yield [`value: ${why}`, cleaned, refused ? null : kept];
    if (!refused) yield [`type: ${why}`, values.dataTypeOf(cleaned), type];
  }
  for (const { why, value, data_type, fits } of casesOf(vectors.values.fits)) {
    yield [`fits: ${why}`, values.dataTypeOf(value) === data_type, fits];
  }

  for (const one of casesOf(vectors.properties.cases)) {
    const [kept, first] = properties.cleanProperties("event", one.event_properties);
    const [more, second] = properties.cleanProperties("session", one.session_properties, 50 - Object.keys(kept).length);
    const discards = [...first, ...second].map(({ key, reason }) => [key, reason]);
    yield [`properties: ${one.why}`, kept, one.kept_event_properties];
    yield [`properties: ${one.why}`, more, one.kept_session_properties];
    yield [`discards: ${one.why}`, discards.map(String).sort(), one.discards.map(String).sort()];
  }

  for (const { why, start, steps, ...policy } of casesOf(vectors.sessions.cases)) {
    let life = sessions.newLife(start);
    for (const { at, split, next_deadline } of steps) {
      const due = sessions.splitDue(life, at, policy);
      if (due) life = sessions.newLife(at);
      else sessions.touch(life, at);
      yield [`session: ${why}, at ${at}`, due || null, split];
      if (next_deadline !== undefined) yield [`deadline: ${why}`, sessions.nextDeadline(life, policy), next_deadline];
    }
  }
  for (const { why, frontend_type, ...policy } of casesOf(vectors.sessions.defaults)) {
    yield [`default: ${why}`, { why, ...sessions.defaultPolicy(frontend_type) }, { why, ...policy }];
  }

  for (const { why, identifier, cleaned } of casesOf(vectors.users.clean)) {
    yield [`identifier: ${why}`, users.cleanIdentifier(identifier), cleaned];
  }
  for (const { why, reason, identifier, next } of casesOf(vectors.users.after)) {
    yield [`after: ${why}`, users.identifierAfter(reason, identifier), next];
  }
}

export const FILES = ["limits", "names", "properties", "sessions", "users", "values"];
