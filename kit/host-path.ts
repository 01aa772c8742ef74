import { hostname } from 'node:os';
import { join, resolve } from 'node:path';

/** The folder that is a local host: `<data dir>/hosts/<host name>`. */
export const localHostFolder = (dataDir: string, hostname: string): string => join(resolve(dataDir), 'hosts', hostname);

/** Where an absolute path of an application lies on a host, as its commands and templates see it. */
export type HostPath = (host: { name: string; runner: string }, path: string) => string;

/** Local hosts share one machine, so their paths are taken below their folders; elsewhere a path is itself. */
export const hostPathIn =
  (dataDir: string): HostPath =>
  ({ name, runner }, path) =>
    runner === 'local' ? join(localHostFolder(dataDir, name), path) : path;

/** How the processes of an installation reach machines: over SSH by one port, local hosts on the machine that they run on. */
export const reachIn = ({ sshPort }: { sshPort: number }): { sshPort: number; worker: string } => ({
  sshPort,
  worker: hostname(),
});
