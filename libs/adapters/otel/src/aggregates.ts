import { type MetricName, metrics as metricNames, overflowAttribute } from "@nexus/contracts";
import type { Attributes, AttributeValue } from "@nexus/ports";
import { type HrTime, ValueType } from "@opentelemetry/api";
import { millisToHrTime } from "@opentelemetry/core";
import { emptyResource } from "@opentelemetry/resources";
import {
  AggregationTemporality,
  type CollectionResult,
  type DataPoint,
  DataPointType,
  type Histogram,
  type MetricData,
  type MetricProducer,
} from "@opentelemetry/sdk-metrics";

/**
 * Counters and histograms, summed up where they happen: some are told of each operation, and the SDK's own instruments
 * sort, join and hash the attributes of each.
 *
 * Invariants
 * M1. A metric holds at most `SETS_MAX` sets of attributes; what comes beyond counts for one that says so.
 * M2. Sums are cumulative, from the first value of each set; the order of attributes does not matter.
 * M3. What is negative or no number counts for nothing.
 */

/** The SDK's own limit. */
const SETS_MAX = 2_000;
const overflow: Attributes = { [overflowAttribute]: true };
/** https://opentelemetry.io/docs/specs/otel/metrics/sdk/#explicit-bucket-histogram-aggregation */
const boundaries = [0, 5, 10, 25, 50, 75, 100, 250, 500, 750, 1_000, 2_500, 5_000, 7_500, 10_000];

/** Of one set of attributes. */
class Aggregate {
  readonly attributes: Attributes;
  readonly startTime: HrTime = nowHr();
  sum = 0;
  count = 0;
  min = Number.POSITIVE_INFINITY;
  max = Number.NEGATIVE_INFINITY;
  /** Values up to each of the boundaries, and those above all. */
  readonly buckets: number[] = new Array<number>(boundaries.length + 1).fill(0);

  constructor(attributes: Attributes) {
    this.attributes = attributes;
  }

  add(amount: number): void {
    this.sum += amount;
  }

  record(value: number): void {
    this.sum += value;
    this.count++;
    if (value < this.min) this.min = value;
    if (value > this.max) this.max = value;
    let at = 0;
    while (at < boundaries.length && value > (boundaries[at] as number)) at++;
    this.buckets[at] = (this.buckets[at] as number) + 1;
  }
}

/** A step on the way from the attributes of a call, in its order, to their aggregate. */
class Node {
  aggregate: Aggregate | undefined;
  #next: Map<string, Map<AttributeValue, Node>> | undefined;

  find(name: string, value: AttributeValue): Node | undefined {
    return this.#next?.get(name)?.get(value);
  }

  make(name: string, value: AttributeValue): Node {
    this.#next ??= new Map();
    let values = this.#next.get(name);
    if (values === undefined) {
      values = new Map();
      this.#next.set(name, values);
    }
    const node = new Node();
    values.set(value, node);
    return node;
  }
}

class Metric {
  /** By the text of their sorted attributes. */
  readonly #sets = new Map<string, Aggregate>();
  readonly #root = new Node();

  get sets(): Iterable<Aggregate> {
    return this.#sets.values();
  }

  /** O(attributes) */
  of(attributes: Attributes): Aggregate {
    let node: Node | undefined = this.#root;
    for (const name in attributes) {
      node = node.find(name, attributes[name] as AttributeValue);
      if (node === undefined) return this.#unseen(attributes);
    }
    return node.aggregate ?? this.#unseen(attributes);
  }

  #unseen(attributes: Attributes): Aggregate {
    const names = Object.keys(attributes).sort();
    const key = JSON.stringify(names.map((name) => [name, attributes[name]]));
    let set = this.#sets.get(key);
    if (set === undefined) {
      if (this.#sets.size >= SETS_MAX - 1 && attributes !== overflow) return this.of(overflow); // M1
      set = new Aggregate({ ...attributes });
      this.#sets.set(key, set);
    }
    let node = this.#root;
    for (const [name, value] of Object.entries(attributes)) node = node.find(name, value) ?? node.make(name, value);
    node.aggregate = set;
    return set;
  }
}

const none: Attributes = {};

export class Aggregates implements MetricProducer {
  readonly #metrics = new Map<MetricName, Metric>();
  readonly #scope: { readonly name: string; readonly version: string };

  constructor(scope: { readonly name: string; readonly version: string }) {
    this.#scope = scope;
  }

  count(metric: MetricName, amount: number, attributes: Attributes = none): void {
    if (amount >= 0) this.#of(metric).of(attributes).add(amount); // M3
  }

  record(metric: MetricName, value: number, attributes: Attributes = none): void {
    if (value >= 0) this.#of(metric).of(attributes).record(value); // M3
  }

  /** For a reader, which adds it to what the SDK collects, whose resource it takes. */
  async collect(): Promise<CollectionResult> {
    const endTime = nowHr();
    const metrics = [...this.#metrics].map(([name, metric]) => dataOf(name, metric, endTime));
    const scopeMetrics = metrics.length === 0 ? [] : [{ scope: this.#scope, metrics }];
    return { resourceMetrics: { resource: emptyResource(), scopeMetrics }, errors: [] };
  }

  #of(name: MetricName): Metric {
    let metric = this.#metrics.get(name);
    if (metric === undefined) {
      metric = new Metric();
      this.#metrics.set(name, metric);
    }
    return metric;
  }
}

function dataOf(name: MetricName, metric: Metric, endTime: HrTime): MetricData {
  const { name: told, unit, description, kind } = metricNames[name];
  const common = {
    descriptor: { name: told, unit, description, valueType: ValueType.DOUBLE },
    aggregationTemporality: AggregationTemporality.CUMULATIVE, // M2
  };
  const points = <T>(read: (set: Aggregate) => T): DataPoint<T>[] =>
    Array.from(metric.sets, (set) => ({
      attributes: set.attributes,
      startTime: set.startTime,
      endTime,
      value: read(set),
    }));
  return kind === "histogram"
    ? { ...common, dataPointType: DataPointType.HISTOGRAM, dataPoints: points(histogramOf) }
    : { ...common, dataPointType: DataPointType.SUM, isMonotonic: true, dataPoints: points(({ sum }) => sum) };
}

/** A copy: what is exported must not change while it is written. */
function histogramOf({ sum, count, min, max, buckets }: Aggregate): Histogram {
  return { sum, count, min, max, buckets: { boundaries, counts: [...buckets] } };
}

function nowHr(): HrTime {
  return millisToHrTime(Date.now());
}
