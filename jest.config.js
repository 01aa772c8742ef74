// Tests run as CommonJS: swc rewrites our files, and the few dependencies that ship ES modules only.
const esmOnly = ['kysely'];

export default {
  testEnvironment: 'node',
  roots: ['<rootDir>/test'],
  testMatch: ['**/*.test.ts'],
  transform: {
    '^.+\\.[tj]s$': [
      '@swc/jest',
      {
        jsc: { parser: { syntax: 'typescript' }, target: 'es2024' },
        module: { type: 'commonjs' },
        sourceMaps: 'inline',
      },
    ],
  },
  transformIgnorePatterns: [`/node_modules/(?!(${esmOnly.join('|')})/)`],
  globalSetup: './test/support/global-setup.ts',
  globalTeardown: './test/support/global-teardown.ts',
  testSequencer: './test/support/longest-first.js',
  testTimeout: 150_000,
  // A process with much in memory needs more than the usual half second to end on a busy machine; a leak lasts.
  workerGracefulExitTimeout: 10_000,
  // Tests wait for clocks now and then.
  maxWorkers: 3,
};
