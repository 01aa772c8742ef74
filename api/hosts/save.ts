// Writes a body of a host to its row. The body is checked as a whole: the type decides which fields are allowed.
import { canonicalJson } from '../../db/core/canonical-json.ts';
import { ipmiPurpose } from '../../db/hosts/ipmi.ts';
import type { StoredIpmi } from '../../db/hosts/ipmi.ts';
import { admitWays, refuseForeignWay, wayOfHost } from '../../db/hosts/ways.ts';
import type { WantedWay } from '../../db/hosts/ways.ts';
import type { HostRow } from '../../db/inventory/tables.ts';
import { json } from '../../db/core/jsonb.ts';
import { isFolder, runnerTable } from '../../workflows/hosts/contract.ts';
import { Problem, type ProblemDetail } from '../../workflows/problems/problem.ts';
import type { ChangeCtx, Ctx } from '../operations/context.ts';
import { masked } from '../operations/secret-placeholder.ts';
import { notAllowed } from '../operations/permissions.ts';
import { nameTaken, unlessTaken } from '../operations/unique-names.ts';
import { numbered } from './addresses.ts';
import { columnsOf, type HostFields, type WantedIpmi } from './fields.ts';
import { msg } from '../../kit/messages/message.ts';

/** Local hosts run commands on the worker's own machine: for administrators only, and only if enabled. */
export function demandRunner({ subject, config }: Ctx, { runner }: HostFields): void {
  if (runner === undefined || !isFolder(runner)) return;
  if (!subject.isAdmin) throw notAllowed('admin');
  const message = msg('local_runner_off');
  if (!config.localRunner) throw new Problem('invalid', {}, [{ field: 'runner', message }]);
}

/** Rejects fields that a host of this type cannot have. */
export function refuseFields({ host_type: type, provider_id, ipmi }: HostFields): void {
  const details: ProblemDetail[] = [];
  if (type === 'PHY_HOST' && typeof provider_id === 'string')
    details.push({ field: 'provider_id', message: msg('phy_host_has_none') });
  if (type !== 'PHY_HOST' && ipmi) details.push({ field: 'ipmi', message: msg('is_for_a_phy_host') });
  if (details.length > 0) throw new Problem('invalid', {}, details);
}

/** The stored form of a host's IPMI access; a masked password keeps the stored one, unless the machine differs. */
function sealedIpmi(ctx: ChangeCtx, host: Pick<HostRow, 'id' | 'ipmi'>, { address, username, password }: WantedIpmi) {
  const stored = host.ipmi as StoredIpmi | null;
  if (password !== masked) return { address, username, password: ctx.secrets.seal(ipmiPurpose(host.id), password) };
  const message = msg('is_needed_no_password_stored');
  if (stored?.address !== address) throw new Problem('invalid', {}, [{ field: 'ipmi.password', message }]);
  return { address, username, password: stored.password };
}

/** The way to a host once a body is written to its row. */
function wantedWay(host: HostRow, fields: HostFields): WantedWay {
  const { name = host.name, runner = host.runner, minion_id: minionId = host.minionId } = fields;
  const { host_type: hostType = host.hostType, provider_id: providerId = host.providerId } = fields;
  const { ip_address: addresses = host.ipAddress, ipmi = host.ipmi as StoredIpmi | null } = fields;
  return {
    id: host.id,
    name,
    runner,
    minionId,
    hostType,
    providerId,
    ipmiAddress: ipmi?.address ?? null,
    addresses: addresses.map(({ address }) => address),
  };
}

/** The parts that lead to a machine; the name does if there is no other. */
const leadingParts = ({ runner, name, minionId, addresses, hostType, providerId, ipmiAddress }: WantedWay): string =>
  canonicalJson([
    runner,
    (runnerTable[runner].reachedBy === 'minion' ? minionId : addresses[0]) ?? name,
    addresses[0] ?? null,
    providerId && hostType,
    providerId,
    ipmiAddress,
  ]);

/** Writes a body's fields to an existing row; the way is admitted if the caller may do so. */
export async function saveHost(ctx: ChangeCtx, host: HostRow, fields: HostFields): Promise<void> {
  const [before, wanted] = [wantedWay(host, {}), wantedWay(host, fields)];
  if (leadingParts(before) !== leadingParts(wanted)) await refuseForeignWay(ctx.tx, ctx.subject, wanted);
  const was = await wayOfHost(ctx.tx, host.id);
  await writeHost(ctx, host, fields);
  if ((await wayOfHost(ctx.tx, host.id)) !== was) await admitWays(ctx.tx, ctx.subject, [host.id]);
}

async function writeHost(ctx: ChangeCtx, host: HostRow, fields: HostFields): Promise<void> {
  const { ipmi, ip_address: addresses } = fields;
  const update = ctx.tx
    .updateTable('hosts')
    .set({
      ...columnsOf(fields),
      updatedTime: ctx.now(),
      ...(ipmi !== undefined && { ipmi: ipmi && json(sealedIpmi(ctx, host, ipmi)) }),
      ...(addresses && { ipAddress: json(await numbered(ctx.tx, addresses, host.ipAddress)) }),
    })
    .where('id', '=', host.id)
    .execute();
  const id = fields.provider_id ?? '';
  const named = unlessTaken(update, 'hosts_name', nameTaken(fields.name ?? host.name));
  const provided = unlessTaken(named, 'hosts_provider', new Problem('provider_id_taken', { id }));
  // Hosts created since the owners of the way were looked up.
  const reached = unlessTaken(provided, 'hosts_runner_way', new Problem('machine_not_available'));
  await unlessTaken(reached, 'hosts_ipmi_way', new Problem('machine_not_available'));
}
