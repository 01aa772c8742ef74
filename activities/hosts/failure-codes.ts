// Maps a failure to its documented code, by the kind of task (tables A, B, C) and the system that failed.
import type { HostTaskKind, HostType } from '../../workflows/hosts/contract.ts';
import { cloudFailed } from '../../workflows/hosts/policy.ts';
import { Problem } from '../../workflows/problems/problem.ts';
import type { Reason } from '../../workflows/problems/problem.ts';
import type { TroubledSystem, HostTaskError } from './host-task-error.ts';

const failed = (source: TroubledSystem, kind: HostTaskKind, type: HostType) => {
  if (kind === 'start')
    return ({ runner: 'start_salt_failed', cloud: 'start_failed', monitoring: 'start_unknown' } as const)[source];
  if (kind === 'init' || kind === 'change_zabbix_opts')
    return ({ runner: 'salt_failed', cloud: 'salt_failed', monitoring: 'zabbix_failed' } as const)[source];
  return ({ runner: 'power_salt_failed', cloud: cloudFailed[type], monitoring: 'status_zabbix_failed' } as const)[
    source
  ];
};

/** The documented problem of a failure; `reason` replaces the failure's own message. */
export function problemOf(
  { source, message, said, missing }: HostTaskError,
  kind: HostTaskKind,
  type: HostType,
  reason: Reason = said ?? message,
): Problem {
  const name = failed(source, kind, type);
  if (missing && name === 'zabbix_failed')
    return new Problem(missing.kind === 'template' ? 'zabbix_no_template' : 'zabbix_no_group', {
      name: missing.missing,
    });
  return new Problem(name, { reason });
}
