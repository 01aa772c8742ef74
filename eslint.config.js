// The house's rules that a linter can check. Each room says once what it may import; house.test.ts checks the same
// again on resolved paths, and what needs the whole tree (cycles, sizes, endpoints).
import tseslint from 'typescript-eslint';

const escaped = (text) => text.replace(/[.*+?^${}()|[\]\\/]/g, '\\$&');

/** Matches the packages that are not listed; `node:` modules are told apart. */
const otherPackagesThan = (names) => `^(?!\\.|node:${names.map((name) => `|${escaped(name)}(?:/|$)`).join('')})`;
const rooms = (...names) => `^(?:\\.\\./)+(?:${names.join('|')})/`;

const builtins = { regex: '^node:', message: 'workflows are deterministic: no Node built-ins' };
const engineRoom = (allowed, message, types = true) => ({
  regex: `^(?:\\.\\./)+workflows/(?!(?:.*/)?(?:${allowed.join('|')})\\.ts$)`,
  allowTypeImports: types,
  message,
});
const refuseRooms = (...names) => ({
  regex: rooms(...names),
  message: 'this room may not import that one (house.test.ts)',
});
const refusePackages = (names, allowTypeImports = false) => ({
  regex: otherPackagesThan(names),
  allowTypeImports,
  message: 'this room may not use that package',
});

const activityProxies = {
  name: '@temporalio/workflow',
  importNames: ['proxyActivities', 'proxyLocalActivities'],
  message: 'activities are called by workflow.ts and sub-task.ts only',
};

const imports = (patterns, paths = []) => ({
  '@typescript-eslint/no-restricted-imports': ['error', { paths, patterns }],
});

const workflowImports = [
  builtins,
  refuseRooms('activities', 'api', 'db', 'kit/(?!messages/)', 'embedded', 'bench', 'chaos', 'test'),
  refusePackages(['@temporalio/workflow', '@temporalio/common']),
];

const worker = ['@temporalio/worker', '@temporalio/common', '@temporalio/interceptors-opentelemetry'];
const activityImports = [
  refuseRooms('api', 'bench', 'chaos', 'test'),
  engineRoom(
    ['contract', 'policy', 'quorum', 'problem', 'ports', 'search-attributes'],
    'activities know contracts, policies, problems and ports',
  ),
];

const noEmbedded = {
  regex: rooms('embedded'),
  message: 'the embedded stack starts the rooms, and none of them asks for it',
};

const apiPackages = [
  'hono',
  '@hono/node-server',
  '@hono/zod-openapi',
  'zod',
  '@temporalio/client',
  '@temporalio/common',
  '@temporalio/interceptors-opentelemetry',
  'ws',
  'prom-client',
  'swagger-ui-dist',
  'nodemailer',
  'otpauth',
  '@opentelemetry/api',
];

const apiImports = [
  refuseRooms('activities', 'bench', 'chaos', 'test'),
  engineRoom(
    ['contract', 'policy', 'quorum', 'problem', 'search-attributes'],
    'the API knows contracts, policies and problems; of the rest the types',
  ),
  refusePackages(apiPackages, true),
];

const houseImports = [
  {
    files: ['workflows/**/*.ts'],
    rules: imports(workflowImports, [activityProxies]),
  },
  {
    files: ['workflows/**/{workflow,sub-task}.ts'],
    rules: imports(workflowImports),
  },
  {
    files: ['db/**/*.ts'],
    rules: imports([
      refuseRooms('activities', 'api', 'embedded', 'bench', 'chaos', 'test'),
      {
        regex: '/(?:policy|quorum)\\.ts$',
        allowTypeImports: true,
        message: 'of policies the database may know the types only',
      },
      engineRoom(['contract', 'problem', 'policy', 'quorum'], 'the database knows contracts and problems only', false),
      refusePackages(['kysely', 'pg']),
    ]),
  },
  {
    files: ['activities/**/*.ts'],
    rules: imports([
      ...activityImports,
      noEmbedded,
      refusePackages(['@temporalio/activity', '@temporalio/common'], true),
    ]),
  },
  {
    files: ['activities/{worker,bundle}.ts'],
    rules: imports([...activityImports, noEmbedded, refusePackages(['@temporalio/activity', ...worker])]),
  },
  {
    files: ['activities/providers/**/*.ts'],
    rules: imports([...activityImports, noEmbedded]),
  },
  {
    files: ['api/**/*.ts'],
    rules: imports([...apiImports, noEmbedded]),
  },
  {
    files: ['kit/**/*.ts'],
    rules: imports([refuseRooms('workflows', 'activities', 'api', 'db', 'embedded', 'bench', 'chaos', 'test')]),
  },
  {
    files: ['embedded/**/*.ts'],
    rules: imports([refuseRooms('bench', 'chaos', 'test')]),
  },
];

