import protobuf, { type INamespace, type IType, type Type } from "protobufjs/light.js";

/**
 * The messages of OTLP that are read and written here, with their fields' numbers; fields that are not named are skipped.
 * https://github.com/open-telemetry/opentelemetry-proto (v1, `trace.proto`, `common.proto`, `trace_service.proto`)
 */

const message = (fields: Record<string, [type: string, id: number, rule?: "repeated"]>, oneof?: string[]): IType => ({
  fields: Object.fromEntries(
    Object.entries(fields).map(([name, [type, id, rule]]) => [name, { type, id, ...(rule === undefined ? {} : { rule }) }]),
  ),
  ...(oneof === undefined ? {} : { oneofs: { value: { oneof } } }),
});

const attributesAt = (id: number): [string, number, "repeated"] => ["KeyValue", id, "repeated"];

const definitions: INamespace = {
  nested: {
    AnyValue: message(
      {
        stringValue: ["string", 1],
        boolValue: ["bool", 2],
        intValue: ["int64", 3],
        doubleValue: ["double", 4],
        arrayValue: ["ArrayValue", 5],
        kvlistValue: ["KeyValueList", 6],
        bytesValue: ["bytes", 7],
      },
      ["stringValue", "boolValue", "intValue", "doubleValue", "arrayValue", "kvlistValue", "bytesValue"],
    ),
    ArrayValue: message({ values: ["AnyValue", 1, "repeated"] }),
    KeyValueList: message({ values: ["KeyValue", 1, "repeated"] }),
    KeyValue: message({ key: ["string", 1], value: ["AnyValue", 2] }),
    Resource: message({ attributes: attributesAt(1) }),
    Scope: message({ name: ["string", 1], version: ["string", 2] }),
    Event: message({ timeUnixNano: ["fixed64", 1], name: ["string", 2], attributes: attributesAt(3) }),
    Link: message({ traceId: ["bytes", 1], spanId: ["bytes", 2] }),
    Status: message({ message: ["string", 2], code: ["int32", 3] }),
    Span: message({
      traceId: ["bytes", 1],
      spanId: ["bytes", 2],
      parentSpanId: ["bytes", 4],
      name: ["string", 5],
      kind: ["int32", 6],
      startTimeUnixNano: ["fixed64", 7],
      endTimeUnixNano: ["fixed64", 8],
      attributes: attributesAt(9),
      events: ["Event", 11, "repeated"],
      links: ["Link", 13, "repeated"],
      status: ["Status", 15],
    }),
    PartialSuccess: message({ rejectedSpans: ["int64", 1], errorMessage: ["string", 2] }),
    ExportResponse: message({ partialSuccess: ["PartialSuccess", 1] }),
    /** `google.rpc.Status`, the body of every failure. */
    Failure: message({ code: ["int32", 1], message: ["string", 2] }),
  },
};

const root = protobuf.Root.fromJSON(definitions);

export const otlpTypes = {
  resource: root.lookupType("Resource"),
  scope: root.lookupType("Scope"),
  span: root.lookupType("Span"),
  exportResponse: root.lookupType("ExportResponse"),
  failure: root.lookupType("Failure"),
} satisfies Record<string, Type>;

/** Where the spans are: field numbers of `ExportTraceServiceRequest`, `ResourceSpans` and `ScopeSpans`. */
export const envelope = { resourceSpans: 1, resource: 1, scopeSpans: 2, scope: 1, spans: 2 } as const;
