// Free text of people who may not write scripts, in scripts: it may stand there only quoted, and quoted it is never more than
// text, wherever an author puts it. Every script below is really run on the local runner.
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createLocalRunner } from '../../activities/providers/runner/local.ts';
import { freeText } from '../../db/deploy/plan.ts';
import { check } from '../../kit/jinja/check.ts';
import { checkSyntax, renderAll } from '../../kit/jinja/index.ts';
import type { RenderItem } from '../../kit/jinja/index.ts';
import { RenderError } from '../../kit/jinja/render-error.ts';
import { parse } from '../../kit/jinja/syntax/template.ts';
import { plainText } from '../../kit/script-text.ts';
import { oddTexts } from '../support/odd-texts.ts';
import { endOf, jobOf, said } from '../providers/runner.suite.ts';

const dataDir = mkdtempSync(join(tmpdir(), 'slipway-values-'));
const canary = join(dataDir, 'executed');
const host = { name: 'web-1', runner: 'local' as const, address: null };
const runner = createLocalRunner({ dataDir });
beforeAll(() => runner.prepare(host));
afterAll(() => rmSync(dataDir, { recursive: true, force: true }));

type Language = RenderItem['language'];
const languages: Language[] = ['bash', 'python'];

/** Each would make the file if any part of it were run. */
const hostile: [string, string][] = [
  ['a substitution', `$(touch ${canary})`],
  ['backticks', `\`touch ${canary}\``],
  ['an end of single quotes', `'; touch ${canary}; '`],
  ['an end of double quotes', `"; touch ${canary}; "`],
  ['both with a substitution', `'"$(touch ${canary})"'`],
  ['a line of its own', `x\ntouch ${canary}\n`],
  ['CR and LF', `x\r\ntouch ${canary}\r\n`],
  ['an end of a here document', `x\nEND\ntouch ${canary}\n`],
  ['a separator', `x; touch ${canary} & touch ${canary} | touch ${canary}`],
  ['words after an assignment', `x touch ${canary}`],
  ['backslashes', `\\'; touch ${canary} #\\`],
  ['code of Python', `' + __import__('os').system('touch ${canary}') + '`],
  ['code of Python in double quotes', `" + str(open('${canary}', 'w')) + "`],
  ['an end of triple quotes', `"""\nopen('${canary}', 'w')\n'''\nopen('${canary}', 'w')\n"""`],
  ['an expression in an f-string', `{open('${canary}', 'w')}`],
  ['a template', `{{ "x" }}{% raw %}$(touch ${canary})`],
  ['other languages', '修复，登录😀 — «ü»\u2028\u00a0x'],
  ['nothing', ''],
  ['an option', '-rf'],
  ['an assignment', `PATH=${dataDir}`],
];

/** Places where authors put a value; the first is where it belongs, and gives exactly the text. */
const positions: Record<Language, string> = {
  bash: [
    "printf '%s' {{ task.description|quote }}; printf '|'",
    '# {{ task.description|quote }}',
    'x="{{ task.description|quote }}"',
    "x='{{ task.description|quote }}'",
    'x=`printf %s {{ task.description|quote }}`',
    'x="`printf %s "{{ task.description|quote }}"`"',
    'x=$(printf %s "{{ task.description|quote }}")',
    'cat > /dev/null <<END\n{{ task.description|quote }}\nEND',
    "bash -c 'printf %s {{ task.description|quote }}' > /dev/null",
    'bash -c "printf %s {{ task.description|quote }}" > /dev/null',
    'bash -c "printf %s \'{{ task.description|quote }}\'" > /dev/null',
    '[[ x == {{ task.description|quote }} ]]',
    'x={{ ("a " ~ task.description ~ " b")|quote }}',
    'x={{ task.description|upper|quote }}{{ task.description.split()|join("/")|quote }}',
    'true',
  ].join('\n'),
  python: [
    'import sys',
    'sys.stdout.buffer.write({{ task.description|quote }}.encode() + b"|")',
    'assert {{ task.description|quote }} == {{ task.description|tojson }}',
    '# {{ task.description|quote }} {{ task.description|tojson }}',
    'x = "{{ task.description|quote }}"',
    'x = f"{{ task.description|quote }}"',
    'x = r"{{ task.description|quote }}"',
    'x = """{{ task.description|quote }}"""',
    "x = '''{{ task.description|tojson }}'''",
    'x = {{ {"a": [task.description]}|tojson }}',
    'x = {{ ("a " ~ task.description)|quote }}',
  ].join('\n'),
};

