import { defineConfig } from 'vitest/config'

/** Long suites: whole fleets, many seeds. They follow `npm test` in CI. */
export default defineConfig({
  test: { include: ['test/long/**/*.test.ts', 'packages/**/*.long.test.ts'], maxWorkers: 2, isolate: true },
})
