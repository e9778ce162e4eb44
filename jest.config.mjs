/** Node strips the types itself, so Jest transforms nothing. Suites are chosen by folder (see package.json). */
export default {
  testEnvironment: 'node',
  transform: {},
  extensionsToTreatAsEsm: ['.ts'],
  testMatch: ['<rootDir>/tests/**/*.test.ts'],
  testPathIgnorePatterns: ['/node_modules/', '<rootDir>/tests/smoke/'],
  testTimeout: 30_000,
};