const notInWorkflows = [
  'process',
  'Buffer',
  'fetch',
  'console',
  'require',
  'setImmediate',
  'setInterval',
  'performance',
  'WeakRef',
  'FinalizationRegistry',
].map((name) => ({ name, message: 'the workflow sandbox has it not, or it is not deterministic' }));

const packing = 'write the fields themselves: a misspelt one in a spread literal is not seen by the compiler';
const noPacking = ['Object', 'Array', 'Call'].flatMap((outer) =>
  ['', 'TSAsExpression > '].map((as) => ({
    selector: `${outer}Expression > SpreadElement > ${as}${outer === 'Object' ? 'Object' : 'Array'}Expression`,
    message: packing,
  })),
);

const waitFor = 'wait for a condition with eventually() of harness.ts';
const everyTestRuns = [
  {
    selector:
      'CallExpression MemberExpression[object.name=/^(it|test|describe)$/][property.name=/^(only|skip|todo|failing)$/]',
    message: 'every test runs',
  },
  { selector: 'CallExpression[callee.name=/^(xit|xtest|xdescribe|fit|fdescribe)$/]', message: 'every test runs' },
];
const noSleep = { selector: "CallExpression[callee.name='setTimeout']", message: waitFor };

export default tseslint.config(
  { ignores: ['dist/', 'coverage/', '.slipway/', 'test/histories/'] },
  { linterOptions: { noInlineConfig: true } },
  ...tseslint.configs.strictTypeChecked,
  { languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } } },
  {
    files: ['**/*.ts'],
    rules: {
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true }],
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/no-explicit-any': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
      '@typescript-eslint/consistent-type-imports': ['error', { disallowTypeAnnotations: false }],
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', ignoreRestSiblings: true }],
      '@typescript-eslint/no-confusing-void-expression': [
        'error',
        { ignoreArrowShorthand: true, ignoreVoidReturningFunctions: true },
      ],
      // Counting code points is what we spread strings for.
      '@typescript-eslint/no-misused-spread': ['error', { allow: ['string'] }],
      // Interfaces here are kept by closures, and asynchronous ones by functions that need not wait.
      '@typescript-eslint/unbound-method': 'off',
      '@typescript-eslint/require-await': 'off',
      // The engine's SDK is called with void as a type argument: defineUpdate<void, [Input]>.
      '@typescript-eslint/no-invalid-void-type': 'off',
      'no-restricted-syntax': ['error', ...noPacking],
      'max-lines': ['error', { max: 400 }],
      'max-lines-per-function': ['error', { max: 50, skipBlankLines: true, skipComments: true }],
      'no-restricted-properties': [
        'error',
        { object: 'process', property: 'env', message: 'the environment is read once, by kit/config/config.ts' },
      ],
    },
  },
  ...houseImports,
  {
    files: ['workflows/**/*.ts'],
    rules: {
      'no-restricted-globals': ['error', ...notInWorkflows],
      'no-restricted-syntax': [
        'error',
        ...noPacking,
        { selector: "CallExpression[callee.name='setTimeout']", message: "use Temporal's sleep or condition" },
      ],
    },
  },
  {
    // The demo asks only whether it is to stop by itself.
    files: ['kit/config/config.ts', 'embedded/demo.ts'],
    rules: { 'no-restricted-properties': 'off' },
  },
  {
    files: ['test/**/*.ts'],
    rules: {
      'no-restricted-properties': 'off',
      'no-restricted-syntax': ['error', ...everyTestRuns, ...noPacking, noSleep],
      ...imports([{ regex: '^(?:node:)?timers(?:/promises)?$', message: waitFor }]),
      // expect.any() and its kin are typed any.
      '@typescript-eslint/no-unsafe-assignment': 'off',
    },
  },
  {
    files: ['test/**/*.{test,suite,provider}.ts'],
    // A describe block is one function.
    rules: { 'max-lines-per-function': 'off' },
  },
  {
    files: ['test/support/harness.ts'],
    rules: { 'no-restricted-syntax': ['error', ...everyTestRuns, ...noPacking] },
  },
  {
    files: ['**/*.{js,mjs}'],
    ...tseslint.configs.disableTypeChecked,
  },
);
