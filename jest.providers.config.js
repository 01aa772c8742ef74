// Drivers against the real servers that they are made for: `npm run test:providers` (needs root and Debian).
import base from './jest.config.js';

export default { ...base, testMatch: ['**/*.provider.ts'], testTimeout: 180_000, maxWorkers: 1 };
