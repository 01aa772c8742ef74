// Maximum bipartite matching of votes to approval slots, by augmenting paths. A vote takes a seat (the voter's own, or that
// of a delegator), a seat holds one vote, and a group takes the seats it needs. The number of placed votes is maximal after
// every vote, whatever the order, and a placed vote stays placed.

/** A seat that a vote may take, and the groups in which it would count. */
export interface Choice {
  seat: string;
  groups: readonly number[];
}

/** The number of votes that each group needs, and takes. */
type Needs = readonly number[];

interface ApprovalSlot {
  seat: string;
  group: number;
}

/** The slot of each vote; null when no slot was left. */
type Matching = readonly (ApprovalSlot | null)[];

/** Matches votes, each with its possible seats, in the given order. */
export function match(needs: Needs, votes: readonly (readonly Choice[])[]): Matching {
  const flow = new Flow(needs, votes);
  for (const vote of votes.keys()) flow.add(vote);
  return flow.seating();
}

/** Whether one more vote with these choices could be placed. */
export function hasRoom(needs: Needs, votes: readonly (readonly Choice[])[], one: readonly Choice[]): boolean {
  const flow = new Flow(needs, [...votes, one]);
  for (const vote of votes.keys()) flow.add(vote);
  return flow.add(votes.length);
}

class Flow {
  readonly #needs: Needs;
  readonly #votes: readonly (readonly Choice[])[];
  /** Groups by seat, merged over all votes. */
  readonly #groupsOf = new Map<string, Set<number>>();
  readonly #seatOf = new Map<number, string>();
  readonly #groupOf = new Map<string, number>();
  #seen = new Set<string>();

  constructor(needs: Needs, votes: readonly (readonly Choice[])[]) {
    this.#needs = needs;
    this.#votes = votes;
    for (const { seat: name, groups } of votes.flat())
      this.#groupsOf.set(name, new Set([...(this.#groupsOf.get(name) ?? []), ...groups]));
  }

  /** Whether the vote was placed; earlier votes stay placed, but may move. */
  add(vote: number): boolean {
    this.#seen = new Set();
    return this.#place(vote);
  }

  seating(): Matching {
    return [...this.#votes.keys()].map((vote) => {
      const name = this.#seatOf.get(vote);
      return name === undefined ? null : { seat: name, group: this.#groupOf.get(name) ?? 0 };
    });
  }

  /** Visits each node once: a node that did not help will not help on another path. */
  #isNew(node: string): boolean {
    if (this.#seen.has(node)) return false;
    this.#seen.add(node);
    return true;
  }

  #place(vote: number): boolean {
    if (!this.#isNew(`vote ${vote}`)) return false;
    const found = (this.#votes[vote] ?? []).find(({ seat: name }) => this.#take(name));
    if (found) this.#seatOf.set(vote, found.seat);
    return found !== undefined;
  }

  #take(name: string): boolean {
    if (!this.#isNew(`taken ${name}`)) return false;
    const occupant = this.#occupant(name);
    return occupant === undefined ? this.#route(name) : this.#place(occupant);
  }

  #occupant(name: string): number | undefined {
    return [...this.#seatOf].find(([, taken]) => taken === name)?.[0];
  }

  #route(name: string): boolean {
    const group = [...(this.#groupsOf.get(name) ?? [])].find((one) => this.#enter(one));
    if (group !== undefined) this.#groupOf.set(name, group);
    return group !== undefined;
  }

  #enter(group: number): boolean {
    if (!this.#isNew(`group ${group}`)) return false;
    const inside = [...this.#groupOf].filter(([, one]) => one === group).map(([name]) => name);
    return inside.length < (this.#needs[group] ?? 0) || inside.some((name) => this.#leave(name));
  }

  /** Frees a seat's slot in its group: moves the seat to another group, or its vote to another seat. */
  #leave(name: string): boolean {
    if (!this.#isNew(`left ${name}`)) return false;
    if (this.#route(name)) return true;
    const occupant = this.#occupant(name);
    if (occupant === undefined || !this.#place(occupant)) return false;
    this.#groupOf.delete(name);
    return true;
  }
}
