import { z } from 'zod';
import type { Config } from '../../kit/config/config.ts';
import { onFailures } from '../../workflows/deploy/contract.ts';
import type { RollingStrategy } from '../../workflows/deploy/contract.ts';
import { invalidField } from '../../workflows/problems/problem.ts';
import { msg } from '../../kit/messages/message.ts';
import { issue } from '../operations/issue.ts';

/** A probe's URL can only be validated with the names of an instance filled in. */
function isProbeAddress(template: string): boolean {
  const text = template.replaceAll('{{ip}}', '192.0.2.1').replaceAll('{{hostname}}', 'host');
  if (/[{}\s\0]/.test(text) || !URL.canParse(text)) return false;
  const { protocol, username, password } = new URL(text);
  return ['http:', 'https:'].includes(protocol) && username === '' && password === '';
}

const probe = z.strictObject({
  url: z.string().max(1000).refine(isProbeAddress, issue('must_be_a_probe_address')),
  expect_status: z.int().min(100).max(599).default(200),
  timeout_seconds: z.int().min(1).max(30).default(5),
  retries: z.int().min(0).max(10).default(3),
});
const zabbix = z.strictObject({ zabbix: z.literal(true) });

const rolling = z.strictObject({
  mode: z.literal('rolling'),
  batch_size: z.int().min(1).max(100).default(1),
  max_failures: z.int().min(0).max(1000).default(0),
  pause_seconds: z.int().min(0).max(86_400).default(0),
  on_failure: z.enum(onFailures).default('pause'),
  canary: z.int().min(0).max(100).default(0),
  health_check: z.union([probe, zabbix]).nullable().default(null),
});

/** The rollout strategy of a task. */
export const strategyInput = z.discriminatedUnion('mode', [z.strictObject({ mode: z.literal('manual') }), rolling]);

export const strategyObject = z.discriminatedUnion('mode', [
  z.object({ mode: z.literal('manual') }),
  z.object({
    mode: z.literal('rolling'),
    batch_size: z.int(),
    max_failures: z.int(),
    pause_seconds: z.int(),
    on_failure: z.enum(onFailures),
    canary: z.int(),
    health_check: z
      .union([
        z.object({ url: z.string(), expect_status: z.int(), timeout_seconds: z.int(), retries: z.int() }),
        z.object({ zabbix: z.literal(true) }),
      ])
      .nullable(),
  }),
]);

/** The stored form of a strategy: null is manual. Throws `invalid` for a check by monitoring that is not configured. */
export function strategyOf(
  config: Config,
  given: z.output<typeof strategyInput> | undefined,
): RollingStrategy | null | undefined {
  if (given === undefined) return undefined;
  if (given.mode === 'manual') return null;
  const check = given.health_check;
  const isMonitored = 'zabbixUrl' in config && config.zabbixUrl !== undefined;
  if (check !== null && 'zabbix' in check && !isMonitored)
    throw invalidField('strategy.health_check.zabbix', msg('needs_zabbix_url'));
  return given;
}
