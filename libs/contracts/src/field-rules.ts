import type { z } from "zod";

/**
 * Rules between the fields of one object, said once: zod checks them, and the JSON Schemas carry them.
 */
export interface FieldRule {
  /** The rule is about objects in which this field … */
  readonly field: string;
  /** … has this value. */
  readonly is: string;
  /** Fields that it then must have, with what a client is told where one is absent. */
  readonly needs?: Readonly<Record<string, string>>;
  /** Fields that it alone may have, with what a client is told where another one has them. */
  readonly alone?: Readonly<Record<string, string>>;
}

/** For `superRefine`. */
export function checkRules(rules: readonly FieldRule[]): (value: object, context: z.core.$RefinementCtx) => void {
  return (value, context) => {
    const fields = value as Readonly<Record<string, unknown>>;
    const refuse = (path: string, message: string) => context.addIssue({ code: "custom", path: [path], message });
    for (const { field, is, needs = {}, alone = {} } of rules) {
      const applies = fields[field] === is;
      for (const [name, message] of Object.entries(applies ? needs : alone)) {
        if ((fields[name] === undefined) === applies) refuse(name, message);
      }
    }
  };
}

/** For `meta`. */
export function jsonSchemaRules(rules: readonly FieldRule[]): { readonly allOf: readonly object[] } {
  return {
    allOf: rules.flatMap(({ field, is, needs, alone }) => {
      const applies = { properties: { [field]: { const: is } }, required: [field] };
      return [
        ...(needs === undefined ? [] : [{ anyOf: [{ not: applies }, { required: Object.keys(needs) }] }]),
        ...(alone === undefined ? [] : [{ anyOf: [applies, { not: { anyOf: Object.keys(alone).map(having) } }] }]),
      ];
    }),
  };
}

function having(name: string): object {
  return { required: [name] };
}
