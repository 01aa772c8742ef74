// Replays a recorded history against workflow code: shows whether running workflows survive a change of it.
import { appendFileSync, cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { readdirSync } from 'node:fs';
import { join, relative } from 'node:path';
import { temporal } from '@temporalio/proto';
import { bundleWorkflowCode, Worker } from '@temporalio/worker';
import type { WorkflowBundleOption } from '@temporalio/worker';

const root = join(__dirname, '..', '..', '..');
export const historiesFolder = join(root, 'test', 'histories');

export const histories = (): string[] =>
  readdirSync(historiesFolder)
    .filter((name) => name.endsWith('.json'))
    .sort();

function read(name: string): { workflowId: string; history: temporal.api.history.v1.History } {
  const text = readFileSync(join(historiesFolder, name), 'utf8');
  const history = temporal.api.history.v1.History.fromObject(JSON.parse(text) as object);
  // Children are named after their parent, so it has to have its own name.
  const { workflowId } = history.events[0]?.workflowExecutionStartedEventAttributes ?? {};
  return { workflowId: workflowId ?? 'fake', history };
}

/** Throws when the code would have decided otherwise than the history says. */
export async function replay(name: string, workflowBundle: WorkflowBundleOption): Promise<void> {
  const { workflowId, history } = read(name);
  await Worker.runReplayHistory({ workflowBundle }, history, workflowId);
}

/** Replays every saved history with one worker; returns the non-deterministic ones by name. */
export async function replayAll(workflowBundle: WorkflowBundleOption): Promise<Map<string, Error | undefined>> {
  const names = histories();
  const byRun = new Map<string, string>();
  const given = names.map((name) => {
    const { workflowId, history } = read(name);
    byRun.set(history.events[0]?.workflowExecutionStartedEventAttributes?.originalExecutionRunId ?? '', name);
    return { workflowId, history };
  });
  const results = new Map<string, Error | undefined>();
  for await (const { runId, error } of Worker.runReplayHistories({ workflowBundle }, given))
    results.set(byRun.get(runId) ?? runId, error);
  return results;
}

/** A piece of the workflows' text, there exactly once, and what stands in its place. */
interface Change {
  file: string;
  from: string;
  to: string;
}

/** A bundle of the present workflows with one piece of their text replaced. */
export async function bundleWith(file: string, from: string, to: string): Promise<{ code: string }> {
  const [bundle = { code: '' }] = await bundlesWith([{ file, from, to }]);
  return bundle;
}

/** A bundle for each change. All changed files are bundled at once, next to the present ones, and then change places. */
export async function bundlesWith(changes: readonly Change[]): Promise<{ code: string }[]> {
  // In the project's folder, so that the copy resolves packages from node_modules.
  mkdirSync(join(root, 'dist'), { recursive: true });
  const copy = mkdtempSync(join(root, 'dist', 'seeded-'));
  const folder = join(copy, 'workflows');
  try {
    cpSync(join(root, 'workflows'), folder, { recursive: true });
    cpSync(join(root, 'kit', 'messages'), join(copy, 'kit', 'messages'), { recursive: true });
    const changed = changes.map(({ file, from, to }, index) => {
      const parts = readFileSync(join(folder, file), 'utf8').split(from);
      if (parts.length !== 2) throw new Error(`${file} has "${from}" ${parts.length - 1} times`);
      const name = file.replace(/\.ts$/, `.seed-${index}.ts`);
      writeFileSync(join(folder, name), parts.join(to));
      return { file, name };
    });
    const workflowsPath = join(folder, 'index.ts');
    appendFileSync(workflowsPath, changed.map(({ name }) => `import './${name}';\n`).join(''));
    const quiet = (): void => undefined;
    const logger = { log: quiet, trace: quiet, debug: quiet, info: quiet, warn: quiet, error: console.error };
    const { code } = await bundleWorkflowCode({ workflowsPath, logger });
    const keyOf = (name: string): string => `/***/ "./${relative(root, join(folder, name))}"`;
    return changed.map(({ file, name }) => ({ code: swapped(code, keyOf(file), keyOf(name)) }));
  } finally {
    rmSync(copy, { recursive: true, force: true });
  }
}

function swapped(code: string, one: string, other: string): string {
  const [before, between, after, ...more] = code.split(one).flatMap((part) => part.split(other));
  if (before === undefined || between === undefined || after === undefined || more.length > 0)
    throw new Error(`the bundle does not have each of ${one} and ${other} once`);
  const isFirst = code.indexOf(one) < code.indexOf(other);
  return isFirst ? `${before}${other}${between}${one}${after}` : `${before}${one}${between}${other}${after}`;
}
