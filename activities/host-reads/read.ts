// Reads a log on its host: a regular file that lies within the log roots after links are resolved, with the length it had at
// the start. A file that is cut or replaced meanwhile is read again from the beginning.
import type { LogFound, LogPart, LogRequest } from '../../db/host-reads/tables.ts';
import { isBelow } from '../../kit/host-rules.ts';
import { Problem } from '../../workflows/problems/problem.ts';
import { ProviderError } from '../providers/error.ts';
import type { RealPath, Runner, RunnerHost } from '../providers/runner/driver.ts';
import { readBytes } from './bytes.ts';
import type { BytePiece } from './bytes.ts';
import { linesFromEnd, linesFromStart } from './log-lines.ts';
import { Scan, ScanLimitError } from './scan.ts';
import { FileChangedError, fileOnHost } from './source.ts';
import type { LogSource } from './source.ts';

interface LogRead {
  found: LogFound;
  content: Buffer;
}

const attempts = 3;
/** Scanning ends this many ms before the deadline, so that a long scan is not reported as an unreachable host. */
const toAnswerMs = 3_000;

/** Reads a part of a log; throws Problem, or ReaderGoneError after `deadline` (ms since 1970). */
export async function readLog(
  runner: Runner,
  host: RunnerHost,
  request: LogRequest,
  deadline: number,
): Promise<LogRead> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await readOnce(runner, host, request, deadline);
    } catch (error) {
      if (error instanceof ScanLimitError) throw new Problem('too_much_to_scan');
      if (error instanceof ProviderError) throw providerProblem(error, host);
      if (!(error instanceof FileChangedError)) throw error;
      if (attempt === attempts) throw new Problem('log_unreadable', { reason: 'it is replaced while it is read' });
    }
  }
}

const providerProblem = ({ kind, message }: ProviderError, { name }: RunnerHost): Problem =>
  kind === 'unavailable'
    ? new Problem('host_silent', { name, reason: message })
    : new Problem('log_unreadable', { reason: message });

async function readOnce(runner: Runner, host: RunnerHost, request: LogRequest, deadline: number): Promise<LogRead> {
  const path = await placeOf(runner, host, request);
  const { kind, size } = await runner.stat(host, path);
  if (kind === 'absent') throw new FileChangedError();
  if (kind !== 'file') throw new Problem('log_not_a_file');
  const {
    content,
    position,
    lines = null,
  } = await partOf(fileOnHost(runner, host, { path, size }, deadline), request.part, deadline - toAnswerMs);
  // A folder on the path that became a link meanwhile may have redirected the read.
  const [still] = await runner.realPaths(host, [path]);
  if (still?.kind !== 'path' || still.path !== path) throw new FileChangedError();
  return { found: { position, size, lines }, content };
}

/** The real path of the log; refused unless it lies in one of the roots. */
async function placeOf(runner: Runner, host: RunnerHost, { path, roots, deploy }: LogRequest): Promise<string> {
  const asked = deploy ? [deploy.path, ...deploy.roots] : [];
  const [real, ...others] = await runner.realPaths(host, [path, ...roots, ...asked]);
  const named = deploy && isBelow(deploy.path, deploy.roots) ? [...roots, deploy.path] : roots;
  // Does not reveal whether a file exists elsewhere.
  if (real?.kind === 'absent' && isBelow(path, named)) throw new Problem('log_absent');
  const [deployPath, ...deployRoots] = others.slice(roots.length);
  const isDeployed = deployPath?.kind === 'path' && isBelow(deployPath.path, deployRoots.flatMap(pathOf));
  const allowed = [...others.slice(0, roots.length), ...(isDeployed ? [deployPath] : [])].flatMap(pathOf);
  if (real?.kind !== 'path' || !isBelow(real.path, allowed)) throw new Problem('log_outside');
  return real.path;
}

const pathOf = (real: RealPath): string[] => (real.kind === 'path' ? [real.path] : []);

function partOf(source: LogSource, part: LogPart, until: number): Promise<BytePiece & { lines?: number }> {
  if (part.mode === 'bytes') return readBytes(source, part);
  const { from, offset, count } = part;
  return from === 'start'
    ? linesFromStart(new Scan(source, { until }), offset, count)
    : linesFromEnd(new Scan(source, { until }), offset, count);
}
