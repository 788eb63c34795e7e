/** The only source of ids. */

/**
 * A UUIDv7: time-ordered, the rest random.
 * @param {number} [milliseconds] since 1970
 */
export function newId(milliseconds = Date.now()) {
  let hex = Math.max(0, Math.floor(milliseconds)).toString(16).padStart(12, "0");
  for (const word of crypto.getRandomValues(new Uint16Array(5))) hex += (word | 0x10000).toString(16).slice(1);
  // 48 bits of time, then 72 random ones between version and variant.
  return hex.replace(/(.{8})(.{4}).(...).(...)/, "$1-$2-7$3-a$4-");
}
