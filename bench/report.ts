import type { Row } from './harness.ts';

const figure = (value: number): string => (value >= 100 ? value.toFixed(0) : value.toFixed(value >= 10 ? 1 : 2));

/** The rows as a table in Markdown. */
export function table(rows: readonly Row[]): string {
  const lines = [
    ['', 'base', 'Slipway', 'p95', 'ratio', 'aim', 'base against itself', ''],
    ...rows.map(({ name, unit, base, ours, p95, ratio, aim, noise }) => [
      name,
      `${figure(base)} ${unit}`,
      `${figure(ours)} ${unit}`,
      p95 === undefined ? '' : `${figure(p95)} ${unit}`,
      ratio.toFixed(2),
      typeof aim === 'number' ? `≤ ${aim}` : `p95 ≤ ${aim.p95} ${unit}`,
      noise === null ? '' : noise.toFixed(2),
      (typeof aim === 'number' ? ratio <= aim : (p95 ?? Infinity) <= aim.p95) ? 'reached' : 'missed',
    ]),
  ];
  const widths = lines[0]?.map((_, column) => Math.max(...lines.map((line) => line[column]?.length ?? 0))) ?? [];
  const [head = '', ...body] = lines.map(
    (line) => `| ${line.map((cell, i) => cell.padEnd(widths[i] ?? 0)).join(' | ')} |`,
  );
  return [head, `|${widths.map((width) => '-'.repeat(width + 2)).join('|')}|`, ...body].join('\n');
}
