import { z } from 'zod';
import { hostAdoptionWorkflowId } from '../../workflows/host-imports/contract.ts';
import { Problem } from '../../workflows/problems/problem.ts';
import { change } from '../operations/change.ts';
import type { ChangeCtx } from '../operations/context.ts';
import { eachOnce, noSuch } from '../operations/list-bodies.ts';
import { launch } from '../operations/start-workflow.ts';
import { notFound } from '../operations/permissions.ts';
import { distinct, id } from '../operations/schemas.ts';
import { hostImport } from './object.ts';
import { area, entry, importer, seen } from './shared.ts';
import { issue } from '../operations/issue.ts';
import { auditText } from '../../kit/messages/audit-text.ts';

/** Marks findings for adoption; those already adopted stay unchanged. */
async function choose(ctx: ChangeCtx, importId: number, ids: readonly number[] | undefined): Promise<void> {
  const mark = ctx.tx.updateTable('hostImportFindings').set({ wanted: true }).where('importId', '=', importId);
  if (ids === undefined) {
    await mark.where('difference', '=', 'new').execute();
    return;
  }
  const rows = await ctx.tx
    .selectFrom('hostImportFindings')
    .select(['id', 'difference'])
    .where('importId', '=', importId)
    .where('id', 'in', ids)
    .execute();
  const found = new Map(rows.map((row) => [row.id, row.difference]));
  noSuch(
    'finding',
    ids,
    (one) => !found.has(one),
    (index) => `findings.${index}`,
  );
  const other = rows.find((row) => row.difference !== 'new');
  if (other) throw new Problem('finding_is', { id: other.id, difference: other.difference ?? '' });
  await mark.where('id', 'in', ids).execute();
}

const adoptBody = z
  .object({
    findings: z
      .array(id)
      .min(1)
      .max(10_000)
      .superRefine(eachOnce<number>((one) => one, ''))
      .meta(distinct)
      .optional(),
    all: z.literal(true).optional(),
  })
  .refine(({ findings, all }) => (findings === undefined) !== (all === undefined), issue('findings_or_all'));

export const adoptImport = change({
  method: 'post',
  path: '/hosts/imports/{id}/actions/adopt/',
  id: 'adoptHostImport',
  area,
  summary: 'Adopt the machines found by an import as hosts',
  permission: importer,
  body: adoptBody,
  returns: hostImport,
  status: 202,
  problems: ['no_such', 'import_is', 'finding_is'],
  async handle({ params, body }, ctx) {
    const row = await ctx.tx
      .selectFrom('hostImports')
      .selectAll()
      .where('id', '=', params.id)
      .forUpdate()
      .executeTakeFirst();
    if (!row) throw notFound();
    if (row.kind !== 'import') throw new Problem('import_is', { id: row.id, status: row.kind });
    if (row.finishedTime === null || row.status === 'adopting')
      throw new Problem('import_is', { id: row.id, status: row.status });
    await choose(ctx, row.id, body.findings);
    const number = row.adoptions + 1;
    const next = { status: 'adopting', adoptions: number, finishedTime: null } as const;
    await ctx.tx.updateTable('hostImports').set(next).where('id', '=', row.id).execute();
    const many = body.findings?.length;
    ctx.audit(
      entry(
        row.id,
        many === undefined
          ? auditText('adoption_of_all_begun', { id: row.id })
          : auditText('adoption_begun', { n: many, id: row.id }),
      ),
    );
    const creator = ctx.actor.user.username;
    await launch(ctx, {
      workflow: 'adoptFindings',
      workflowId: hostAdoptionWorkflowId(row.id, number),
      input: { importId: row.id, actor: ctx.by },
      summary: `adopt what import ${row.id} found`,
      attributes: { kind: 'host_adoption', status: 'running', creator },
    });
    return seen(ctx, row.id);
  },
});
