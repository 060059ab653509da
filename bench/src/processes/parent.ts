/** The side of a role's process that speaks with the bench: it says when it is ready, works orders off, ends on SIGTERM. */

/** What a role says of itself when it is ready, such as its port. */
export type Told = Readonly<Record<string, string>>;

export type FromRole<Answer> =
  | { readonly kind: "ready"; readonly told: Told }
  | { readonly kind: "mark"; readonly mark: "begin" | "end" }
  | { readonly kind: "done"; readonly answer: Answer }
  | { readonly kind: "failed"; readonly message: string };

/** To be called once, when the role can do its work. @param end what is to be ended first */
export function ready(end: () => Promise<void> | void = () => {}, told: Told = {}): void {
  process.once("SIGTERM", () => {
    // An exit by this call, unlike one by the signal, writes the processor profile.
    void Promise.resolve(end()).finally(() => process.exit(0));
  });
  process.once("SIGINT", () => {}); // from a terminal it reaches the bench as well, which ends the roles in order
  tell({ kind: "ready", told });
}

/** As `ready`, for a role that works off one order after another. */
export function serveParent<Order, Answer>(work: (order: Order, mark: (mark: "begin" | "end") => void) => Promise<Answer>): void {
  process.on("message", (order) => {
    work(order as Order, (mark) => tell({ kind: "mark", mark })).then(
      (answer) => tell({ kind: "done", answer }),
      (error: unknown) => tell({ kind: "failed", message: error instanceof Error ? error.message : String(error) }),
    );
  });
  ready();
}

function tell(message: FromRole<unknown>): void {
  process.send?.(message);
}
