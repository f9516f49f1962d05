import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const MAIN = fileURLToPath(new URL('main.ts', import.meta.url));
/** About ten seconds of CPU. */
const SAMPLE = 20_000;

test('a sample of random changes finds nothing that is read in two ways', { timeout: 600_000 }, () => {
  const out = mkdtempSync(join(tmpdir(), 'afuzz-'));
  const args = ['--conditions=atrium-source', MAIN, '--executions', String(SAMPLE), '--seed', '7', '--out', out];
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' });
  rmSync(out, { recursive: true });

  const [, kept, covered] =
    /done: .* ([0-9]+) kept, ([0-9]+) features covered, 0 findings\n$/.exec(stdout + stderr) ?? [];
  // More than the cases it begins with, or it is not guided by anything.
  expect(Number(kept), stdout + stderr).toBeGreaterThan(330);
  expect(Number(covered), stdout + stderr).toBeGreaterThan(800);
  expect(status).toBe(0);
});
