import { z } from 'zod';
import { levels } from '../../workflows/deploy/contract.ts';
import { id, moment } from '../operations/schemas.ts';
import { strategyInput } from './strategy.ts';
import { issue } from '../operations/issue.ts';

const furthestAheadMs = 366 * 24 * 60 * 60 * 1000;

/** Names the release folder, so it must be a plain name; a number is converted to text. */
export const version = z.preprocess(
  (value) => (typeof value === 'number' ? String(value) : value),
  z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._+:-]{0,127}$/, issue('must_be_a_version')),
);

/** Location of a package; `..` would escape from its allowed root. */
export const packageSource = z
  .string()
  .min(1)
  .max(1000)
  .refine((path) => !path.split('/').includes('..'), issue('must_not_contain_dots'))
  .refine((path) => !path.includes('\0'), issue('must_not_contain_nul'));

const text = (limit: number) =>
  z
    .string()
    .max(limit)
    .refine((value) => !value.includes('\0'), issue('must_not_contain_nul'));

const plannedTime = moment.refine(
  (time) => time.getTime() <= Date.now() + furthestAheadMs,
  issue('at_most_a_year_ahead'),
);

const fields = z.strictObject({
  version,
  description: text(2000),
  level: z.enum(levels),
  package_source: packageSource,
  planned_exec_time: plannedTime,
  upgrade_checklist: text(10_000),
  upgrade_steps: text(10_000),
  rollback_steps: text(10_000),
  auto_start: z.boolean(),
  strategy: strategyInput,
});

export const changedFields = fields.partial();

export const newTask = fields
  .partial({
    description: true,
    upgrade_checklist: true,
    upgrade_steps: true,
    rollback_steps: true,
    auto_start: true,
    strategy: true,
  })
  .extend({ application_id: id });

type Changed = z.output<typeof changedFields>;

/** The columns of the fields that a new task may leave out. */
export const optionalColumns = (fields: Changed) => ({
  ...(fields.description !== undefined && { description: fields.description }),
  ...(fields.upgrade_checklist !== undefined && { upgradeChecklist: fields.upgrade_checklist }),
  ...(fields.upgrade_steps !== undefined && { upgradeSteps: fields.upgrade_steps }),
  ...(fields.rollback_steps !== undefined && { rollbackSteps: fields.rollback_steps }),
  ...(fields.auto_start !== undefined && { autoStart: fields.auto_start }),
});

/** The columns of a change, but for the strategy. */
export const changedColumns = (fields: Changed) => ({
  ...optionalColumns(fields),
  ...(fields.level !== undefined && { level: fields.level }),
  ...(fields.version !== undefined && { version: fields.version }),
  ...(fields.package_source !== undefined && { packageSource: fields.package_source }),
  ...(fields.planned_exec_time !== undefined && { plannedExecTime: fields.planned_exec_time.toISOString() }),
});