/** Places in which the quotes of a literal end those around it: that may be no program, and must run nothing. */
const broken: Record<Language, string[]> = {
  bash: [],
  python: [
    "x = '{{ task.description|quote }}'",
    'x = "{{ task.description|tojson }}"',
    "x = f'{{ task.description|quote }}'",
    "print('a' '{{ task.description|quote }}', 1)",
  ],
};

const item = (template: string, language: Language, description: string): RenderItem => ({
  template,
  language,
  free: freeText,
  context: { task: { description, version: '1.0.0' }, version: '1.0.0' },
});

test.each(oddTexts)(
  '$name as a script that was stored before: rendered it runs as its writer means it',
  async (odd) => {
    if (odd.script === null) return;
    const [rendered] = await renderAll([item(plainText(odd.bytes.toString('utf8')), 'bash', '')]);
    expect(rendered).toEqual({ text: odd.script.saved });
    const { exitCode, text } = await run(odd.script.saved, 'bash');
    expect({ exitCode, says: text.split('\n').filter((line) => line !== '') }).toEqual({
      exitCode: odd.script.exitCode,
      says: odd.script.says,
    });
  },
);

/** Runs a rendered script on the local host: its exit status and what it says. */
async function run(content: string, language: Language): Promise<{ exitCode: number | null; text: string }> {
  const job = jobOf({ script: '', behaviour: () => undefined }, { script: { language, content } });
  await runner.start(host, job);
  const state = await endOf(runner, host, job.id);
  const [out, errors] = [await said(runner, host, job.id), await said(runner, host, job.id, 'stderr')];
  return { exitCode: state.exitCode ?? null, text: out === '' ? errors : out };
}

