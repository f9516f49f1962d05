import { existsSync, readFileSync } from 'node:fs';

/** The counts in vitest's JSON report. A file that could not be loaded has no tests and counts as one failed. */
export function countResults(reportPath, exitCode) {
  const none = { passed: 0, failed: exitCode === 0 ? 0 : 1, skipped: 0 };
  if (!existsSync(reportPath)) return none;
  const { testResults } = JSON.parse(readFileSync(reportPath, 'utf8'));
  const statuses = testResults.flatMap(({ status, assertionResults }) =>
    status === 'failed' && !assertionResults.some((one) => one.status === 'failed')
      ? ['failed', ...assertionResults.map((one) => one.status)]
      : assertionResults.map((one) => one.status),
  );
  const count = (...wanted) => statuses.filter((status) => wanted.includes(status)).length;
  const failed = count('failed');
  return {
    passed: count('passed'),
    // An error outside of any test ends the run with a status and no failed test.
    failed: failed === 0 && exitCode !== 0 ? 1 : failed,
    skipped: statuses.length - count('passed', 'failed'),
  };
}

export const add = (a, b) => ({
  passed: a.passed + b.passed,
  failed: a.failed + b.failed,
  skipped: a.skipped + (b.skipped ?? 0),
});

/** The last line of a test run. */
export const summary = ({ passed, failed, skipped }) =>
  `${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`;
