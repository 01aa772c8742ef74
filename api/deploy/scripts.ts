import { z } from 'zod';
import { diff } from '../../db/audit/changes.ts';
import { applicationsUsing, selectScripts, usesOfScript } from '../../db/deploy/scripts.ts';
import { anywhere } from '../../db/like.ts';
import { scriptLanguages, type ScriptLanguage } from '../../workflows/deploy/contract.ts';
import { invalidField, Problem } from '../../workflows/problem.ts';
import { applicationSummary, presentSummaries } from '../applications/object.ts';
import { change } from '../change.ts';
import type { ChangeCtx, Ctx } from '../context.ts';
import { endpoint } from '../endpoint.ts';
import { list } from '../list.ts';
import { notAllowed, notFound } from '../permissions.ts';
import { atLeastOne, done, success } from '../schemas.ts';
import { unlessTaken } from '../taken.ts';
import { operationEntry } from './operation-entry.ts';
import { presentScript, scriptObject } from './script-object.ts';
import { scriptMaker, templateManager, templateUser } from './template-user.ts';

const area = 'deploy';
const path = '/application/deploy-scripts/';
const engine = 'jinja';
const largest = 64 * 1024;

const fields = {
  name: z.string().min(1).max(128),
  language: z.string(),
  content: z
    .string()
    .min(1)
    .refine((text) => Buffer.byteLength(text) <= largest, `must have at most ${largest} bytes`),
  template_engine: z.string(),
  creator: z.string(),
};
const creation = z.object({ ...fields, template_engine: z.string().default(engine), creator: z.string().optional() });
const changes = atLeastOne(z.object(fields).partial());

const isLanguage = (text: string): text is ScriptLanguage => scriptLanguages.some((one) => one === text);

/** Throws for what cannot be a script. It asks another process, so no transaction waits for it. */
async function demandScript(ctx: Ctx, { language, content, template_engine }: z.output<typeof changes>): Promise<void> {
  if (language !== undefined && !isLanguage(language)) throw new Problem('script_language');
  if (template_engine !== undefined && template_engine !== engine) throw new Problem('script_engine');
  const mistake = content === undefined ? null : await ctx.jinja.checkSyntax(content);
  if (mistake) {
    const { line, message } = mistake;
    throw invalidField('content', line === null ? `not a template: ${message}` : `line ${line}: ${message}`);
  }
}

/** The columns of the fields that a body gives. */
function columnsOf({ name, language, content, creator }: z.output<typeof changes>) {
  return {
    ...(name !== undefined && { name }),
    ...(language !== undefined && isLanguage(language) && { language }),
    ...(content !== undefined && { content }),
    ...(creator !== undefined && { creator }),
  };
}

/** Only an administrator says that a script is another's. */
async function demandCreator(ctx: ChangeCtx, wanted: string | undefined, present: string): Promise<void> {
  if (wanted === undefined || wanted === present) return;
  if (!ctx.subject.isAdmin) throw notAllowed('admin');
  const user = await ctx.tx.selectFrom('users').where('username', '=', wanted).select('id').executeTakeFirst();
  if (!user) throw invalidField('creator', 'no such user');
}

async function locked({ tx }: ChangeCtx, id: number) {
  const row = await selectScripts(tx).where('id', '=', id).forUpdate().executeTakeFirst();
  if (!row) throw notFound();
  return row;
}

const listScripts = list({
  ...{ path, id: 'listDeployScripts', area, summary: 'List deploy scripts', permission: templateUser },
  filter: z.object({
    name: z.string().max(128).optional(),
    creator: z.string().max(64).optional(),
    language: z.enum(scriptLanguages).optional(),
    content: z.string().max(1000).optional(),
  }),
  item: scriptObject,
  query: ({ query: { name, creator, language, content } }, ctx) =>
    selectScripts(ctx.db)
      .$if(name !== undefined, (q) => q.where('name', 'ilike', anywhere(name ?? '')))
      .$if(creator !== undefined, (q) => q.where('creator', '=', creator ?? ''))
      .$if(language !== undefined, (q) => q.where('language', '=', language ?? 'bash'))
      .$if(content !== undefined, (q) => q.where('content', 'ilike', anywhere(content ?? ''))),
  present: (rows) => rows.map(presentScript),
});

