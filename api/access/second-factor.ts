import { z } from 'zod';
import {
  confirmFactor,
  enrolFactor,
  factorPurpose,
  findFactor,
  newRecoveryCodes,
  recoveryCodesLeft,
  removeFactor,
} from '../../db/access/second-factors.ts';
import { endSessions } from '../../db/access/sessions.ts';
import { invalidField, Problem } from '../../workflows/problems/problem.ts';
import { change } from '../operations/change.ts';
import type { ChangeCtx, Ctx } from '../operations/context.ts';
import { endpoint } from '../operations/endpoint.ts';
import { admin, notAllowed, signedIn } from '../operations/permissions.ts';
import { done, iso, success, time } from '../operations/schemas.ts';
import { demandOwnCode, givenCode, takeGeneratedCode } from './codes.ts';
import { forgetCodeAttempts, takeCodeAttempt } from './login-limits.ts';
import { demandOwnPassword, givenPassword } from './reauthenticate.ts';
import { accessEntry } from './text.ts';
import { newTotpSecret, totpUri } from './totp.ts';
import { mustFind } from './users.ts';
import { msg } from '../../kit/messages/message.ts';
import { auditText } from '../../kit/messages/audit-text.ts';

const own = { area: 'access', permission: signedIn } as const;
const path = '/auth/second-factor/';

type OwnChange = `second_factor_${'begun' | 'enabled' | 'removed'}` | 'recovery_codes_renewed';

const auditOwn = (ctx: ChangeCtx, opType: OwnChange): void => {
  const { id, username } = ctx.actor.user;
  ctx.audit(accessEntry(opType, 'user', { id, name: username }, auditText(opType)));
};

const getSecondFactor = endpoint({
  ...own,
  method: 'get',
  path,
  id: 'getSecondFactor',
  summary: 'The own second factor',
  description: 'Whether logins need a code, and whether one has to be set up before anything else is allowed.',
  whileFactorDue: true,
  returns: z.object({
    enabled: z.boolean(),
    due: z.boolean(),
    confirmed_time: time.nullable(),
    recovery_codes_left: z.int(),
  }),
  async handle(_input, { db, actor }) {
    const factor = await findFactor(db, actor.user.id);
    return {
      enabled: actor.secondFactor,
      due: actor.secondFactorDue,
      confirmed_time: iso(factor?.confirmedTime ?? null),
      recovery_codes_left: await recoveryCodesLeft(db, actor.user.id),
    };
  },
});

const enrolSecondFactor = change({
  ...own,
  method: 'post',
  path,
  id: 'enrolSecondFactor',
  summary: 'Start to set up a second factor',
  description:
    'Returns the secret for an authenticator (TOTP: SHA-1, six digits, 30 seconds), once. It has no effect until ' +
    'it is confirmed by a code; until then another call gives another one.',
  whileFactorDue: true,
  body: z.object({ password: givenPassword }),
  returns: z.object({
    secret: z.string().meta({ description: 'Base32, for typing' }),
    uri: z.string().meta({ description: 'otpauth://, for a QR code' }),
  }),
  status: 201,
  secretAnswer: true,
  problems: ['second_factor_exists', 'too_many_requests'],
  prepare: ({ body }, ctx) => demandOwnPassword(ctx, body.password),
  async handle(_input, ctx) {
    const { id: userId, username } = ctx.actor.user;
    const secret = newTotpSecret();
    const sealed = ctx.secrets.seal(factorPurpose(userId), secret);
    if (!(await enrolFactor(ctx.tx, { userId, secret: sealed, now: ctx.now() })))
      throw new Problem('second_factor_exists');
    auditOwn(ctx, 'second_factor_begun');
    return { secret, uri: totpUri(secret, username) };
  },
});

const recoveryCodes = z.object({
  recovery_codes: z.array(z.string()).meta({ description: 'Each is good for one login without the authenticator' }),
});

