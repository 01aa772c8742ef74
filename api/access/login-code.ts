// The second step of a login: a code for a ticket. The reason for a rejected code is not disclosed; the ticket stays valid
// for its five minutes, and wrong codes are counted per user over all their tickets.
import { z } from 'zod';
import { endPendingLogin, userOfPendingLogin } from '../../db/access/second-factors.ts';
import { recordRefusal } from '../../db/audit/refusals.ts';
import { inTransaction } from '../../db/core/transaction.ts';
import { Problem } from '../../workflows/problems/problem.ts';
import type { Ctx } from '../operations/context.ts';
import { endpoint } from '../operations/endpoint.ts';
import { admit, admitted, sessionBegun } from './admit.ts';
import { givenCode, takeCode } from './codes.ts';
import { forgetCodeAttempts, takeCodeAttempt } from './login-limits.ts';
import { accessEntry } from './text.ts';
import { auditText } from '../../kit/messages/audit-text.ts';

const details = { generated: 'logged_in_with_code', recovery: 'logged_in_with_recovery_code' } as const;

type Waiting = NonNullable<Awaited<ReturnType<typeof userOfPendingLogin>>>;

const goOn = (ctx: Ctx, user: Waiting, { ticket, code }: { ticket: string; code: string }) =>
  inTransaction(ctx.db, async (tx) => {
    const taken = await takeCode(tx, ctx, user.id, code);
    if (!taken || !(await endPendingLogin(tx, ticket))) return undefined;
    return admit(tx, ctx, user, auditText(details[taken]));
  });

const loginWithCode = endpoint({
  method: 'post',
  path: '/auth/login/second-factor/',
  id: 'loginWithCode',
  area: 'access',
  summary: 'Log in: the code of the second factor',
  description:
    'With the ticket returned by the login with a password, and a code of the authenticator or a recovery code. Each is ' +
    'good once.',
  permission: 'public',
  body: z.object({ ticket: z.string().min(1).max(128), code: givenCode }),
  returns: sessionBegun,
  problems: ['login_expired', 'wrong_code', 'too_many_requests'],
  async handle({ body }, ctx) {
    const user = await userOfPendingLogin(ctx.db, body.ticket, ctx.now());
    if (!user) throw new Problem('login_expired');
    await takeCodeAttempt(ctx, user.id);
    const session = await goOn(ctx, user, body);
    if (!session) {
      const detail = auditText('login_code_wrong', { name: user.username });
      const target = { id: user.id, name: user.username };
      await recordRefusal(ctx.db, ctx.by, accessEntry('login_failed', 'user', target, detail));
      throw new Problem('wrong_code');
    }
    await forgetCodeAttempts(ctx, user.id);
    return admitted(ctx, { ...user, secondFactor: true }, session);
  },
});

export const loginCodeEndpoints = [loginWithCode];
