import { NexusError } from "@nexus/contracts";

/** Tokens without white space and wildcards. White space would end the subject on the wire and begin another argument. */
const literal = /^[^\s.*>]+(?:\.[^\s.*>]+)*$/;
const pattern = /^(?:>|(?:\*|[^\s.*>]+)(?:\.(?:\*|[^\s.*>]+))*(?:\.>)?)$/;

/** For adapters of the bus. @throws NexusError `invalid-field` unless one can publish to the subject */
export function assertLiteralSubject(subject: string): void {
  if (!literal.test(subject)) throw invalid(subject, "dot-separated tokens without white space, `*` and `>`");
}

/** For adapters of the bus. @throws NexusError `invalid-field` unless one can subscribe to the subject */
export function assertSubjectPattern(subject: string): void {
  if (!pattern.test(subject))
    throw invalid(subject, "dot-separated tokens; `*` stands for one token, a last `>` for one or more");
}

function invalid(subject: string, rule: string): NexusError {
  return new NexusError("invalid-field", `subject ${JSON.stringify(subject.slice(0, 80))} must be ${rule}`, { field: "subject" });
}
