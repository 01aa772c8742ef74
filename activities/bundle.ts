// Caches the bundled workflow code, as bundling takes a second or two at each start. The key is a hash of the sources.
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { bundleWorkflowCode } from '@temporalio/worker';
import { writeFileAtomic } from '../kit/atomic-file.ts';
import { rendererProgram } from '../kit/jinja/program.ts';

const root = join(import.meta.dirname, '..');
const sources = join(root, 'workflows');
const bundleFolder = join(root, 'dist');

/** Returns the path of a bundle of the present sources, optionally with tracing; builds it if missing. */
export async function workflowBundle({ traced = false } = {}): Promise<string> {
  const path = join(bundleFolder, `workflows-${sourceHash()}${traced ? '-traced' : ''}.js`);
  if (existsSync(path)) return path;
  const { code } = await bundleWorkflowCode({
    workflowsPath: join(sources, 'index.ts'),
    workflowInterceptorModules: traced ? [tracer] : [],
    logger: { log: () => undefined, trace: silent, debug: silent, info: silent, warn: silent, error: console.error },
  });
  writeFileAtomic(path, code);
  return path;
}

/** Resolved from the importing package, as the bundler does. */
const tracer = createRequire(import.meta.url).resolve(
  '@temporalio/interceptors-opentelemetry/lib/workflow-interceptors',
);
const silent = (): void => undefined;

function sourceHash(): string {
  const hash = createHash('sha256').update(readFileSync(join(root, 'package-lock.json')));
  const files = readdirSync(sources, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.ts'));
  for (const name of files.sort()) hash.update(`\n${name}\n`).update(readFileSync(join(sources, name)));
  return hash.digest('hex').slice(0, 16);
}

async function build(): Promise<void> {
  const [bundle, { folder }] = await Promise.all([workflowBundle(), rendererProgram()]);
  process.stdout.write(`${bundle}\n${folder}\n`);
}

if (import.meta.main) void build();
