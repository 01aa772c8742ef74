import { z } from 'zod';
import { diff } from '../../db/audit/changes.ts';
import { freeText } from '../../db/deploy/plan.ts';
import { applicationsUsing, selectScripts, usesOfScript } from '../../db/deploy/scripts.ts';
import type { DeployScriptRow } from '../../db/deploy/tables.ts';
import { anywhere } from '../../db/core/ilike.ts';
import { changesIn, plainText } from '../../kit/script-text.ts';
import { interpreterOf } from '../../kit/shebang.ts';
import { scriptLanguages, type ScriptLanguage } from '../../workflows/deploy/contract.ts';
import { invalidField, Problem, sentence } from '../../workflows/problems/problem.ts';
import { applicationSummary, presentSummaries } from '../applications/object.ts';
import { change } from '../operations/change.ts';
import type { ChangeCtx, Ctx } from '../operations/context.ts';
import { endpoint } from '../operations/endpoint.ts';
import { list } from '../operations/list.ts';
import { notAllowed, notFound } from '../operations/permissions.ts';
import { atLeastOne, done, success } from '../operations/schemas.ts';
import { unlessTaken } from '../operations/unique-names.ts';
import { operationEntry } from './operation-entry.ts';
import { presentScript, savedScript, scriptObject } from './script-object.ts';
import { scriptMaker, templateManager, templateUser } from './template-user.ts';
import { msg } from '../../kit/messages/message.ts';
import { issue } from '../operations/issue.ts';

const area = 'deploy';
const path = '/application/deploy-scripts/';
const engine = 'jinja';
const largest = 64 * 1024;

const fields = {
  name: z.string().min(1).max(128),
  language: z.string(),
  content: z
    .string()
    .refine((text) => plainText(text) !== '', issue('must_not_be_blank'))
    .refine((text) => Buffer.byteLength(text) <= largest, issue('must_have_at_most_bytes', { n: largest }))
    .meta({ minLength: 1 }),
  template_engine: z.string(),
  creator: z.string(),
};
const creation = z.object({ ...fields, template_engine: z.string().default(engine), creator: z.string().optional() });
const changes = atLeastOne(z.object(fields).partial());

const isLanguage = (text: string): text is ScriptLanguage => scriptLanguages.some((one) => one === text);

/** Throws for an invalid script. The check runs in another process, so no transaction waits for it. */
async function demandScript(
  ctx: Ctx,
  { language, content, template_engine }: z.output<typeof changes>,
  before?: Pick<DeployScriptRow, 'language' | 'content'>,
): Promise<void> {
  if (language !== undefined && !isLanguage(language)) throw new Problem('script_language');
  if (template_engine !== undefined && template_engine !== engine) throw new Problem('script_engine');
  // Another language has other quoting rules, so an unchanged text is checked again.
  const kept = language === undefined ? undefined : before?.content;
  const template = content === undefined ? kept : plainText(content);
  if (template !== undefined) await refuseMistake(ctx, template, language ?? before?.language ?? 'bash');
}

/** The columns of a body's fields. */
function columnsOf({ name, language, content, creator }: z.output<typeof changes>) {
  return {
    ...(name !== undefined && { name }),
    ...(language !== undefined && isLanguage(language) && { language }),
    ...(content !== undefined && { content: plainText(content) }),
    ...(creator !== undefined && { creator }),
  };
}

