// The program of a renderer, stripped of its types once: Node would strip it at every start, which took four fifths of the
// start's processor time, and its own cache of that is off for a process that may write nothing. As with the workflows'
// bundle (activities/bundle.ts) what lies in `dist` is used only if it was made of exactly the sources that are there now.
import { execFile } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { stripTypeScriptTypes } from 'node:module';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { sourceHash, sourceNames } from '../source-hash.ts';

const sources = import.meta.dirname;
const made = join(sources, '..', '..', 'dist');

/** A folder that holds a whole renderer, and the file to run. */
interface RendererProgram {
  folder: string;
  entry: string;
}

let found: Promise<RendererProgram> | undefined;

/** The program of the present sources, made when there is none; where nothing can be written, the sources themselves. */
export async function rendererProgram(): Promise<RendererProgram> {
  const program = await (found ??= find());
  if (existsSync(program.entry)) return program;
  // Somebody has cleared the folder.
  found = find();
  return found;
}

async function find(): Promise<RendererProgram> {
  const folder = join(made, `jinja-${sourceHash(sources, process.version)}`);
  const stripped = { folder, entry: join(folder, 'child.js') };
  if (existsSync(folder)) return stripped;
  try {
    // Apart, for Node warns of the function that strips.
    await promisify(execFile)(process.execPath, ['--no-warnings', join(sources, 'program.ts'), folder], { env: {} });
    return stripped;
  } catch {
    return { folder: sources, entry: join(sources, 'child.ts') };
  }
}

function strip(folder: string): void {
  mkdirSync(made, { recursive: true });
  const unfinished = mkdtempSync(`${folder}.`);
  try {
    for (const name of sourceNames(sources)) {
      const code = stripTypeScriptTypes(readFileSync(join(sources, name), 'utf8'));
      const path = join(unfinished, name.replace(/\.ts$/, '.js'));
      mkdirSync(dirname(path), { recursive: true });
      writeFileSync(path, code.replaceAll(/( from '\.[^']*)\.ts';/g, "$1.js';"), { flush: true });
    }
    chmodSync(unfinished, 0o755);
    renameSync(unfinished, folder);
  } catch (error) {
    rmSync(unfinished, { recursive: true, force: true });
    // Another process was faster.
    if (!existsSync(folder)) throw error;
  }
}

if (import.meta.main) strip(process.argv[2] ?? '');
