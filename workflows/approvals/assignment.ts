// Votes to places: one vote counts in one group, and the assignment that satisfies most is taken. A place is a listed
// user's own (so that he and whoever votes for him count once) or a whole group's. Votes are seated one by one, each
// moving others where that makes room, so that the number of seats taken is the greatest possible after every vote,
// whatever the order in which they came.

export interface Place {
  group: number;
  /** How many may sit here. */
  room: number;
}

export interface Hall {
  /** Votes that each group needs, and takes. */
  seats: readonly number[];
  places: readonly Place[];
}

/** Who sits where: for each vote a place, or null when none was left for it. */
export type Seating = readonly (number | null)[];

/** Seats votes, each with the places that it may take, in the order given. */
export function seat(hall: Hall, choices: readonly (readonly number[])[]): Seating {
  const seating: (number | null)[] = choices.map(() => null);
  for (const vote of choices.keys()) move(new Search(hall, choices, seating), vote);
  return seating;
}

/** Whether one more vote that may sit at `place` would find room. */
export function hasRoom(hall: Hall, choices: readonly (readonly number[])[], seating: Seating, place: number): boolean {
  return move(new Search(hall, [...choices, [place]], [...seating, null]), choices.length);
}

class Search {
  readonly hall: Hall;
  readonly choices: readonly (readonly number[])[];
  readonly seating: (number | null)[];
  readonly places = new Set<number>();
  readonly groups = new Set<number>();
  readonly votes = new Set<number>();

  constructor(hall: Hall, choices: readonly (readonly number[])[], seating: (number | null)[]) {
    this.hall = hall;
    this.choices = choices;
    this.seating = seating;
  }

  group(place: number): number {
    return this.hall.places[place]?.group ?? 0;
  }

  seated(at: (place: number) => boolean): number[] {
    return [...this.seating.keys()].filter((vote) => {
      const place = this.seating[vote] ?? null;
      return place !== null && at(place);
    });
  }
}

/** Everything is tried once: whatever did not help will not help from elsewhere either. */
function move(search: Search, vote: number): boolean {
  if (search.votes.has(vote)) return false;
  search.votes.add(vote);
  const to = (search.choices[vote] ?? []).find((place) => makeRoom(search, place));
  if (to === undefined) return false;
  search.seating[vote] = to;
  return true;
}

function makeRoom(search: Search, place: number): boolean {
  if (search.places.has(place)) return false;
  search.places.add(place);
  const here = search.seated((other) => other === place);
  if (here.length < (search.hall.places[place]?.room ?? 0) && makeRoomIn(search, search.group(place))) return true;
  return here.some((vote) => move(search, vote));
}

function makeRoomIn(search: Search, group: number): boolean {
  if (search.groups.has(group)) return false;
  search.groups.add(group);
  const inside = search.seated((place) => search.group(place) === group);
  return inside.length < (search.hall.seats[group] ?? 0) || inside.some((vote) => move(search, vote));
}
