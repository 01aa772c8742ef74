// Drivers against the real servers that they are made for: `npm run test:providers` (needs root and Debian). Many of these
// tests wait for the servers' own clocks, hence more files at once than there are cores.
import base from './jest.config.js';

export default {
  ...base,
  testMatch: ['**/*.provider.ts'],
  globalSetup: './test/support/servers/set-up.ts',
  // A first test waits until its servers are installed.
  testTimeout: 600_000,
  maxWorkers: 3,
};
