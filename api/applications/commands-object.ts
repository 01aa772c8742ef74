import { z } from 'zod';
import { commandsHash } from '../../db/applications/commands.ts';
import type { ApplicationRow, Commands } from '../../db/inventory/tables.ts';

const commandsObject = z.object({
  run_user: z.string(),
  directory: z.string(),
  startup_cmd: z.string(),
  stop_cmd: z.string(),
  pid_path: z.string(),
});

/** Commands waiting for confirmation: their hash, their writers, and the commands in effect until then. */
export const pendingCommands = z.object({
  hash: z.string(),
  changed_by: z.array(z.string()),
  in_force: commandsObject,
});

/** Commands by their API names. */
export const presentCommands = (commands: Commands): z.output<typeof commandsObject> => ({
  run_user: commands.runUser,
  directory: commands.directory,
  startup_cmd: commands.startupCmd,
  stop_cmd: commands.stopCmd,
  pid_path: commands.pidPath,
});

/** An application's unconfirmed commands; null: its commands are in effect as written. */
export const presentPending = (row: ApplicationRow): z.output<typeof pendingCommands> | null =>
  row.confirmedCommands && {
    hash: commandsHash(row),
    changed_by: row.commandsBy,
    in_force: presentCommands(row.confirmedCommands),
  };
