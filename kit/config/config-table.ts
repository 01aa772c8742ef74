import { settings } from './settings.ts';

/** The settings as a markdown table, for docs/configuration.md. */
export function configTable(): string {
  const rows = Object.values(settings).map(
    ({ variable, defaultText, meaning }) =>
      `| \`${variable}\` | ${defaultText === '' ? 'none' : defaultText} | ${meaning} |`,
  );
  return ['| variable | default | meaning |', '|---|---|---|', ...rows].join('\n');
}

if (import.meta.main) console.log(configTable());
