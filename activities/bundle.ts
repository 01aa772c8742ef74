// Caches the bundled workflow code, as bundling takes a second or two at each start. The key is a hash of the sources.
import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { bundleWorkflowCode } from '@temporalio/worker';
import { writeFileAtomic } from '../kit/atomic-file.ts';
import { rendererProgram } from '../kit/jinja/program.ts';
import { sourceHash } from '../kit/source-hash.ts';

const root = join(import.meta.dirname, '..');
const sources = join(root, 'workflows');
/** The only other sources of the bundle. */
const words = join(root, 'kit', 'messages');
const bundleFolder = join(root, 'dist');

/** Returns the path of a bundle of the present sources, optionally with tracing; builds it if missing. */
export async function workflowBundle({ traced = false } = {}): Promise<string> {
  const hash = sourceHash(sources, sourceHash(words, readFileSync(join(root, 'package-lock.json'))));
  const path = join(bundleFolder, `workflows-${hash}${traced ? '-traced' : ''}.js`);
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

async function build(): Promise<void> {
  const [bundle, { folder }] = await Promise.all([workflowBundle(), rendererProgram()]);
  process.stdout.write(`${bundle}\n${folder}\n`);
}

if (import.meta.main) void build();
