import type { Row } from './harness.ts';

const figure = (value: number): string => (value >= 100 ? value.toFixed(0) : value.toFixed(value >= 10 ? 1 : 2));

/** The rows as a table in Markdown. */
export function table(rows: readonly Row[]): string {
  const lines = [
    ['', 'base', 'Slipway', 'ratio', 'aim', 'base against itself', ''],
    ...rows.map(({ name, unit, base, ours, ratio, aim, noise }) => [
      name,
      `${figure(base)} ${unit}`,
      `${figure(ours)} ${unit}`,
      ratio.toFixed(2),
      `≤ ${aim}`,
      noise === null ? '' : noise.toFixed(2),
      ratio <= aim ? 'reached' : 'missed',
    ]),
  ];
  const widths = lines[0]?.map((_, column) => Math.max(...lines.map((line) => line[column]?.length ?? 0))) ?? [];
  const [head = '', ...body] = lines.map(
    (line) => `| ${line.map((cell, i) => cell.padEnd(widths[i] ?? 0)).join(' | ')} |`,
  );
  return [head, `|${widths.map((width) => '-'.repeat(width + 2)).join('|')}|`, ...body].join('\n');
}
