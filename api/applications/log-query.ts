import { z } from 'zod';
import type { LogPart } from '../../db/host-reads/tables.ts';
import { Problem } from '../../workflows/problems/problem.ts';
import type { ProblemDetail } from '../../workflows/problems/problem.ts';
import { msg } from '../../kit/messages/message.ts';

const most = Number.MAX_SAFE_INTEGER;

interface Range {
  least: number;
  most: number;
}

const ranges = {
  from_position: { least: 0, most },
  from_last_position: { least: 0, most },
  block_size: { least: 1, most: 1_048_576 },
  lines: { least: 1, most: 10_000 },
  from_lines: { least: 0, most },
  latest_lines: { least: 1, most: 10_000 },
  latest_lines_offset: { least: 0, most },
} as const satisfies Record<string, Range>;

type Name = keyof typeof ranges;

// Only parameters of the chosen mode are checked, so the schema accepts any text; the document states the meaning.
const number = (name: Name, meaning: string) => {
  const { least: minimum, most: maximum } = ranges[name];
  return z.string().optional().meta({ type: 'integer', minimum, maximum, description: meaning });
};

/** The raw parameters of a log read. */
export const logQuery = z.object({
  log_type: z.enum(['stdout', 'error']).default('stdout'),
  mode: z.string().default('bytes').meta({ description: '`bytes` or `lines`' }),
  from_position: number('from_position', 'bytes: the first byte wanted; 0 by default'),
  from_last_position: number('from_last_position', 'bytes: how far before the end to start'),
  block_size: number('block_size', 'bytes: how many; 8192 by default'),
  lines: number('lines', 'lines: how many; 1000 by default'),
  from_lines: number('from_lines', 'lines: how many are skipped from the start; 0 by default'),
  latest_lines: number('latest_lines', 'lines: how many of the latest; 1000 by default'),
  latest_lines_offset: number('latest_lines_offset', 'lines: how many are skipped from the end; 0 by default'),
});
type LogQuery = z.output<typeof logQuery>;

/** The part of the log that a query requests; throws Problem `invalid` naming each wrong parameter. */
export function logPart(query: LogQuery): LogPart {
  const mode = query.mode.trim();
  if (mode === 'bytes') return bytesPart(query);
  if (mode === 'lines') return linesPart(query);
  throw new Problem('invalid', {}, [{ field: 'mode', message: msg('must_be_bytes_or_lines') }]);
}

function bytesPart(query: LogQuery): LogPart {
  const given = numbers(query, ['from_position', 'from_last_position', 'block_size']);
  refuseBoth(query, ['from_position'], ['from_last_position']);
  const { from_position: start = 0, from_last_position: end, block_size: count = 8192 } = given;
  return { mode: 'bytes', from: end === undefined ? 'start' : 'end', offset: end ?? start, count };
}

function linesPart(query: LogQuery): LogPart {
  const [first, second] = [['lines', 'from_lines'] as const, ['latest_lines', 'latest_lines_offset'] as const];
  const given = numbers(query, [...first, ...second]);
  refuseBoth(query, first, second);
  if (second.every((name) => query[name] === undefined))
    return { mode: 'lines', from: 'start', offset: given.from_lines ?? 0, count: given.lines ?? 1000 };
  return { mode: 'lines', from: 'end', offset: given.latest_lines_offset ?? 0, count: given.latest_lines ?? 1000 };
}

/** Parses the given numbers; every wrong one is named. */
function numbers(query: LogQuery, names: readonly Name[]): Partial<Record<Name, number>> {
  const details: ProblemDetail[] = [];
  const values: Partial<Record<Name, number>> = {};
  for (const name of names) {
    const text = query[name];
    if (text === undefined) continue;
    const { least, most: largest } = ranges[name];
    const value = /^\d{1,16}$/.test(text) ? Number(text) : Number.NaN;
    if (value >= least && value <= largest) values[name] = value;
    else details.push({ field: name, message: msg('must_be_a_whole_number_from', { least, most: largest }) });
  }
  if (details.length > 0) throw new Problem('invalid', {}, details);
  return values;
}

function refuseBoth(query: LogQuery, first: readonly Name[], second: readonly Name[]): void {
  const present = (names: readonly Name[]): Name | undefined => names.find((name) => query[name] !== undefined);
  const [one, other] = [present(first), present(second)];
  if (one && other)
    throw new Problem('invalid', {}, [{ field: other, message: msg('must_not_be_given_with', { other: one }) }]);
}
