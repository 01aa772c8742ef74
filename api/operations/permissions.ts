// The vocabulary of permissions. They are checked before the body is validated, so that error messages reveal nothing about
// inaccessible objects: an object the caller may not see is not found; one they may see but not change is refused.
import { mayOnAsked, type Asked } from '../../db/access/caller-grants.ts';
import {
  switchOf,
  type ApplicationPermission,
  type HostPermission,
  type SystemPermission,
} from '../../db/access/permission-catalogue.ts';
import { adminRole, holds, mayOnEach } from '../../db/access/rights.ts';
import type { May, Scope, ScopePermissions, Subject } from '../../db/access/rights.ts';
import { Problem } from '../../workflows/problems/problem.ts';
import type { Ctx } from './context.ts';
import { id as idSchema } from './schemas.ts';

/** The input of a permission check; the body is not validated yet. */
export interface PermissionRequest {
  ctx: Ctx;
  params: Readonly<Record<string, string>>;
  body: unknown;
}

/**
 * Who may call an operation: names for the documentation, and a check that throws `not_allowed` or `not_found`. The handler
 * gets the check's result as `ctx.allowed`, so that an object loaded to check a right on it is not loaded again.
 */
export interface Permission<Allowed = unknown> {
  readonly names: readonly string[];
  /** The object that the check concerns, if the path names it: loaded together with the caller. */
  asked?(params: Readonly<Record<string, string>>): Asked | undefined;
  check(request: PermissionRequest): Promise<Allowed>;
}

/** A permission specific to an area. */
export const permission = <Allowed>(definition: Permission<Allowed>): Permission<Allowed> => definition;

export const notAllowed = (name: string): Problem => new Problem('not_allowed', { permission: name });
export const notFound = (): Problem => new Problem('not_found');

/** Any logged-in user. */
export const signedIn: Permission = { names: [], check: () => Promise.resolve() };

/** The `admin` role. */
export const admin: Permission = {
  names: [adminRole],
  check: ({ ctx }) => (ctx.subject.isAdmin ? Promise.resolve() : Promise.reject(notAllowed(adminRole))),
};

/** The permission that a user lacks: the system permission itself, or its module's switch. */
function lacking(subject: Subject, name: SystemPermission): string {
  const moduleSwitch = switchOf(name);
  return holds(subject, moduleSwitch) ? name : moduleSwitch;
}

/** Throws `not_allowed` unless the caller holds a system permission. */
export function demandSystem(ctx: Ctx, name: SystemPermission): void {
  if (!holds(ctx.subject, name)) throw notAllowed(lacking(ctx.subject, name));
}

/** A permission of a module. */
export const system = (name: SystemPermission): Permission => ({
  names: [name],
  check: async ({ ctx }) => demandSystem(ctx, name),
});

/** Throws `no_such` or `not_allowed` unless the caller holds a permission on every one of these objects. */
export async function demandOnEach<S extends Scope>(
  ctx: Ctx,
  scope: S,
  name: ScopePermissions[S],
  ids: readonly number[],
): Promise<void> {
  if (ids.length === 0) return;
  refuse(scope, name, await mayOnEach(ctx.db, ctx.subject, scope, name, ids));
}

function refuse(scope: Scope, name: string, may: ReadonlyMap<number, May>): void {
  const answers = [...may];
  const hidden = answers.find(([, may]) => may === 'hidden');
  if (hidden) throw new Problem('no_such', { thing: scope, id: hidden[0] });
  if (answers.some(([, may]) => may === 'no')) throw notAllowed(name);
}

/** Throws `no_such` or `not_allowed` unless the caller holds a permission on an object. */
export const demandOn = <S extends Scope>(ctx: Ctx, scope: S, name: ScopePermissions[S], id: number): Promise<void> =>
  demandOnEach(ctx, scope, name, [id]);

/** Source of the object's id: a path parameter's name, or a function. */
type IdSource = string | ((request: PermissionRequest) => unknown);

/** Parses an id from the request; an invalid one is a 404. */
export function requestedId(request: PermissionRequest, from: IdSource): number {
  const parsed = idSchema.safeParse(typeof from === 'string' ? request.params[from] : from(request));
  if (!parsed.success) throw notFound();
  return parsed.data;
}

function askedIn(scope: Scope, from: IdSource, params: Readonly<Record<string, string>>): Asked | undefined {
  const { data: id } = idSchema.safeParse(typeof from === 'string' ? params[from] : undefined);
  return id === undefined ? undefined : { scope, id };
}

const onObject =
  <S extends Scope>(scope: S) =>
  (name: ScopePermissions[S], from: IdSource = 'id'): Permission => ({
    names: [name],
    asked: (params) => askedIn(scope, from, params),
    async check(request) {
      const id = requestedId(request, from);
      const { asked, subject } = request.ctx;
      if (asked?.scope !== scope || asked.id !== id) return demandOn(request.ctx, scope, name, id);
      refuse(scope, name, new Map([[id, mayOnAsked(subject, { ...asked, scope }, name)]]));
    },
  });

/** A permission on the application with the id in the path (or elsewhere: `from`). */
export const application: (name: ApplicationPermission, from?: IdSource) => Permission = onObject('application');

/** A permission on the host with the id in the path (or elsewhere: `from`). */
export const host: (name: HostPermission, from?: IdSource) => Permission = onObject('host');

const onObjects =
  <S extends Scope>(scope: S) =>
  (name: ScopePermissions[S], ids: (body: unknown) => readonly unknown[]): Permission => ({
    names: [name],
    check: ({ ctx, body }) => {
      const parsed = ids(body).map((one) => idSchema.safeParse(one));
      // Invalid ids are left to validation, which comes next.
      return demandOnEach(ctx, scope, name, [...new Set(parsed.flatMap((one) => (one.success ? [one.data] : [])))]);
    },
  });

/** A permission on every application that the body names. */
export const applications: (name: ApplicationPermission, ids: (body: unknown) => readonly unknown[]) => Permission =
  onObjects('application');

/** A permission on every host that the body names. */
export const hosts: (name: HostPermission, ids: (body: unknown) => readonly unknown[]) => Permission =
  onObjects('host');

/** Any one permission suffices; if all fail, a refusal takes precedence over not found. */
export const anyOf = (...permissions: Permission[]): Permission => ({
  names: permissions.flatMap((one) => one.names),
  asked: (params) => permissions.map((one) => one.asked?.(params)).find((one) => one !== undefined),
  async check(request) {
    let refusal: Problem | undefined;
    for (const one of permissions) {
      try {
        await one.check(request);
        return;
      } catch (error) {
        if (!(error instanceof Problem)) throw error;
        if (!refusal || error.problem === 'not_allowed') refusal = error;
      }
    }
    throw refusal ?? notAllowed('');
  },
});
