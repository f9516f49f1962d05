import { defineConfig } from 'vitest/config';

/** Our packages are read from source, by us (`conditions`) and by Node for what vitest leaves to it (`externalConditions`). */
const ssr = {
  resolve: { conditions: ['atrium-source', 'node'], externalConditions: ['atrium-source'] },
};
const exclude = ['**/node_modules/**', '**/dist/**', '.cache/**', '.atrium/**'];
const globalSetup = ['./tools/test-postgres-setup.ts'];
/** End-to-end tests of what is answered, not of what happens to whom at which moment: two may share the machine. */
const contracts = [
  ...['contract', 'moving-in', 'schemathesis', 'services', 'sharing', 'stand-alone-proxy'].map(
    (room) => `e2e/${room}/**/*.test.ts`,
  ),
  ...['addresses', 'pack', 'singleuser-5'].map((file) => `e2e/${file}.test.ts`),
];

export default defineConfig({
  test: {
    projects: [
      {
        ssr,
        test: {
          name: 'unit',
          include: ['{packages,plugins,scripts,tools,bench,examples}/**/*.test.{ts,tsx}'],
          exclude,
          globalSetup,
          testTimeout: 60_000,
          hookTimeout: 120_000,
        },
      },
      {
        ssr,
        test: {
          name: 'contracts',
          include: contracts,
          exclude,
          globalSetup,
          testTimeout: 180_000,
          hookTimeout: 300_000,
        },
      },
      {
        ssr,
        test: {
          name: 'e2e',
          include: ['e2e/**/*.test.ts'],
          exclude: [...exclude, ...contracts],
          globalSetup,
          fileParallelism: false,
          testTimeout: 180_000,
          hookTimeout: 300_000,
        },
      },
    ],
  },
});
