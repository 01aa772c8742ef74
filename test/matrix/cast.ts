// The callers that try the rules: one holds exactly what a rule needs, one everything else.
import {
  applicationPermissions,
  effectiveSystem,
  hostPermissions,
  modules,
  switchOf,
  type SystemPermission,
} from '../../db/access/permission-catalogue.ts';
import type { TestApp, TestGrants, TestUser } from '../support/api/app.ts';
import { makePersonal, makeTeam, type Objects } from './estate.ts';
import type { SignedInCaller, Needs, RequestPart, Rule } from './rules.ts';

export interface Cast {
  users: Record<SignedInCaller, TestUser>;
  /** The objects that a place means to a caller. */
  objects(caller: SignedInCaller, place: Exclude<RequestPart, 'absent'>): Objects;
  home(caller: SignedInCaller): Objects;
}

type Scopes = Pick<TestGrants, 'application' | 'host'>;

const onTeam = (team: Objects, application: readonly string[], host: readonly string[]): Scopes => ({
  application: { [team.application]: [...application], [team.child]: [...application] },
  host: { [team.host]: [...host] },
});

const allSystem = Object.values(modules).flatMap(({ permissions }) => permissions as readonly SystemPermission[]);

/** All permissions of the modules that grant none of these. */
const systemBut = (lacking: readonly SystemPermission[]): SystemPermission[] =>
  allSystem.filter((one) => {
    const given = effectiveSystem([one, switchOf(one)]);
    return !lacking.some((name) => given.has(name));
  });

/** Everything but that: of modules where a rule is about modules, else on the team's objects. */
function everythingBut(team: Objects, { application = [], host = [], system = [] }: Needs): TestGrants {
  if (system.length > 0) return { system: systemBut(system) };
  return onTeam(
    team,
    applicationPermissions.filter((name) => !application.includes(name)),
    hostPermissions.filter((name) => !host.includes(name)),
  );
}

const exactly = (team: Objects, { application = [], host = [], system = [] }: Needs): TestGrants => ({
  ...onTeam(team, application, host),
  system: [...system],
});

async function grant(t: TestApp, user: TestUser, { application = {}, host = {} }: Scopes): Promise<void> {
  for (const [scope, objects] of Object.entries({ application, host }))
    for (const [objectId, names] of Object.entries(objects))
      for (const permission of names)
        await t.db
          .insertInto('grants')
          .values({ userId: user.id, roleId: null, scope: scope as 'host', objectId: Number(objectId), permission })
          .execute();
}

/** The people and the two teams of a rule. */
export async function makeCast(t: TestApp, { needs, without = needs, maker, member }: Rule): Promise<Cast> {
  const system = [...(needs.system ?? [])];
  // Global rules have no stranger: a permission on every object has no other team.
  const [owner, stranger, other] = [await t.user({ system }), await t.user(), await t.user()];
  const [ours, theirs] = [await makeTeam(t.db, maker ? owner : other), await makeTeam(t.db, maker ? stranger : other)];
  await grant(t, owner, exactly(ours, needs));
  await grant(t, stranger, exactly(theirs, needs));
  const reader = await t.user(everythingBut(ours, without));
  const users = { stranger, reader, owner, admin: await t.user({ admin: true }) };
  if (member) {
    const roles = [...[reader, owner].map((one) => [one, ours] as const), [stranger, theirs] as const];
    for (const [{ id }, { role }] of roles)
      await t.db.insertInto('userRoles').values({ userId: id, roleId: role }).execute();
  }
  const personal = new Map<number, Awaited<ReturnType<typeof makePersonal>>>();
  for (const user of Object.values(users)) personal.set(user.id, await makePersonal(t.db, user.id));
  return {
    users,
    home: (caller) => (caller === 'stranger' ? theirs : ours),
    objects: (caller, place) => (place === 'own' ? { ...ours, ...personal.get(users[caller].id) } : theirs),
  };
}
