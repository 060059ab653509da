/**
 * Which of the members watch over something that is no member itself, such as an agent: the same ones wherever it is asked, and
 * few changes when a member comes or goes (rendezvous hashing: Thaler and Ravishankar, 1998). O(members).
 */
export function observersOf(id: string, members: readonly string[], count: number): string[] {
  const best: { readonly member: string; readonly weight: number }[] = [];
  for (const member of members) {
    const weight = weightOf(`${member} ${id}`);
    if (best.length === count && weight <= (best.at(-1)?.weight ?? 0)) continue;
    const place = best.findIndex((other) => weight > other.weight || (weight === other.weight && member < other.member));
    best.splice(place === -1 ? best.length : place, 0, { member, weight });
    best.length = Math.min(best.length, count);
  }
  return best.map(({ member }) => member);
}

/** FNV-1a with a final mix, so that ids that differ in their last letter are spread. */
function weightOf(text: string): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < text.length; index++) hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}