const confirmSecondFactor = change({
  ...own,
  method: 'post',
  path: `${path}actions/confirm/`,
  id: 'confirmSecondFactor',
  summary: 'Confirm the second factor by a code',
  description: 'From then on logins need a code. Returns the recovery codes, once; other sessions end.',
  whileFactorDue: true,
  body: z.object({ code: givenCode }),
  returns: recoveryCodes,
  secretAnswer: true,
  problems: ['second_factor_exists', 'no_second_factor', 'too_many_requests'],
  prepare: (_input, ctx) => takeCodeAttempt(ctx, ctx.actor.user.id),
  async handle({ body }, ctx) {
    const { id } = ctx.actor.user;
    const factor = await findFactor(ctx.tx, id);
    if (!factor) throw new Problem('no_second_factor');
    if (factor.confirmedTime) throw new Problem('second_factor_exists');
    if (!(await takeGeneratedCode(ctx.tx, ctx, id, body.code)))
      throw invalidField('code', msg('is_not_the_present_code'));
    await confirmFactor(ctx.tx, id, ctx.now());
    await endSessions(ctx.tx, id, ctx.actor.sessionHash);
    ctx.afterCommit(() => forgetCodeAttempts(ctx, id));
    auditOwn(ctx, 'second_factor_enabled');
    return { recovery_codes: await newRecoveryCodes(ctx.tx, id) };
  },
});

/** Required to change an existing factor: password and code, counted before they are checked. */
const both = z.object({ password: givenPassword, code: givenCode });
async function prepareBoth({ body }: { body: z.output<typeof both> }, ctx: Ctx): Promise<void> {
  if (!ctx.actor.secondFactor) throw new Problem('no_second_factor');
  await demandOwnPassword(ctx, body.password);
  await takeCodeAttempt(ctx, ctx.actor.user.id);
}
const problems = ['no_second_factor', 'too_many_requests'] as const;

const renewRecoveryCodes = change({
  ...own,
  method: 'post',
  path: `${path}actions/renew-recovery-codes/`,
  id: 'renewRecoveryCodes',
  summary: 'Renew the recovery codes',
  description: 'The previous ones are void.',
  body: both,
  returns: recoveryCodes,
  secretAnswer: true,
  problems,
  prepare: prepareBoth,
  async handle({ body }, ctx) {
    await demandOwnCode(ctx, body.code);
    auditOwn(ctx, 'recovery_codes_renewed');
    return { recovery_codes: await newRecoveryCodes(ctx.tx, ctx.actor.user.id) };
  },
});

const removeSecondFactor = change({
  ...own,
  method: 'delete',
  path,
  id: 'removeSecondFactor',
  summary: 'Remove the own second factor',
  description: 'Logins need the password alone again, where that is allowed; other sessions end.',
  body: both,
  returns: success,
  problems,
  prepare: prepareBoth,
  async handle({ body }, ctx) {
    await demandOwnCode(ctx, body.code);
    await removeFactor(ctx.tx, ctx.actor.user.id);
    await endSessions(ctx.tx, ctx.actor.user.id, ctx.actor.sessionHash);
    auditOwn(ctx, 'second_factor_removed');
    return done;
  },
});

const resetSecondFactor = change({
  method: 'post',
  path: '/users/{id}/actions/reset-second-factor/',
  id: 'resetSecondFactor',
  area: 'access',
  summary: 'Remove the second factor of a user who has lost it',
  description: 'Their sessions end. Verify their identity first. Not for yourself: that takes another administrator.',
  permission: admin,
  returns: success,
  async handle({ params }, ctx) {
    const user = await mustFind(ctx.tx, params.id);
    if (user.id === ctx.actor.user.id) throw notAllowed('another administrator');
    if (!(await removeFactor(ctx.tx, user.id))) return done;
    await endSessions(ctx.tx, user.id);
    const detail = auditText('second_factor_reset', { name: user.username });
    ctx.audit(accessEntry('second_factor_reset', 'user', { id: user.id, name: user.username }, detail));
    return done;
  },
});

export const secondFactorEndpoints = [
  getSecondFactor,
  enrolSecondFactor,
  confirmSecondFactor,
  renewRecoveryCodes,
  removeSecondFactor,
  resetSecondFactor,
];
