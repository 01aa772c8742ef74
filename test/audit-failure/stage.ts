// The language of these trials: a valid request for a mutating operation, on objects made for it alone.
import type { TestUser, TestClient } from '../support/api/app.ts';
import { makeTeam, type Objects } from '../matrix/estate.ts';
import type { World } from '../support/world.ts';

export interface Stage {
  world: World;
  admin: TestUser;
  /** Objects used by no other trial. */
  team(): Promise<Objects>;
}

export interface Prepared {
  /** Who asks; an administrator by default. */
  as?: TestClient;
  params?: Record<string, number>;
  body?: unknown;
}

/** Sets up a request and returns it; the request is valid and succeeds unless blocked. */
export type Trial = (stage: Stage) => Promise<Prepared> | Prepared;

/** By operation id; `reason`: why the operation's effect cannot be prevented. */
export type Trials = Readonly<Record<string, Trial | { reason: string }>>;

export async function makeStage(world: World): Promise<Stage> {
  const admin = await world.user({ admin: true });
  return { world, admin, team: async () => makeTeam(world.db, await world.user()) };
}

/** A trial on an object of a team of its own, by its id. */
export const on =
  (kind: keyof Objects, body?: unknown): Trial =>
  async ({ team }) => ({ params: { id: (await team())[kind] }, body });
