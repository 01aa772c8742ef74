import { z } from 'zod';
import { levels } from '../../workflows/deploy/contract.ts';
import { id, moment } from '../operations/schemas.ts';
import { strategyInput } from './strategy.ts';

const furthestAheadMs = 366 * 24 * 60 * 60 * 1000;

/** Names the release folder, so it must be a plain name; a number is converted to text. */
export const version = z.preprocess(
  (value) => (typeof value === 'number' ? String(value) : value),
  z
    .string()
    .regex(
      /^[A-Za-z0-9][A-Za-z0-9._+:-]{0,127}$/,
      'must be 1-128 letters, digits, . _ - + :, beginning with a letter or digit',
    ),
);

/** Location of a package; `..` would escape from its allowed root. */
export const packageSource = z
  .string()
  .min(1)
  .max(1000)
  .refine((path) => !path.split('/').includes('..'), 'must not contain ..')
  .refine((path) => !path.includes('\0'), 'must not contain NUL');

const text = (limit: number) =>
  z
    .string()
    .max(limit)
    .refine((value) => !value.includes('\0'), 'must not contain NUL');

const plannedTime = moment.refine(
  (time) => time.getTime() <= Date.now() + furthestAheadMs,
  'must be at most 366 days ahead',
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
