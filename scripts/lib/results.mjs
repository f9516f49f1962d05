import { existsSync, readFileSync } from 'node:fs';
import { relative } from 'node:path';
import { root } from './root.mjs';

/** What vitest's JSON report says. A file that could not be loaded has no tests and counts as one failed. */
export function countResults(reportPath, exitCode) {
  if (!existsSync(reportPath)) {
    const failures = exitCode === 0 ? [] : ['the run ended without a report; see above'];
    return { passed: 0, failed: failures.length, skipped: 0, failures };
  }
  const { testResults } = JSON.parse(readFileSync(reportPath, 'utf8'));
  const all = testResults.flatMap(({ name, status, message, assertionResults }) => {
    const tests = assertionResults.map((one) => ({ file: name, ...one }));
    const isBroken = status === 'failed' && !tests.some((one) => one.status === 'failed');
    return isBroken
      ? [{ file: name, status, fullName: 'the file itself', failureMessages: [message] }, ...tests]
      : tests;
  });
  const withStatus = (...wanted) => all.filter(({ status }) => wanted.includes(status));
  const failures = withStatus('failed').map(
    ({ file, fullName, failureMessages: [why = ''] }) =>
      `${relative(root, file)}: ${fullName}: ${why.split('\n', 1)[0]}`,
  );
  // An error outside of any test ends the run with a status and no failed test.
  if (failures.length === 0 && exitCode !== 0) failures.push('an error outside of any test; see above');
  return {
    passed: withStatus('passed').length,
    failed: failures.length,
    skipped: all.length - withStatus('passed', 'failed').length,
    failures,
  };
}

export const add = (a, b) => ({
  passed: a.passed + b.passed,
  failed: a.failed + b.failed,
  skipped: a.skipped + (b.skipped ?? 0),
  failures: [...a.failures, ...(b.failures ?? [])],
});

/** The last line of a test run. */
export const summary = ({ passed, failed, skipped }) =>
  `${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`;
