// Drives the published Segment library. Arguments: host, write key, JSON list of calls ({type, ...fields}).
import { Analytics } from "@segment/analytics-node";

const [host, writeKey, calls] = process.argv.slice(2);
const analytics = new Analytics({ host, writeKey, flushAt: 100, flushInterval: 50, maxRetries: 0 });
const errors = [];
analytics.on("error", (error) => errors.push(String(error.reason ?? error)));
for (const { type, ...fields } of JSON.parse(calls)) {
  if (fields.timestamp) fields.timestamp = new Date(fields.timestamp);
  analytics[type](fields);
}
await analytics.closeAndFlush();
console.log(JSON.stringify({ errors }));
