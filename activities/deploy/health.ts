import type { KeptMachine } from '../../db/deploy/machines.ts';
import { finishedInstances } from '../../db/deploy/rollouts.ts';
import { healthUrl } from '../../kit/health-url.ts';
import type { HealthCheck } from '../../workflows/deploy/contract.ts';
import type { Unhealthy } from '../../workflows/deploy/ports.ts';
import type { ActivityDeps } from '../deps.ts';
import { destinationRule } from '../providers/addresses.ts';
import type { DestinationRule } from '../providers/addresses.ts';
import { ProviderError } from '../providers/error.ts';
import { probe } from './probe.ts';

/** A local host is the worker's own machine, where deploying runs arbitrary commands already. */
const anywhere: DestinationRule = () => true;

/** The finished instances of a sub-task that fail the check. */
export async function checkHealth(
  { db, monitoring, ownServers: own, healthCheckAllow }: ActivityDeps,
  { subTaskId, check }: { subTaskId: number; check: HealthCheck },
): Promise<Unhealthy[]> {
  const instances = await finishedInstances(db, subTaskId);
  if ('url' in check) {
    const typed = destinationRule(healthCheckAllow);
    const found = await Promise.all(
      instances.map(async ({ hostname, ipAddress, runner, machine }): Promise<Unhealthy[]> => {
        const planned = machine as KeptMachine | null;
        const allows = (planned?.runner ?? runner) === 'local' ? anywhere : typed;
        // Plans of older tasks have no health URL: use the host's present address.
        const now = healthUrl(check.url, { hostname, ip: ipAddress[0]?.address ?? null });
        const address = planned?.health_url === undefined ? now : planned.health_url;
        const message = await probe(check, address, { own, allows });
        return message === null ? [] : [{ hostname, message }];
      }),
    );
    return found.flat();
  }
  const hostnames = instances.map(({ hostname }) => hostname);
  if (!monitoring) return hostnames.map((hostname) => ({ hostname, message: 'SLIPWAY_ZABBIX_URL is not set' }));
  const problems = await monitoring.openProblems(hostnames).catch((error: unknown) => {
    // Errors are retried, except refusals, which return their message.
    if (error instanceof ProviderError && error.kind === 'refused') return error.message;
    throw error;
  });
  if (typeof problems === 'string') return hostnames.map((hostname) => ({ hostname, message: problems }));
  return hostnames.flatMap((hostname) => {
    const [first] = problems.get(hostname) ?? [];
    return first === undefined ? [] : [{ hostname, message: `open problem: ${first}` }];
  });
}
