import { z } from 'zod';
import { diff } from '../../db/audit/changes.ts';
import { listResponsePersons, responsePersonsOf, setResponsePersons } from '../../db/applications/people.ts';
import type { ResponsePerson } from '../../db/applications/people.ts';
import { responseTypes } from '../../workflows/applications/contract.ts';
import { change } from '../operations/change.ts';
import type { ChangeCtx } from '../operations/context.ts';
import { eachOnce, noSuch } from '../operations/list-bodies.ts';
import { loadedList } from '../operations/list.ts';
import { application } from '../operations/permissions.ts';
import { distinct, done, id, success } from '../operations/schemas.ts';
import { lockedApplication } from './locked.ts';
import { addPeople } from './people.ts';
import { updateEntries, type NamedApplication } from './text.ts';

const area = 'applications';
const path = '/applications/{id}/response-person/';

const type = z.enum(responseTypes);
const personObject = z.object({ id: z.int(), name: z.string(), email: z.string(), mobile: z.string(), type });
type Person = z.output<typeof personObject>;
type Row = Awaited<ReturnType<typeof listResponsePersons>>[number];

const present = ({ phone, ...row }: Row): Person => ({ ...row, mobile: phone });

// At most fifty rows, several with the same id: all are loaded, then paged.
const listPersons = loadedList({
  path,
  id: 'listResponsePersons',
  area,
  summary: 'List the response persons of an application',
  permission: application('view_app'),
  filter: z.object({ type: type.optional() }),
  item: personObject,
  async load({ params, query }, ctx, { page, pageSize }) {
    const rows = await listResponsePersons(ctx.db, params.id);
    const matching = rows.filter((row) => query.type === undefined || row.type === query.type);
    const items = matching.slice((page - 1) * pageSize, page * pageSize).map(present);
    return { items, count: matching.length };
  },
});

const asText = (rows: readonly ResponsePerson[]) => ({
  responsePerson: rows.map((row) => `${row.userId} ${row.type}`).sort(),
});

function recordChange(ctx: ChangeCtx, of: NamedApplication, before: ResponsePerson[], after: ResponsePerson[]): void {
  ctx.audit(...updateEntries(of, diff(asText(before), asText(after))));
}

const most = 100;

const addPersons = change({
  method: 'post',
  path,
  id: 'addResponsePersons',
  area,
  summary: 'Add response persons',
  permission: application('edit_app'),
  body: z
    .array(z.object({ id, type }))
    .min(1)
    .max(most)
    .superRefine(eachOnce((one) => `${one.id}/${one.type}`))
    .meta(distinct),
  returns: z.array(personObject),
  status: 201,
  async handle({ params, body }, ctx) {
    const of = await lockedApplication(ctx, params.id);
    const { before, after } = await addPeople(ctx, of.id, body);
    recordChange(ctx, of, before, after);
    const rows = await listResponsePersons(ctx.tx, of.id);
    return body.flatMap((one) => rows.filter((row) => row.id === one.id && row.type === one.type).map(present));
  },
});

const dropPersons = change({
  method: 'delete',
  path,
  id: 'removeResponsePersons',
  area,
  summary: 'Remove response persons',
  permission: application('edit_app'),
  body: z
    .array(z.object({ id, type: type.optional() }))
    .min(1)
    .max(most)
    .superRefine(eachOnce((one) => `${one.id}/${one.type ?? ''}`))
    .meta(distinct),
  returns: success,
  async handle({ params, body }, ctx) {
    const of = await lockedApplication(ctx, params.id);
    const before = await responsePersonsOf(ctx.tx, of.id);
    const named = (row: ResponsePerson, one: (typeof body)[number]) =>
      row.userId === one.id && (one.type === undefined || row.type === one.type);
    const ids = body.map((one) => one.id);
    noSuch(
      'response person',
      ids,
      (_id, index) => !before.some((row) => body.slice(index, index + 1).some((one) => named(row, one))),
    );
    const after = before.filter((row) => !body.some((one) => named(row, one)));
    await setResponsePersons(ctx.tx, of.id, after);
    recordChange(ctx, of, before, after);
    return done;
  },
});

export const responsePersonEndpoints = [listPersons, addPersons, dropPersons];
