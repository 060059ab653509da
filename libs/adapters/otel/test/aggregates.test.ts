/** The sums that are exported, held against the SDK's own instruments: whatever is told to both, both export the same. */
import { type MetricName, metrics } from "@nexus/contracts";
import {
  AggregationTemporality,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from "@opentelemetry/sdk-metrics";
import fc from "fast-check";
import { expect, test } from "vitest";
import { Aggregates } from "../src/aggregates.ts";

const scope = { name: "nexus", version: "1" };

/** What a reader exports, without the times, and in an order of its own. */
async function exported(reader: PeriodicExportingMetricReader, exporter: InMemoryMetricExporter): Promise<unknown> {
  await reader.forceFlush();
  const all = exporter.getMetrics().flatMap(({ scopeMetrics }) => scopeMetrics.flatMap((told) => told.metrics));
  exporter.reset();
  return all
    .filter(({ descriptor }) => descriptor.name.startsWith("nexus."))
    .map(({ descriptor: { name, unit, description }, dataPointType, aggregationTemporality, dataPoints }) => ({
      ...{ name, unit, description, dataPointType, aggregationTemporality },
      points: dataPoints
        .map(({ attributes, value }) => ({ of: JSON.stringify(Object.entries(attributes).sort()), value }))
        .sort((a, b) => a.of.localeCompare(b.of)),
    }))
    .sort((a, b) => a.name.localeCompare(b.name));
}

const told = fc.record({
  metric: fc.constantFrom<MetricName>("coordinations", "operationsRepeated", "coordinationDuration", "operationDuration"),
  value: fc.oneof(fc.nat(20_000), fc.constantFrom(-1, 0, 5, 10, 10_000), fc.double({ min: 0, max: 20_000, noNaN: true })),
  attributes: fc.option(
    fc.dictionary(fc.constantFrom("a", "b", "c"), fc.constantFrom<string | number | boolean>("x", "1", 1, true)),
    {
      nil: undefined,
    },
  ),
});

test("whatever is told to them, they export what the SDK's instruments do", async () => {
  const ours = new Aggregates(scope);
  const [own, twin] = [0, 1].map(() => new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE));
  const readers = [
    new PeriodicExportingMetricReader({ exporter: own as InMemoryMetricExporter, metricProducers: [ours] }),
    new PeriodicExportingMetricReader({ exporter: twin as InMemoryMetricExporter }),
  ] as const;
  const providers = readers.map((reader) => new MeterProvider({ readers: [reader] }));
  const meter = (providers[1] as MeterProvider).getMeter("nexus", "1");
  await fc.assert(
    fc.asyncProperty(fc.array(told, { minLength: 1, maxLength: 40 }), async (history) => {
      for (const { metric, value, attributes } of history) {
        const { name, kind, ...meaning } = metrics[metric];
        if (kind === "counter") {
          ours.count(metric, value, attributes);
          meter.createCounter(name, meaning).add(value, attributes);
        } else {
          ours.record(metric, value, attributes);
          meter.createHistogram(name, meaning).record(value, attributes);
        }
      }
      const [got, wanted] = [
        await exported(readers[0], own as InMemoryMetricExporter),
        await exported(readers[1], twin as InMemoryMetricExporter),
      ];
      expect(rounded(got)).toEqual(rounded(wanted));
    }),
    { numRuns: 50 },
  );
  for (const provider of providers) await provider.shutdown();
});

/** Sums of fractions depend on their order in the last digits. */
function rounded(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value).replace(/\d+\.\d+(e-?\d+)?/g, (text) => Number(text).toPrecision(9)));
}

test("M1: beyond 2,000 sets of attributes what is told counts for one set that says so", async () => {
  const ours = new Aggregates(scope);
  for (let i = 0; i < 3_000; i++) ours.count("operationsRepeated", 1, { operation: `o${i % 2_500}` });
  const { resourceMetrics } = await ours.collect();
  const points = resourceMetrics.scopeMetrics[0]?.metrics[0]?.dataPoints ?? [];
  expect(points).toHaveLength(2_000);
  expect(points.at(-1)).toMatchObject({ attributes: { "otel.metric.overflow": true }, value: 501 });
  expect(points[0]).toMatchObject({ attributes: { operation: "o0" }, value: 2 });
});
