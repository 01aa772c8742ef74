import { responsePersonsOf, setResponsePersons, type ResponsePerson } from '../../db/applications/people.ts';
import { detail, invalidField, Problem } from '../../workflows/problems/problem.ts';
import type { ChangeCtx } from '../operations/context.ts';
import { noSuch, type FieldOf } from '../operations/list-bodies.ts';
import { lockedApplication } from './locked.ts';
import type { WantedPerson } from './fields.ts';
import { msg } from '../../kit/messages/message.ts';

const most = 50;

/** Throws for missing users, and for disabled ones who are not response persons yet. */
async function refuseUsers(
  ctx: ChangeCtx,
  people: readonly WantedPerson[],
  present: readonly ResponsePerson[],
  field?: FieldOf,
): Promise<void> {
  const ids = people.map((one) => one.id);
  if (ids.length === 0) return;
  const users = await ctx.tx.selectFrom('users').where('id', 'in', ids).select(['id', 'status']).execute();
  const status = new Map(users.map((user) => [user.id, user.status]));
  noSuch('user', ids, (one) => !status.has(one), field);
  const disabled = ids.flatMap((one, index) =>
    status.get(one) === 'disabled' && !present.some((person) => person.userId === one)
      ? [detail(field?.(index) ?? `${index}.id`, msg('this_user_is_disabled'))]
      : [],
  );
  if (disabled.length > 0) throw new Problem('invalid', {}, disabled);
}

/** A bare id keeps the user's types, or gets `dev`. */
function withTypes(people: readonly WantedPerson[], present: readonly ResponsePerson[]): ResponsePerson[] {
  const rows = people.flatMap((one): ResponsePerson[] => {
    if ('type' in one) return [{ userId: one.id, type: one.type }];
    const kept = present.filter((person) => person.userId === one.id);
    return kept.length > 0 ? kept : [{ userId: one.id, type: 'dev' }];
  });
  return [...new Map(rows.map((row) => [`${row.userId}/${row.type}`, row])).values()];
}

/** Sets exactly these response persons of an application. */
export async function replacePeople(
  ctx: ChangeCtx,
  applicationId: number,
  people: readonly WantedPerson[],
  field: FieldOf,
): Promise<void> {
  await lockedApplication(ctx, applicationId);
  const present = await responsePersonsOf(ctx.tx, applicationId);
  await refuseUsers(ctx, people, present, field);
  await setResponsePersons(ctx.tx, applicationId, limited(withTypes(people, present)));
}

/** Adds response persons; returns the rows before and after. */
export async function addPeople(ctx: ChangeCtx, applicationId: number, people: readonly WantedPerson[]) {
  await lockedApplication(ctx, applicationId);
  const before = await responsePersonsOf(ctx.tx, applicationId);
  await refuseUsers(ctx, people, before);
  const after = [
    ...new Map([...before, ...withTypes(people, before)].map((p) => [`${p.userId}/${p.type}`, p])).values(),
  ];
  await setResponsePersons(ctx.tx, applicationId, limited(after));
  return { before, after };
}

function limited(people: ResponsePerson[]): ResponsePerson[] {
  if (people.length > most) throw invalidField('', msg('too_many_response_persons', { n: most }));
  return people;
}
