// HTTP health probe of an instance.
import { setTimeout as sleep } from 'node:timers/promises';
import type { HealthCheck } from '../../workflows/deploy/contract.ts';
import type { DestinationRule, HostPort } from '../providers/addresses.ts';
import { outbound, OutboundError } from '../providers/outbound.ts';

type HttpCheck = Extract<HealthCheck, { url: string }>;

const betweenMs = 1_000;

/** Returns why an instance fails the check, for a person; null: it passes. `address`: the URL to call; null: none. */
export async function probe(
  { url: template, expect_status: expected, timeout_seconds: timeout, retries }: HttpCheck,
  address: string | null,
  { own, allows }: { own: readonly HostPort[]; allows: DestinationRule },
): Promise<string | null> {
  if (address === null) return 'its host has no address';
  if (!URL.canParse(address)) return `${template} is no address for it`;
  const url = new URL(address);
  let failure = '';
  for (let attempt = 0; attempt <= retries; attempt += 1) {
    if (attempt > 0) await sleep(betweenMs);
    try {
      const { status } = await outbound({
        url,
        method: 'GET',
        timeoutMs: timeout * 1000,
        statusOnly: true,
        own,
        allows,
      });
      if (status === expected) return null;
      failure = `answers ${status}, not ${expected}`;
    } catch (error) {
      failure = error instanceof Error ? error.message : String(error);
      if (error instanceof OutboundError && error.final) return failure;
    }
  }
  return failure;
}
