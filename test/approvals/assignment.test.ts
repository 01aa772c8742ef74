// One vote counts in one group and in one seat, and the assignment that satisfies most is taken: against trying everything.
import { hasRoom, match } from '../../workflows/approvals/vote-matching.ts';
import type { Choice } from '../../workflows/approvals/vote-matching.ts';
import { numbers } from '../support/approvals/cases.ts';

type Votes = Choice[][];

/** The most votes that can sit, found by trying every combination. */
function most(needs: number[], votes: readonly Choice[][]): number {
  const taken = new Set<string>();
  const filled = needs.map(() => 0);
  const from = (vote: number): number => {
    const choices = votes[vote];
    if (!choices) return 0;
    let best = from(vote + 1);
    for (const { seat: name, groups } of choices)
      for (const group of groups) {
        if (taken.has(name) || (filled[group] ?? 0) >= (needs[group] ?? 0)) continue;
        taken.add(name);
        filled[group] = (filled[group] ?? 0) + 1;
        best = Math.max(best, 1 + from(vote + 1));
        taken.delete(name);
        filled[group] -= 1;
      }
    return best;
  };
  return from(0);
}

interface Case {
  needs: number[];
  seats: Choice[];
  votes: Votes;
}

/** Seats of people who are in some groups; each vote may be cast in a few of them. */
function madeUp(seed: number): Case {
  const next = numbers(seed);
  const needs = Array.from({ length: 1 + next(4) }, () => 1 + next(3));
  const seats = Array.from({ length: 1 + next(7) }, (_, index) => ({
    seat: String(index),
    groups: [...needs.keys()].filter(() => next(2) === 0),
  }));
  const votes = Array.from({ length: next(7) }, () => seats.filter(() => next(3) === 0));
  return { needs, seats, votes };
}

const seeds = Array.from({ length: 400 }, (_, index) => index * 7_919 + 1);
const seatedOf = (seating: readonly unknown[]): number => seating.filter((place) => place !== null).length;

test('as many votes sit as can, whatever the groups and the choices', () => {
  for (const seed of seeds) {
    const { needs, votes } = madeUp(seed);
    expect([seed, seatedOf(match(needs, votes))]).toEqual([seed, most(needs, votes)]);
  }
});

test('a vote sits only where it may, a seat holds one, and no group holds more than it needs', () => {
  for (const seed of seeds) {
    const { needs, votes } = madeUp(seed);
    const seating = match(needs, votes);
    for (const [vote, place] of seating.entries()) {
      if (!place) continue;
      expect(votes[vote]?.find((one) => one.seat === place.seat)?.groups).toContain(place.group);
    }
    const names = seating.flatMap((place) => place?.seat ?? []);
    expect(new Set(names).size).toBe(names.length);
    for (const [group, count] of needs.entries())
      expect(seating.filter((place) => place?.group === group).length).toBeLessThanOrEqual(count);
  }
});

test('the order of the votes does not change how many sit', () => {
  for (const seed of seeds) {
    const { needs, votes } = madeUp(seed);
    const next = numbers(seed + 1);
    const shuffled = votes
      .map((one) => ({ one, at: next(1_000) }))
      .sort((a, b) => a.at - b.at)
      .map(({ one }) => one);
    expect(seatedOf(match(needs, shuffled))).toBe(seatedOf(match(needs, votes)));
  }
});

test('there is room for one more exactly when one more would sit', () => {
  for (const seed of seeds) {
    const { needs, seats, votes } = madeUp(seed);
    for (const one of [...seats.map((choice) => [choice]), seats]) {
      const grows = most(needs, [...votes, one]) > most(needs, votes);
      expect([seed, one, hasRoom(needs, votes, one)]).toEqual([seed, one, grows]);
    }
  }
});

test('a vote that sits stays seated when others come', () => {
  for (const seed of seeds) {
    const { needs, votes } = madeUp(seed);
    const before = match(needs, votes.slice(0, -1));
    const after = match(needs, votes);
    for (const [vote, place] of before.entries()) if (place !== null) expect(after[vote]).not.toBeNull();
  }
});
