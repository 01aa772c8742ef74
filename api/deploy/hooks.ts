import type { Kysely } from 'kysely';
import { z } from 'zod';
import type { Database } from '../../db/database.ts';
import { holdScripts, selectScripts } from '../../db/deploy/scripts.ts';
import { scriptIds } from '../../db/deploy/settings.ts';
import type { Named } from '../../kit/host-rules.ts';
import { hookNames, type HookName, type LifecycleHooks } from '../../workflows/deploy/contract.ts';
import { detail, Problem } from '../../workflows/problems/problem.ts';
import { systemUser } from '../applications/fields.ts';
import type { ChangeCtx } from '../operations/context.ts';
import { id } from '../operations/schemas.ts';
import { presentScript, savedScript, scriptObject } from './script-object.ts';

/** A script by its id; other fields of a script's response may be sent back and are ignored. */
const script = z.union([id, z.object({ ...savedScript.partial().shape, id }).transform((sent) => sent.id)]);
const hook = z.object({ running_user: systemUser.nullable().optional(), script });
const hookInput = hook.nullable().optional();

export const hooksInput = z.object({
  running_user: systemUser.nullable().optional(),
  global_pre_exec: hookInput,
  pre_exec: hookInput,
  post_exec: hookInput,
  global_post_exec: hookInput,
});
type HooksInput = z.output<typeof hooksInput>;

/** The users that hooks name, for checks against the operator's lists. */
export const hookUsers = (hooks: HooksInput | null | undefined): Named[] => [
  { field: 'lifecycle_hooks.running_user', kind: 'user', value: hooks?.running_user },
  ...hookNames.map((name): Named => ({
    field: `lifecycle_hooks.${name}.running_user`,
    kind: 'user',
    value: hooks?.[name]?.running_user,
  })),
];

const hookObject = z.object({ running_user: z.string().nullable(), script: scriptObject }).nullable();

export const hooksObject = z.object({
  running_user: z.string().nullable(),
  global_pre_exec: hookObject,
  pre_exec: hookObject,
  post_exec: hookObject,
  global_post_exec: hookObject,
});

/** Every key, so that hooks that were set differ from hooks that never were. */
const noHooks: LifecycleHooks = {
  running_user: null,
  ...Object.fromEntries(hookNames.map((name) => [name, null])),
};

/** Merges sent hooks into the stored ones, hook by hook; throws for missing scripts. */
export async function mergedHooks(ctx: ChangeCtx, sent: HooksInput, stored: LifecycleHooks): Promise<LifecycleHooks> {
  const merged: LifecycleHooks = { ...noHooks, ...stored };
  if (sent.running_user !== undefined) merged.running_user = sent.running_user;
  for (const name of hookNames) {
    const one = sent[name];
    if (one !== undefined) merged[name] = one && { running_user: one.running_user ?? null, script: { id: one.script } };
  }
  await refuseMissing(ctx, merged);
  return merged;
}

async function refuseMissing({ tx }: ChangeCtx, hooks: LifecycleHooks): Promise<void> {
  const found = new Set((await holdScripts(tx, scriptIds(hooks))).map((row) => row.id));
  const missing = hookNames.flatMap((name) => {
    const used = hooks[name]?.script.id;
    if (used === undefined || found.has(used)) return [];
    return [
      {
        id: used,
        detail: detail(`lifecycle_hooks.${name}.script`, new Problem('no_such', { thing: 'script', id: used }).said),
      },
    ];
  });
  const [first] = missing;
  const details = missing.map((one) => one.detail);
  if (first) throw new Problem('no_such', { thing: 'script', id: first.id }, details);
}

/** Presents hooks with their whole scripts; those of all `stored` are read in one query. */
export async function hooksPresenter(db: Kysely<Database>, stored: readonly LifecycleHooks[]) {
  const ids = [...new Set(stored.flatMap(scriptIds))];
  const rows = ids.length === 0 ? [] : await selectScripts(db).where('id', 'in', ids).execute();
  const scripts = new Map(rows.map((row) => [row.id, presentScript(row)]));
  return (hooks: LifecycleHooks): z.input<typeof hooksObject> => {
    const shown = (name: HookName) => {
      const one = hooks[name];
      const used = one && scripts.get(one.script.id);
      return used ? { running_user: one.running_user, script: used } : null;
    };
    return {
      running_user: hooks.running_user ?? null,
      global_pre_exec: shown('global_pre_exec'),
      pre_exec: shown('pre_exec'),
      post_exec: shown('post_exec'),
      global_post_exec: shown('global_post_exec'),
    };
  };
}

/** Hooks for an audit record: scripts by id and name, since their text has its own records. */
export function recordedHooks(hooks: z.input<typeof hooksObject>): object {
  const short = Object.entries(hooks).map(([name, hook]) => {
    if (hook === null || typeof hook === 'string') return [name, hook];
    return [name, { running_user: hook.running_user, script: { id: hook.script.id, name: hook.script.name } }];
  });
  return Object.fromEntries(short) as object;
}
