/**
 * Which stand-in images have to be built, in which order and out of what. Pure; stand-ins.ts carries it out.
 *
 * Invariants
 * P1. What an image is built on comes before it.
 * P2. Nothing is built that nobody asked for.
 */

export type StandInName = "node" | "nats" | "redis" | "jaeger";

export type StandIn =
  | { readonly name: "debian"; readonly from: "debootstrap" }
  | {
      readonly name: StandInName;
      readonly from: "debian" | "node";
      /** The build argument that names what it is built on. */
      readonly argument: "DEBIAN_IMAGE" | "NODE_IMAGE";
      /** Its RUN steps install Debian packages. */
      readonly needsNetwork: boolean;
    };

/** @param missing images that can be had nowhere; a Node image that can be had is what Jaeger's stand-in is built on */
export function planStandIns(missing: readonly StandInName[]): StandIn[] {
  const wants = (name: StandInName) => missing.includes(name);
  const plan: StandIn[] = [];
  if (wants("node") || wants("nats") || wants("redis")) plan.push({ name: "debian", from: "debootstrap" });
  if (wants("node")) plan.push({ name: "node", from: "debian", argument: "DEBIAN_IMAGE", needsNetwork: false });
  if (wants("nats")) plan.push({ name: "nats", from: "debian", argument: "DEBIAN_IMAGE", needsNetwork: true });
  if (wants("redis")) plan.push({ name: "redis", from: "debian", argument: "DEBIAN_IMAGE", needsNetwork: true });
  if (wants("jaeger")) plan.push({ name: "jaeger", from: "node", argument: "NODE_IMAGE", needsNetwork: true });
  return plan;
}
