// One vote counts in one group, and the assignment that satisfies most is taken: against trying everything.
import { hasRoom, seat } from '../../workflows/approvals/assignment.ts';
import type { Hall } from '../../workflows/approvals/assignment.ts';
import { numbers } from './cases.ts';

/** The most votes that can sit, found by trying every combination. */
function most(hall: Hall, choices: readonly (readonly number[])[]): number {
  const taken = hall.places.map(() => 0);
  const filled = hall.seats.map(() => 0);
  const from = (vote: number): number => {
    const options = choices[vote];
    if (!options) return 0;
    let best = from(vote + 1);
    for (const place of options) {
      const { group, room } = hall.places[place] ?? { group: 0, room: 0 };
      if ((taken[place] ?? 0) >= room || (filled[group] ?? 0) >= (hall.seats[group] ?? 0)) continue;
      taken[place] = (taken[place] ?? 0) + 1;
      filled[group] = (filled[group] ?? 0) + 1;
      best = Math.max(best, 1 + from(vote + 1));
      taken[place] -= 1;
      filled[group] -= 1;
    }
    return best;
  };
  return from(0);
}

interface Case {
  hall: Hall;
  choices: number[][];
}

function madeUp(seed: number): Case {
  const next = numbers(seed);
  const seats = Array.from({ length: 1 + next(4) }, () => 1 + next(3));
  const places = seats.flatMap((count, group) =>
    next(2) === 0 ? [{ group, room: count }] : Array.from({ length: count + next(2) }, () => ({ group, room: 1 })),
  );
  const choices = Array.from({ length: next(7) }, () => [...places.keys()].filter(() => next(3) === 0));
  return { hall: { seats, places }, choices };
}

const seeds = Array.from({ length: 400 }, (_, index) => index * 7_919 + 1);
const seatedOf = (seating: readonly (number | null)[]): number => seating.filter((place) => place !== null).length;

test('as many votes sit as can, whatever the groups and the choices', () => {
  for (const seed of seeds) {
    const { hall, choices } = madeUp(seed);
    expect([seed, seatedOf(seat(hall, choices))]).toEqual([seed, most(hall, choices)]);
  }
});

test('nobody sits where he may not, no place and no group holds more than it can', () => {
  for (const seed of seeds) {
    const { hall, choices } = madeUp(seed);
    const seating = seat(hall, choices);
    for (const [vote, place] of seating.entries()) if (place !== null) expect(choices[vote]).toContain(place);
    for (const [place, { room }] of hall.places.entries())
      expect(seating.filter((one) => one === place).length).toBeLessThanOrEqual(room);
    for (const [group, count] of hall.seats.entries())
      expect(seating.filter((one) => one !== null && hall.places[one]?.group === group).length).toBeLessThanOrEqual(
        count,
      );
  }
});

test('the order of the votes does not change how many sit', () => {
  for (const seed of seeds) {
    const { hall, choices } = madeUp(seed);
    const next = numbers(seed + 1);
    const shuffled = choices
      .map((one) => ({ one, at: next(1_000) }))
      .sort((a, b) => a.at - b.at)
      .map(({ one }) => one);
    expect(seatedOf(seat(hall, shuffled))).toBe(seatedOf(seat(hall, choices)));
  }
});

test('there is room for one more exactly when one more would sit', () => {
  for (const seed of seeds) {
    const { hall, choices } = madeUp(seed);
    const seating = seat(hall, choices);
    for (const place of hall.places.keys()) {
      const grows = most(hall, [...choices, [place]]) > most(hall, choices);
      expect([seed, place, hasRoom(hall, choices, seating, place)]).toEqual([seed, place, grows]);
    }
  }
});

test('a vote that sits stays seated when others come', () => {
  for (const seed of seeds) {
    const { hall, choices } = madeUp(seed);
    const before = seat(hall, choices.slice(0, -1));
    const after = seat(hall, choices);
    for (const [vote, place] of before.entries()) if (place !== null) expect(after[vote]).not.toBeNull();
  }
});