async function refuseMistake({ jinja }: Ctx, template: string, language: ScriptLanguage): Promise<void> {
  const found = interpreterOf(language, template);
  // A first line that is itself a template is checked when it is rendered.
  if ('problem' in found && !/^[^\n]*\{\{/.test(template))
    throw invalidField('content', msg('at_line', { line: 1, mistake: found.problem }));
  const mistake = await jinja.checkSyntax({ template, language, free: freeText });
  if (!mistake) return;
  const { line, message } = mistake;
  const said = sentence(message);
  throw invalidField(
    'content',
    line === null ? msg('not_a_template', { mistake: said }) : msg('at_line', { line, mistake: said }),
  );
}

/** A script as returned to its writer: with a note of the characters removed from the sent text. */
function presentSaved(script: DeployScriptRow, { content }: { content?: string | undefined }) {
  const normalized = content === undefined ? [] : changesIn(content);
  return { ...presentScript(script), ...(normalized.length > 0 && { normalized }) };
}

/** Only administrators may set another user as a script's creator. */
async function demandCreator(ctx: ChangeCtx, wanted: string | undefined, present: string): Promise<void> {
  if (wanted === undefined || wanted === present) return;
  if (!ctx.subject.isAdmin) throw notAllowed('admin');
  const user = await ctx.tx.selectFrom('users').where('username', '=', wanted).select('id').executeTakeFirst();
  if (!user) throw invalidField('creator', msg('no_such_user'));
}

async function locked({ tx }: ChangeCtx, id: number) {
  const row = await selectScripts(tx).where('id', '=', id).forUpdate().executeTakeFirst();
  if (!row) throw notFound();
  return row;
}

const listScripts = list({
  path,
  id: 'listDeployScripts',
  area,
  summary: 'List deploy scripts',
  permission: templateUser,
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
  method: 'post',
  path,
  id: 'createDeployScript',
  area,
  summary: 'Create a deploy script',
  permission: templateManager,
  body: creation,
  returns: savedScript,
  status: 201,
  problems: ['script_name_taken', 'script_language', 'script_engine'],
  prepare: ({ body }, ctx) => demandScript(ctx, body),
  async handle({ body }, ctx) {
    const creator = body.creator ?? ctx.actor.user.username;
    await demandCreator(ctx, creator, ctx.actor.user.username);
    const { name } = body;
    const { language = 'bash', content = '' } = columnsOf(body);
    const now = ctx.now();
    const row = { name, content, language, creator, createdTime: now, updateTime: now };
    const inserted = ctx.tx.insertInto('deployScripts').values(row).returningAll().executeTakeFirstOrThrow();
    const script = await unlessTaken(inserted, 'deploy_scripts_name_key', new Problem('script_name_taken'));
    ctx.audit(operationEntry('create', 'script', script, diff(null, presentScript(script))));
    return presentSaved(script, body);
  },
});

const getScript = endpoint({
  method: 'get',
  path: `${path}{id}/`,
  id: 'getDeployScript',
  area,
  summary: 'Get a deploy script',
  permission: templateUser,
  returns: scriptObject,
  async handle({ params }, ctx) {
    const row = await selectScripts(ctx.db).where('id', '=', params.id).executeTakeFirst();
    if (!row) throw notFound();
    return presentScript(row);
  },
});

const changeScript = change({
  method: 'patch',
  path: `${path}{id}/`,
  id: 'changeDeployScript',
  area,
  summary: 'Change a deploy script',
  permission: scriptMaker,
  body: changes,
  returns: savedScript,
  problems: ['script_name_taken', 'script_language', 'script_engine'],
  async prepare({ params, body }, ctx) {
    await demandScript(ctx, body, await selectScripts(ctx.db).where('id', '=', params.id).executeTakeFirst());
  },
  async handle({ params, body }, ctx) {
    const before = await locked(ctx, params.id);
    await demandCreator(ctx, body.creator, before.creator);
    const columns = columnsOf(body);
    const changed = diff(before, columns);
    if (!changed) return presentSaved(before, body);
    const updated = ctx.tx
      .updateTable('deployScripts')
      .set({ ...columns, updateTime: ctx.now() })
      .where('id', '=', before.id)
      .returningAll()
      .executeTakeFirstOrThrow();
    const after = await unlessTaken(updated, 'deploy_scripts_name_key', new Problem('script_name_taken'));
    ctx.audit(operationEntry('update', 'script', after, changed));
    return presentSaved(after, body);
  },
});

const deleteScript = change({
  method: 'delete',
  path: `${path}{id}/`,
  id: 'deleteDeployScript',
  area,
  summary: 'Delete a deploy script',
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
  path: `${path}{id}/applications/`,
  id: 'listScriptApplications',
  area,
  permission: templateUser,
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
  listScripts,
  createScript,
  getScript,
  changeScript,
  deleteScript,
  listScriptApplications,
];