const createScript = change({
  ...{ method: 'post', path, id: 'createDeployScript', area, summary: 'Create a deploy script' },
  permission: templateManager,
  body: creation,
  returns: scriptObject,
  status: 201,
  problems: ['script_name_taken', 'script_language', 'script_engine'],
  prepare: ({ body }, ctx) => demandScript(ctx, body),
  async handle({ body }, ctx) {
    const creator = body.creator ?? ctx.actor.user.username;
    await demandCreator(ctx, creator, ctx.actor.user.username);
    const { name, content } = body;
    const columns = columnsOf(body);
    const language = columns.language ?? 'bash';
    const now = ctx.now();
    const row = { name, content, language, creator, createdTime: now, updateTime: now };
    const inserted = ctx.tx.insertInto('deployScripts').values(row).returningAll().executeTakeFirstOrThrow();
    const script = await unlessTaken(inserted, 'deploy_scripts_name_key', new Problem('script_name_taken'));
    ctx.audit(operationEntry('create', 'script', script, diff(null, presentScript(script))));
    return presentScript(script);
  },
});

const getScript = endpoint({
  ...{ method: 'get', path: `${path}{id}/`, id: 'getDeployScript', area, summary: 'Get a deploy script' },
  permission: templateUser,
  returns: scriptObject,
  async handle({ params }, ctx) {
    const row = await selectScripts(ctx.db).where('id', '=', params.id).executeTakeFirst();
    if (!row) throw notFound();
    return presentScript(row);
  },
});

const changeScript = change({
  ...{ method: 'patch', path: `${path}{id}/`, id: 'changeDeployScript', area, summary: 'Change a deploy script' },
  permission: scriptMaker,
  body: changes,
  returns: scriptObject,
  problems: ['script_name_taken', 'script_language', 'script_engine'],
  prepare: ({ body }, ctx) => demandScript(ctx, body),
  async handle({ params, body }, ctx) {
    const before = await locked(ctx, params.id);
    await demandCreator(ctx, body.creator, before.creator);
    const columns = columnsOf(body);
    const changed = diff(before, columns);
    if (!changed) return presentScript(before);
    const updated = ctx.tx
      .updateTable('deployScripts')
      .set({ ...columns, updateTime: ctx.now() })
      .where('id', '=', before.id)
      .returningAll()
      .executeTakeFirstOrThrow();
    const after = await unlessTaken(updated, 'deploy_scripts_name_key', new Problem('script_name_taken'));
    ctx.audit(operationEntry('update', 'script', after, changed));
    return presentScript(after);
  },
});

const deleteScript = change({
  ...{ method: 'delete', path: `${path}{id}/`, id: 'deleteDeployScript', area, summary: 'Delete a deploy script' },
  permission: scriptMaker,
  returns: success,
  problems: ['script_used'],
  async handle({ params }, ctx) {
    const script = await locked(ctx, params.id);
    const n = await usesOfScript(ctx.tx, script.id);
    if (n > 0) throw new Problem('script_used', { n });
    await ctx.tx.deleteFrom('deployScripts').where('id', '=', script.id).execute();
    ctx.audit(operationEntry('delete', 'script', script, diff(presentScript(script), null)));
    return done;
  },
});

const listScriptApplications = list({
  ...{ path: `${path}{id}/applications/`, id: 'listScriptApplications', area, permission: templateUser },
  summary: 'List the applications whose deploy settings use a script',
  item: applicationSummary,
  async query({ params }, ctx) {
    const script = await selectScripts(ctx.db).where('id', '=', params.id).select('id').executeTakeFirst();
    if (!script) throw notFound();
    return applicationsUsing(ctx.db, ctx.subject, params.id);
  },
  present: (rows, ctx) => presentSummaries(rows, ctx),
});

export const scriptEndpoints = [
  ...[listScripts, createScript, getScript, changeScript, deleteScript],
  listScriptApplications,
];
