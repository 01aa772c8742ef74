// What the jobs of a runner's suite do, in bash and as a behaviour.
import type { Behaviour } from '../../../activities/providers/runner/memory.ts';

export interface RunnerScenario {
  script: string;
  behaviour: Behaviour;
}

export const hello: RunnerScenario = {
  script: 'printf "one\\ntwo\\n"; printf "oops\\n" >&2',
  behaviour: ({ stdout, stderr, exit }) => {
    stdout('one\ntwo\n');
    stderr('oops\n');
    exit(0);
  },
};
export const hang: RunnerScenario = {
  script: 'echo up; sleep 600 & sleep 600',
  behaviour: ({ stdout }) => stdout('up\n'),
};
export const fail: RunnerScenario = { script: 'exit 7', behaviour: ({ exit }) => exit(7) };
export const reopen: RunnerScenario = {
  script: 'echo 1; echo 2 > /dev/stdout; echo 3; echo a >&2; echo b > /dev/stderr; echo c >&2',
  behaviour: ({ stdout, stderr, exit }) => {
    stdout('1\n2\n3\n');
    stderr('a\nb\nc\n');
    exit(0);
  },
};
export const manyLines = Array.from({ length: 10_000 }, (_, i) => `line ${i + 1}\n`).join('');
export const talk: RunnerScenario = {
  script: 'for ((i = 1; i <= 10000; i++)); do echo "line $i"; echo "line $i" >&2; done',
  behaviour: ({ stdout, stderr, exit }) => {
    stdout(manyLines);
    stderr(manyLines);
    exit(0);
  },
};
const floodLines = 40_000;
/** Lines of 100 bytes, so that a position says which it is. */
export const flooded = Array.from({ length: floodLines }, (_, i) => `${String(i + 1).padStart(99, '0')}\n`).join('');
export const flood: RunnerScenario = {
  script: `echo first >&2; seq -f '%099.0f' 1 ${floodLines}; echo last >&2; exit 3`,
  behaviour: ({ stdout, stderr, exit }) => {
    stderr('first\n');
    stdout(flooded);
    stderr('last\n');
    exit(3);
  },
};
/** Scripts that their first line runs, with what they say and how they end. */
export const firstLines = [
  { language: 'bash', content: '#!/bin/bash -e\necho one\nfalse\necho went on', says: 'one\n', code: 1 },
  { language: 'bash', content: '#!/usr/bin/env -S bash -e -u\necho one\nfalse\necho went on', says: 'one\n', code: 1 },
  { language: 'bash', content: '#!/bin/sh -e\necho one\nfalse\necho went on', says: 'one\n', code: 1 },
  { language: 'bash', content: '#!/usr/bin/perl\nx=1; [[ $x = 1 ]] && echo bash', says: 'bash\n', code: 0 },
  { language: 'python', content: '#!/usr/bin/env -S python3 -O\nprint(__debug__)', says: 'False\n', code: 0 },
  { language: 'python', content: 'print(__debug__)', says: 'True\n', code: 0 },
] as const;
/** Python scripts that say something and stay. */
export const pythons = ['', '#!/usr/bin/env python3\n', '#!/usr/bin/python3 -I\n'].map(
  (firstLine) => `${firstLine}import time\nprint('up')\ntime.sleep(600)\n`,
);
export const awkward = 'a b"c\'d\n$(e) `f` \\g \u00e9\u4e2d';
export const sayVariable: RunnerScenario = {
  script: 'printf %s "$AWKWARD"',
  behaviour: ({ job, stdout, exit }) => {
    stdout(job.env['AWKWARD'] ?? '');
    exit(0);
  },
};