describe.each(languages)('free text in a script of %s', (language) => {
  test.each(hostile)('%s, quoted, is the text itself and runs nothing', async (_, description) => {
    const templates = [positions[language], ...broken[language]];
    const rendered = await renderAll(templates.map((template) => item(template, language, description)));
    const texts = rendered.map((one) => ('text' in one ? one.text : JSON.stringify(one.error)));
    const [whole, ...others] = await Promise.all(texts.map((text) => run(text, language)));
    expect(whole).toEqual({ exitCode: 0, text: `${description}|` });
    expect(others).toHaveLength(broken[language].length);
    expect(existsSync(canary)).toBe(false);
  });

  const raw: [string, boolean][] = [
    ['{{ task.description }}', true],
    ['{{ task["description"] }}', true],
    ['# {{ task.description }}', true],
    ["'{{ task.description }}'", true],
    ['{{ task.description ~ "" }}', true],
    ['{{ "" + task.description }}', true],
    ['{{ task.description|upper }}', true],
    ['{{ task.description|replace("$", "") }}', true],
    ['{{ task.description|e|safe }}', true],
    ['{{ task.description[0:3] }}', true],
    ['{{ task.description.strip() }}', true],
    ['{{ task.description.split() }}', true],
    ['{{ "%s"|format(task.description) }}', true],
    ['{{ "%s" % task.description }}', true],
    ['{{ "{}".format(task.description) }}', true],
    ['{{ ",".join([task.description]) }}', true],
    ['{{ [task.description]|join }}', true],
    ['{{ [task.description]|first }}', true],
    ['{{ task.description|list|last }}', true],
    ['{{ task.description or "x" }}', true],
    ['{{ task.description if true else "x" }}', true],
    ['{{ nothing|default(task.description) }}', true],
    ['{{ task.description|default("x") }}', true],
    ['{{ task.description|urlencode }}', true],
    ['{{ task.description * 2 }}', true],
    ['{% for c in task.description %}{{ c }}{% endfor %}', true],
    ['{% set d = task.description %}{{ d }}', true],
    ['{% set d = task.description|upper %}{% set e = d %}{{ e }}', true],
    ['{% set d %}{{ task.description }}{% endset %}{{ d }}', true],
    ['{% with d = task.description %}{{ d }}{% endwith %}', true],
    ['{% filter upper %}{{ task.description }}{% endfilter %}', false],
    ['{% macro m(d) %}{{ d }}{% endmacro %}{{ m(task.description) }}', false],
    ['{% set t = task %}{{ t.description }}', false],
    ['{% set n = namespace(d=task.description) %}{{ n.d }}', false],
    ['{{ task }}', false],
    ['{{ task|tojson if false else task|string }}', false],
    ['{{ task.values()|list }}', false],
    ['{% for k, v in task.items() %}{{ v }}{% endfor %}', false],
    ['{{ task.get("description") }}', false],
    ['{{ task|attr("description") }}', false],
    ['{{ [task]|map(attribute="description")|first }}', false],
    ['{{ [task]|sum(attribute="description", start="") }}', false],
    ['{{ dict(a=task.description).a }}', false],
    ['{{ {task.description: 1}.keys()|first }}', false],
    ['{{ cycler(task.description).next() }}', false],
    ['{{ joiner(task.description) }}{% set j = joiner(task.description) %}{{ j() }}{{ j() }}', false],
    ['{{ task.description|quote|replace("x", "y") }}', false],
    ['{{ (task.description|quote)[1:] }}', false],
    ['{{ task.description|quote|truncate(3, true, "") }}', false],
    ['{{ task.description|quote|list|join }}', false],
    ['{{ "%.3s"|format(task.description|quote) }}', false],
    ['{{ "{:.3}".format(task.description|quote) }}', false],
    ['{{ [task.description|quote] }}', false],
  ];
  test('raw, or changed after it was quoted, it is refused when a plan is made, whatever the way', async () => {
    const description = "x$(id)'y'";
    const rendered = await renderAll(raw.map(([template]) => item(`ok\n${template}`, language, description)));
    const refused = rendered.map((one, at) => [raw[at]?.[0], 'text' in one ? one.text : 'refused']);
    expect(refused).toEqual(raw.map(([template]) => [template, 'refused']));
  });

  test('the refusal says the line, the name and what to write instead', async () => {
    const message = expect.stringMatching(
      /^task\.description is free text .* write \{\{ task\.description\|quote \}\}/,
    );
    const [found] = await renderAll([item('a\nb {{ task.description }}', language, 'x')]);
    expect(found).toEqual({ error: { message, line: 2, name: null } });
    expect(await checkSyntax(item('a\nb {{ task.description }}', language, ''))).toEqual({
      message,
      line: 2,
      name: null,
    });
  });

  test('raw it is refused already when a script is saved, as far as that can be told without values', () => {
    // In this process: the renderer's own is begun for each script, which a hundred of them need not.
    const lineOf = (template: string): number | null => {
      try {
        check(parse(template), { language }, freeText);
        return null;
      } catch (error) {
        return error instanceof RenderError ? error.line : null;
      }
    };
    const seen = raw.filter(([, isSeen]) => isSeen).map(([template]) => [template, 1]);
    expect(seen.map(([template]) => [template, lineOf(String(template))])).toEqual(seen);
  });

  test('what asks about it without putting it out is taken', async () => {
    const template =
      '{% if task.description %}1{% endif %}{% if task.description == "x" %}2{% endif %}{{ task.description|length }}' +
      '{{ "y" in task.description }}{{ task.description.startswith("x") }}{{ task.version }}{{ task.description|int(7) }}';
    expect(await checkSyntax(item(template, language, ''))).toBeNull();
    expect(await renderAll([item(template, language, 'x')])).toEqual([{ text: '121FalseTrue1.0.07' }]);
  });
});

test('JSON is no literal of a shell: tojson is refused in bash, and taken in python', async () => {
  const template = '{{ task.description|tojson }}';
  expect(await checkSyntax(item(template, 'bash', ''))).toMatchObject({ line: 1 });
  expect(await checkSyntax(item(template, 'python', ''))).toBeNull();
});

test('a name or path that holds other than what names are made of counts as free text', async () => {
  const odd = ['/data/$(id)', 'a b', "a'b", 'a;b', 'a\nb', 'a`b`', 'a"b', 'a*b', 'a#b', 'a\\b', 'a>b', '{a,b} '];
  const usual = ['/data/web_1.2-rc+3', '1.0:2', 'li@acme', 'fe80::1', '应用', 'a=b,c%20~'];
  const rendered = await renderAll(
    [...odd, ...usual].map((directory) => ({
      ...item('{{ application.directory }}', 'bash', ''),
      context: { application: { directory } },
    })),
  );
  const message = expect.stringContaining('application.directory is free text');
  expect(rendered).toEqual([
    ...odd.map(() => ({ error: { message, line: 1, name: null } })),
    ...usual.map((text) => ({ text })),
  ]);
});
