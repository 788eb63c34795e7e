// Drives the published OpenTelemetry log SDK for JavaScript with its JSON exporter. Arguments: url, ingest key, records.
import { resourceFromAttributes } from "@opentelemetry/resources";
import { BatchLogRecordProcessor, LoggerProvider } from "@opentelemetry/sdk-logs";
import { OTLPLogExporter } from "@opentelemetry/exporter-logs-otlp-http";

const [url, key, records] = process.argv.slice(2);
const exporter = new OTLPLogExporter({ url, headers: { "x-sojourn-key": key }, compression: "gzip" });
const results = [];
const wrapped = {
  export: (batch, done) => exporter.export(batch, (result) => { results.push(result.code); done(result); }),
  forceFlush: () => exporter.forceFlush(),
  shutdown: () => exporter.shutdown(),
};
const provider = new LoggerProvider({
  resource: resourceFromAttributes({ "service.name": "shop", "service.version": "2.0", "device.id": "device-js" }),
  processors: [new BatchLogRecordProcessor({ exporter: wrapped })],
});
const logger = provider.getLogger("shop");
for (const record of JSON.parse(records)) logger.emit(record);
await provider.shutdown();
console.log(JSON.stringify({ results }));
