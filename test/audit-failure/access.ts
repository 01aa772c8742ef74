import { Secret, TOTP } from 'otpauth';
import { makeEmailToken, wishEmail } from '../../db/access/email-changes.ts';
import { makeLink } from '../../db/access/password-links.ts';
import { beginSession } from '../../db/access/sessions.ts';
import { unique } from '../support/harness.ts';
import { makePersonal, type Objects } from '../matrix/estate.ts';
import { on, type Prepared, type Stage, type Trial, type Trials } from './stage.ts';

const password = 'correct horse battery';
const another = 'another horse battery';

const withPassword = ({ world }: Stage) => world.user({ password });
const mailAddress = (): string => `${unique()}@example.com`;

/** A user of a team and a role; a member of the role if `held`. */
const membership =
  (path: 'user' | 'role', held: boolean): Trial =>
  async ({ team, world }) => {
    const { user, role } = await team();
    if (held) await world.db.insertInto('userRoles').values({ userId: user, roleId: role }).execute();
    const [id, other] = path === 'user' ? [user, role] : [role, user];
    return { params: { id }, body: [{ id: other }] };
  };

const granted = { application: { view_app: true }, host: { view_host: true } } as const;

const grant =
  (to: 'user' | 'role', scope: 'application' | 'host'): Trial =>
  async ({ team }) => {
    const objects = await team();
    const authorizations = [{ id: objects[scope], permission: granted[scope] }];
    return { params: { id: objects[to] }, body: { authorizations } };
  };

const authorize =
  (to: 'user' | 'role', scope: 'application' | 'host'): Trial =>
  async ({ team }) => {
    const objects = await team();
    return { params: { id: objects[scope] }, body: [{ [to]: { id: objects[to] }, permission: granted[scope] }] };
  };

const grantSystem = (to: keyof Objects): Trial =>
  on(to, { module_name: 'app_mgmt', permissions: { create_app: true } });

/** A logged-in user with a second session elsewhere. */
async function session({ world }: Stage): Promise<Prepared> {
  const { id: userId, username } = await world.user({ password, admin: true });
  const answer = await world.anonymous.post<{ csrf_token: string }>('/auth/login/', { username, password });
  const cookie = (answer.headers.get('set-cookie') ?? '').split(';')[0] ?? '';
  await beginSession(world.db, { userId, remoteAddr: null, userAgent: null, now: new Date() });
  return { as: world.client({ cookie, 'x-csrf-token': answer.body.csrf_token }) };
}

/** A user with a second factor, whose codes are valid whenever the trial runs. */
async function withFactor(stage: Stage) {
  const user = await withPassword(stage);
  const { body } = await user.post<{ secret: string }>('/auth/second-factor/', { password });
  const code = new TOTP({ secret: Secret.fromBase32(body.secret) }).generate();
  const confirmed = await user.post<{ recovery_codes: string[] }>('/auth/second-factor/actions/confirm/', { code });
  return { user, code: confirmed.body.recovery_codes[0] ?? '' };
}

const byFactor: Trial = async (stage) => {
  const { user, code } = await withFactor(stage);
  return { as: user, body: { password, code } };
};

/** Users, roles, grants, tokens, login. */
export const access: Trials = {
  login: async (stage) => {
    const { username } = await withPassword(stage);
    return { as: stage.world.anonymous, body: { username, password } };
  },
  logout: session,
  forgetPassword: { reason: 'answers the same whatever happens; without a mail server it changes nothing' },
  forgetPasswordOf: { reason: 'answers the same whatever happens; without a mail server it changes nothing' },
  resetPassword: async (stage) => {
    const { id: userId, username } = await withPassword(stage);
    const link = { userId, email: `${username}@example.com`, kind: 'reset', now: new Date() } as const;
    const token = await makeLink(stage.world.db, link);
    return { as: stage.world.anonymous, body: { token, new_password: another } };
  },
  createUser: () => ({ body: { username: `u${unique()}`, email: mailAddress(), password } }),
  changeUser: on('user', { name: 'Another name' }),
  disableUser: on('user'),
  enableUser: async ({ team, world }) => {
    const { user: id } = await team();
    await world.db.updateTable('users').set({ status: 'disabled' }).where('id', '=', id).execute();
    return { params: { id } };
  },
  changePassword: async (stage) => {
    const user = await withPassword(stage);
    return { as: user, params: { id: user.id }, body: { original_password: password, new_password: another } };
  },
  setPassword: on('user', { new_password: another }),
  assignRoles: membership('user', false),
  unassignRoles: membership('user', true),
  addRoleUsers: membership('role', false),
  removeRoleUsers: membership('role', true),
  createRole: () => ({ body: { name: unique() } }),
  changeRole: on('role', { description: 'changed' }),
  deleteRole: on('role'),
  grantApplicationToUser: grant('user', 'application'),
  grantHostToUser: grant('user', 'host'),
  grantApplicationToRole: grant('role', 'application'),
  grantHostToRole: grant('role', 'host'),
  grantSystemToUser: grantSystem('user'),
  grantSystemToRole: grantSystem('role'),
  changeUsersAuthorizedOnApplication: authorize('user', 'application'),
  changeRolesAuthorizedOnApplication: authorize('role', 'application'),
  changeUsersAuthorizedOnHost: authorize('user', 'host'),
  changeRolesAuthorizedOnHost: authorize('role', 'host'),
  createAuthToken: async (stage) => ({ as: await withPassword(stage), body: { name: unique(), password } }),
  confirmEmail: async (stage) => {
    const { id: userId } = await withPassword(stage);
    const email = mailAddress();
    await wishEmail(stage.world.db, { userId, email, now: new Date() });
    const token = await makeEmailToken(stage.world.db, userId, email);
    return { as: stage.world.anonymous, body: { token } };
  },
  changeAuthToken: on('token', { description: 'changed' }),
  deleteAuthToken: on('token'),
  loginWithCode: async (stage) => {
    const { user, code } = await withFactor(stage);
    const login = { username: user.username, password };
    const { body } = await stage.world.anonymous.post<{ second_factor: { ticket: string } }>('/auth/login/', login);
    return { as: stage.world.anonymous, body: { ticket: body.second_factor.ticket, code } };
  },
  enrolSecondFactor: async (stage) => ({ as: await withPassword(stage), body: { password } }),
  confirmSecondFactor: async (stage) => {
    const user = await withPassword(stage);
    const { body } = await user.post<{ secret: string }>('/auth/second-factor/', { password });
    const generator = new TOTP({ secret: Secret.fromBase32(body.secret) });
    return { as: user, body: { toJSON: () => ({ code: generator.generate() }) } };
  },
  renewRecoveryCodes: byFactor,
  removeSecondFactor: byFactor,
  resetSecondFactor: async (stage) => ({ params: { id: (await withFactor(stage)).user.id } }),
  deleteSession: async (stage) => {
    const user = await withPassword(stage);
    const { session: id } = await makePersonal(stage.world.db, user.id);
    return { as: user, params: { id }, body: { password } };
  },
  endOtherSessions: async (stage) => ({ ...(await session(stage)), body: { password } }),
  endUserSessions: on('user'),
  endEverybodysSessions: { reason: 'would end the sessions of the other trials; sessions.test.ts asks it alone' },
};
