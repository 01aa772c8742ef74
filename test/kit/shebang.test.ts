import { commandOf, interpreterOf } from '../../kit/shebang.ts';
import { render } from '../../kit/messages/message.ts';

describe('a script is run as its first line says', () => {
  test.each<[string, string[]]>([
    ['echo hi', ['bash']],
    ['', ['bash']],
    [' #!/bin/sh', ['bash']],
    ['# a comment\n#!/bin/sh', ['bash']],
    ['#!/bin/bash', ['/bin/bash']],
    ['#!/bin/bash -e\nfalse', ['/bin/bash', '-e']],
    ['#! /bin/bash  -eu  -o pipefail \n', ['/bin/bash', '-eu', '-o', 'pipefail']],
    ['#!/bin/sh -x', ['/bin/sh', '-x']],
    ['#!/bin/dash', ['/bin/dash']],
    ['#!/usr/local/bin/bash-5.2', ['/usr/local/bin/bash-5.2']],
    ['\uFEFF#!/bin/bash -e\r\nfalse\r\n', ['/bin/bash', '-e']],
    ['#!/usr/bin/env bash', ['/usr/bin/env', 'bash']],
    ['#!/usr/bin/env -S bash -eu\n', ['/usr/bin/env', 'bash', '-eu']],
    ['#!/usr/bin/env -Sbash -e', ['/usr/bin/env', 'bash', '-e']],
    ['#!/usr/bin/env --split-string=bash -e', ['/usr/bin/env', 'bash', '-e']],
    ['#!/usr/bin/env -S A=1 B=2 bash', ['/usr/bin/env', 'A=1', 'B=2', 'bash']],
  ])('bash: %j', (content, argv) => {
    expect(interpreterOf('bash', content)).toEqual({ argv });
    expect(commandOf('bash', content)).toEqual(argv);
  });

  test.each<[string, string[]]>([
    ['print(1)', ['python3', '-u']],
    ['#!/usr/bin/python3', ['/usr/bin/python3', '-u']],
    ['#!/usr/bin/python2.7 -E', ['/usr/bin/python2.7', '-u', '-E']],
    ['#!/usr/bin/env python', ['/usr/bin/env', 'python', '-u']],
    ['#!/usr/bin/env -S python3 -I -X utf8', ['/usr/bin/env', 'python3', '-u', '-I', '-X', 'utf8']],
    ['#!/opt/venv/bin/python3.13t', ['/opt/venv/bin/python3.13t', '-u']],
    ['#!/usr/bin/pypy3', ['/usr/bin/pypy3', '-u']],
  ])('python: %j', (content, argv) => {
    expect(interpreterOf('python', content)).toEqual({ argv });
    expect(commandOf('python', content)).toEqual(argv);
  });

  test.each<['bash' | 'python', string, string]>([
    ['bash', '#!/usr/bin/python3', '/usr/bin/python3'],
    ['bash', '#!/usr/bin/env perl', 'perl'],
    ['bash', '#!/bin/zsh', '/bin/zsh'],
    ['bash', '#!/bin/bashful', '/bin/bashful'],
    ['python', '#!/bin/bash', '/bin/bash'],
    ['python', '#!/usr/bin/env -S node --test', 'node'],
    ['bash', '#!', 'no interpreter'],
    ['bash', '#! \r\n', 'no interpreter'],
    ['bash', '#!/usr/bin/env', 'no interpreter'],
    ['bash', '#!/usr/bin/env -S A=1', 'no interpreter'],
    ['bash', '#!/usr/bin/env -i bash', '-i'],
    ['bash', `#!/usr/bin/env -S bash -c 'x'`, `'x'`],
  ])('%s: %j is a problem, and what runs it is the language’s default', (language, content, problem) => {
    const found = interpreterOf(language, content);
    expect('problem' in found ? render(found.problem, 'en') : found).toContain(problem);
    expect(commandOf(language, content)).toEqual(language === 'bash' ? ['bash'] : ['python3', '-u']);
  });
});
