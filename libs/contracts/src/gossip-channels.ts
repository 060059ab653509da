import type { Channel } from "./channels.ts";
import type { Subjects } from "./subjects.ts";

/** What is asked of the gossip service, and how its members hear of each other. Frames between members are no one else's. */
export function gossipChannels(
  subjects: Subjects,
  { member, sender }: { readonly member: string; readonly sender: string },
): readonly Channel[] {
  const asked = { from: "client", to: "service", queue: "gossip" } as const;
  return [
    {
      ...asked,
      name: "gossip-put",
      address: subjects.service("gossip", "put"),
      meaning: "Writes a key of the shared state, at any node",
      messages: ["gossip-put"],
      answers: ["gossip-written", "failure"],
    },
    {
      ...asked,
      name: "gossip-get",
      address: subjects.service("gossip", "get"),
      meaning: "Reads the shared state, as one node has it",
      messages: ["gossip-get"],
      answers: ["gossip-page", "failure"],
    },
    {
      ...asked,
      name: "gossip-members",
      address: subjects.service("gossip", "members"),
      meaning: "Who is there, as one node sees it",
      messages: [],
      answers: ["gossip-members", "failure"],
    },
    {
      ...asked,
      name: "gossip-converged",
      address: subjects.service("gossip", "converged"),
      meaning: "Whether every live member has what one node has",
      messages: ["gossip-converged-query"],
      answers: ["gossip-converged", "failure"],
    },
    {
      name: "gossip-announce",
      address: subjects.gossipAnnounce,
      meaning: "A member is there; those that hear it and do not know it tell it who else is",
      from: "service",
      to: "service",
      messages: ["gossip-announce"],
      codecs: ["json"],
    },
    {
      name: "gossip-verdicts",
      address: subjects.gossipVerdicts,
      meaning: "Observers of agents tell routers and each other who does not answer, and who does again",
      from: "service",
      to: "router",
      messages: ["gossip-verdicts"],
      codecs: ["json"],
    },
    {
      name: "gossip-frames",
      address: subjects.gossipNode(member, sender),
      meaning: "What one member tells another",
      from: "service",
      to: "service",
      messages: ["gossip-frame"],
      codecs: ["msgpack"],
    },
  ];
}
