// Votes to seats to groups: a vote is cast in a person's seat (the voter's own, or that of someone who delegated to
// them), a seat holds one vote, and a group takes as many seats as it needs. Maximum flow by augmenting paths: the
// number of votes seated is the greatest possible after every vote, whatever the order in which they came, and a vote
// that is seated stays seated.

/** A seat that a vote may take, and the groups in which it would count. */
export interface Choice {
  seat: string;
  groups: readonly number[];
}

/** Votes that each group needs, and takes. */
export type Needs = readonly number[];

export interface ApprovalSlot {
  seat: string;
  group: number;
}

/** Where each vote is seated; null when nothing was left for it. */
export type Matching = readonly (ApprovalSlot | null)[];

/** Seats votes, each with the seats that it may take, in the order given. */
export function match(needs: Needs, votes: readonly (readonly Choice[])[]): Matching {
  const flow = new Flow(needs, votes);
  for (const vote of votes.keys()) flow.add(vote);
  return flow.seating();
}

/** Whether one more vote with these choices would find room. */
export function hasRoom(needs: Needs, votes: readonly (readonly Choice[])[], one: readonly Choice[]): boolean {
  const flow = new Flow(needs, [...votes, one]);
  for (const vote of votes.keys()) flow.add(vote);
  return flow.add(votes.length);
}

class Flow {
  readonly #needs: Needs;
  readonly #votes: readonly (readonly Choice[])[];
  /** Groups by seat: what any vote knows of a seat. */
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

  /** Whether the vote found room; what was seated before stays seated, perhaps elsewhere. */
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

  /** Everything is tried once: whatever did not help will not help from elsewhere either. */
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

  /** Empties a seat's place in its group: the seat goes to another group, or its vote to another seat. */
  #leave(name: string): boolean {
    if (!this.#isNew(`left ${name}`)) return false;
    if (this.#route(name)) return true;
    const occupant = this.#occupant(name);
    if (occupant === undefined || !this.#place(occupant)) return false;
    this.#groupOf.delete(name);
    return true;
  }
}
