// Decides which commands are in effect. A deploy runs those of its approved plan, and the instance keeps them. An editor's
// change waits: actions on instances run it after the next deploy, or once another user has confirmed it by its hash.
import { createHash } from 'node:crypto';
import type { Kysely } from 'kysely';
import { canonicalJson } from '../core/canonical-json.ts';
import type { Database } from '../database.ts';
import { settingsOf } from '../deploy/settings.ts';
import type { SettingsInForce } from '../deploy/settings.ts';
import { processSetup } from '../deploy/sub-tasks.ts';
import type { SubTaskSetup } from '../deploy/sub-tasks.ts';
import type { ApplicationRow, Commands, InstanceCommands, InstanceRow } from '../inventory/tables.ts';
import { json } from '../core/jsonb.ts';

const commandFields = ['runUser', 'directory', 'startupCmd', 'stopCmd', 'pidPath'] as const;

/** Effective commands of an application without any confirmed ones. */
export const noCommands: Commands = { runUser: '', directory: '', startupCmd: '', stopCmd: '', pidPath: '' };

/** The commands as they are written in the fields of an application. */
export const writtenCommands = (row: Commands): Commands => ({
  runUser: row.runUser,
  directory: row.directory,
  startupCmd: row.startupCmd,
  stopCmd: row.stopCmd,
  pidPath: row.pidPath,
});

const same = (one: Commands, other: Commands): boolean => commandFields.every((field) => one[field] === other[field]);

/** SHA-256 of commands, hex; a confirmation is bound to it. */
export const commandsHash = (commands: Commands): string =>
  createHash('sha256')
    .update(canonicalJson(writtenCommands(commands)))
    .digest('hex');

interface CommandChange {
  /** The row before the change; undefined: the application is new. */
  before: ApplicationRow | undefined;
  after: ApplicationRow;
  by: string;
  /** Whether the commands that they write count at once. */
  isTrusted: boolean;
}

/** Has changed commands wait, unless their writer is trusted; a change back to what counts waits no more. */
export async function holdCommands(
  db: Kysely<Database>,
  { before, after, by, isTrusted }: CommandChange,
): Promise<void> {
  const written = writtenCommands(after);
  const was = before ? writtenCommands(before) : noCommands;
  // The user alone runs nothing, so an application without commands has nothing to confirm.
  if (same(written, was) || (!before && written.startupCmd === '' && written.stopCmd === '')) return;
  const counted: Commands = { ...(before?.confirmedCommands ?? was) };
  for (const field of isTrusted ? commandFields : [])
    if (written[field] !== was[field]) counted[field] = written[field];
  const waits = !same(counted, written);
  const writers = new Set([...(before?.commandsBy ?? []), ...(isTrusted ? [] : [by])]);
  await db
    .updateTable('applications')
    .set({ confirmedCommands: waits ? json(counted) : null, commandsBy: waits ? [...writers] : [] })
    .where('id', '=', after.id)
    .execute();
}

/** Lets the commands count that are written in the fields. */
export async function confirmCommands(db: Kysely<Database>, applicationId: number): Promise<void> {
  await db
    .updateTable('applications')
    .set({ confirmedCommands: null, commandsBy: [] })
    .where('id', '=', applicationId)
    .execute();
}

/** The commands for an action on an instance: those of its last deploy, else the application's confirmed ones. */
export function commandsOf(
  instance: Pick<InstanceRow, 'commands'>,
  of: ApplicationRow,
  settings: SettingsInForce | undefined,
): SubTaskSetup {
  const { runUser, directory, startupCmd, stopCmd, pidPath } = of.confirmedCommands ?? writtenCommands(of);
  const path = settings?.deployPath ?? of.directory;
  const deployPath = path === of.directory ? directory : path;
  const own: InstanceCommands = instance.commands ?? { deployPath, runUser, startupCmd, stopCmd, pidPath };
  return { ...own, ...processSetup(settings), keepBackups: 0, package: null };
}

/** Whether commands of an instance wait for a confirmation, as it was never deployed. */
export const waitsForCommands = (instance: Pick<InstanceRow, 'commands'>, of: ApplicationRow): boolean =>
  instance.commands === null && of.confirmedCommands !== null;

/** Notes with what an instance was deployed; commands that were approved with it wait no more. */
export async function noteDeployed(
  db: Kysely<Database>,
  { instanceId, applicationId }: { instanceId: number | null; applicationId: number | null },
  { deployPath, runUser, startupCmd, stopCmd, pidPath }: InstanceCommands,
): Promise<void> {
  const commands = { deployPath, runUser, startupCmd, stopCmd, pidPath };
  await db
    .updateTable('instances')
    .set({ commands: json(commands) })
    .where('id', '=', instanceId)
    .execute();
  const waiting = await db
    .selectFrom('applications')
    .selectAll()
    .where('id', '=', applicationId)
    .where('confirmedCommands', 'is not', null)
    .forNoKeyUpdate()
    .executeTakeFirst();
  if (!waiting) return;
  const settings = await settingsOf(db, waiting.id);
  const written = { ...writtenCommands(waiting), directory: settings?.deployPath ?? waiting.directory };
  if (same(written, { ...commands, directory: deployPath })) await confirmCommands(db, waiting.id);
}
