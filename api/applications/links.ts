// Applies the relations in a body of an application; those hidden from the caller stay unchanged.
import type { ChangeCtx } from '../operations/context.ts';
import { demandEntries } from '../operations/list-bodies.ts';
import { demandProduction } from '../productions/rights.ts';
import { addChildren, dropChildren } from './children.ts';
import type { Fields } from './fields.ts';
import type { ApplicationObject } from './object.ts';
import { replacePeople } from './people.ts';
import { place } from './place.ts';
import { replaceRequired } from './required.ts';

type Seen = Pick<ApplicationObject, 'id' | 'name' | 'parent_app' | 'child_apps' | 'required_apps' | 'production'>;

const at = (field: string) => (index: number) => `${field}.${index}`;

/** Applies an application's place: parent, name and production, as far as given; the tree is locked. */
export async function applyPlace(ctx: ChangeCtx, seen: Seen, fields: Fields): Promise<void> {
  const { name = seen.name, parent_app: parent = seen.parent_app, production = seen.production } = fields;
  if (parent !== seen.parent_app) {
    const ends = [seen.parent_app, parent].filter((one) => one !== null);
    await demandEntries(ctx, 'application', 'edit_app', ends, () => 'parent_app');
  }
  if (name !== seen.name || parent !== seen.parent_app) await place(ctx, { id: seen.id, name }, parent);
  if (production === seen.production) return;
  for (const one of [seen.production, production])
    if (one !== null) await demandProduction(ctx, 'edit', one, 'production');
  await ctx.tx.updateTable('applications').set({ productionId: production }).where('id', '=', seen.id).execute();
}

/** Replaces the lists of a body: children, requirements, response persons. */
export async function applyLists(ctx: ChangeCtx, seen: Seen, fields: Fields): Promise<void> {
  const { child_apps: children, required_apps: required, response_person: people } = fields;
  if (children) {
    const dropped = seen.child_apps.filter((one) => !children.includes(one));
    await dropChildren(ctx, seen.id, dropped, () => 'child_apps');
    await addChildren(ctx, seen.id, children, at('child_apps'));
  }
  if (required) await replaceRequired(ctx, seen.id, seen.required_apps, required, at('required_apps'));
  if (people) await replacePeople(ctx, seen.id, people, at('response_person'));
}
