import type { GossipConverged } from "@nexus/contracts";
import type { Cluster } from "./cluster.ts";
import type { GossipNode } from "./node.ts";

/** How old a word may be in every question that is asked here. */
export const FRESH_MS = 500;
/** The way of a question and of a last word. */
const MARGIN_MS = 50;

interface Said extends Pick<GossipConverged, "node" | "converged" | "hash"> {
  readonly askedMs: number;
  /** It spoke of all that run. */
  readonly ofAll: boolean;
}

/** Asks again and again whether all have the same, and judges the answers when it is known what all came to have. */
export class Questions {
  readonly #cluster: Cluster;
  readonly #said: Said[] = [];
  readonly #agreed = new Map<string, string>();

  constructor(cluster: Cluster) {
    this.#cluster = cluster;
  }

  async ask(): Promise<GossipConverged | undefined> {
    const { nodes } = this.#cluster;
    const askedMs = performance.now();
    const answer = await this.#cluster.converged(FRESH_MS);
    if (answer === undefined) return undefined;
    const { node, converged, hash, members } = answer;
    const spokenOf = new Set([node, ...members.map((member) => member.node)]);
    this.#said.push({ node, converged, hash, askedMs, ofAll: nodes.every(({ id }) => spokenOf.has(id)) });
    if (converged) this.#agreed.set(node, hash);
    else this.#agreed.delete(node);
    return answer;
  }

  /** @returns the hash that everybody said all have; undefined as long as they do not */
  agreed(nodes: readonly GossipNode[]): string | undefined {
    const hashes = new Set(nodes.map(({ id }) => this.#agreed.get(id)));
    return hashes.size === 1 ? [...hashes][0] : undefined;
  }

  /** Asks until everybody has said that all have the same. @returns the hash of what they have */
  async untilAgreed(what: string): Promise<string> {
    let hash: string | undefined;
    await this.#cluster.until(async () => {
      await this.ask();
      hash = this.agreed(this.#cluster.nodes);
      return hash !== undefined;
    }, what);
    return hash ?? "";
  }

  /**
   * @param sinceMs when something was first hidden from somebody
   * @param hash of what all came to have
   * @returns how often somebody was asked meanwhile, who said wrongly that all have the same, and who did so of those alone
   *   that it held for alive
   */
  judge(sinceMs: number, hash: string) {
    const asked = this.#said.filter(({ askedMs }) => askedMs > sinceMs + FRESH_MS + MARGIN_MS);
    const lacking = asked.filter((said) => said.converged && said.hash !== hash);
    return {
      asked: asked.length,
      wrong: lacking.filter(({ ofAll }) => ofAll),
      ofFewer: lacking.filter(({ ofAll }) => !ofAll).length,
    };
  }
}
