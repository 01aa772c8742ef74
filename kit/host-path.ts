import { hostname } from 'node:os';
import { join, resolve } from 'node:path';

/** The folder of a local host: `<data dir>/hosts/<host name>`. */
export const localHostFolder = (dataDir: string, hostname: string): string => join(resolve(dataDir), 'hosts', hostname);

/** Maps an application's absolute path to a host, as seen by its commands and templates. */
type HostPath = (host: { name: string; runner: string }, path: string) => string;

/** Local hosts share one machine, so their paths lie below their folders; elsewhere the mapping is the identity. */
export const hostPathIn =
  (dataDir: string): HostPath =>
  ({ name, runner }, path) =>
    runner === 'local' ? join(localHostFolder(dataDir, name), path) : path;

/** How an installation's processes reach machines: one SSH port, and for local hosts their own machine. */
export const reachIn = ({ sshPort }: { sshPort: number }): { sshPort: number; worker: string } => ({
  sshPort,
  worker: hostname(),
});
