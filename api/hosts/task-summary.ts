// Summarises a task's hosts: hundreds of results are grouped by type, status and code, the worst first, each group with its
// most common message.
import { z } from 'zod';
import { hostTypes } from '../../workflows/hosts/contract.ts';
import { resultStatuses } from '../../workflows/tasks/contract.ts';

/** Hosts of one type with one status and one code. */
export const summaryObject = z.object({
  host_type: z.enum(hostTypes),
  status: z.enum(resultStatuses),
  error_code: z.int().nullable(),
  count: z.int(),
  /** The most common message; null: most have no message. */
  message: z.string().nullable(),
});
type Summary = z.output<typeof summaryObject>;

const worstFirst: readonly Summary['status'][] = ['failed', 'unknown', 'running', 'waiting', 'finished'];

/** Groups results, the worst first, then by size. */
export function summarise(results: readonly Omit<Summary, 'count'>[]): Summary[] {
  const groups = Map.groupBy(results, ({ host_type: type, status, error_code: code }) => `${type} ${status} ${code}`);
  const found = [...groups.values()].flatMap((group) => {
    const [first] = group;
    return first ? [{ ...first, count: group.length, message: mostCommon(group.map(({ message }) => message)) }] : [];
  });
  return found.sort(
    (one, other) => worstFirst.indexOf(one.status) - worstFirst.indexOf(other.status) || other.count - one.count,
  );
}

function mostCommon(messages: readonly (string | null)[]): string | null {
  const counts = new Map<string | null, number>();
  for (const one of messages) counts.set(one, (counts.get(one) ?? 0) + 1);
  return [...counts].sort(([, one], [, other]) => other - one)[0]?.[0] ?? null;
}
