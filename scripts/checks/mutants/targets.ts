/** Files whose mistakes the tests must see, and those tests, the quickest first. */
export interface Target {
  service: string;
  /** Globs. */
  files: string[];
  tests: string[];
}

export const TARGETS: Target[] = [
  {
    service: 'operator',
    files: ['services/operator/decide/*.ts'],
    tests: [
      'services/operator/decide/decide.test.ts',
      'services/operator/decide/judges.test.ts',
      'services/operator/decide/decide-properties.test.ts',
      'services/operator/tests/kills.test.ts',
    ],
  },
  {
    service: 'migrator',
    files: ['services/migrator/*.ts'],
    tests: [
      'services/migrator/*.test.ts',
      'services/migrator/tests/command-line.test.ts',
      'services/migrator/tests/runs.test.ts',
      'services/migrator/tests/verify.test.ts',
      'services/migrator/tests/!(command-line|runs|verify).test.ts',
    ],
  },
  {
    service: 'api',
    files: ['services/api/*.ts', 'services/api/routes/*.ts', 'services/api/db/*.ts', 'services/indexing/**/*.ts'],
    tests: [
      'services/api/*.test.ts',
      'services/api/tests/access.test.ts',
      'services/api/tests/properties-input.test.ts',
      'services/api/tests/request-checks.test.ts',
      'services/api/tests/rate-limit.test.ts',
      'services/api/tests/erasure.test.ts',
      'services/api/tests/indexing.test.ts',
      'services/api/tests/!(access|properties-input|request-checks|rate-limit|erasure|indexing|fuzz).test.ts',
    ],
  },
];
