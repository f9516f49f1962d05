import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { openDatabase } from './open.ts';

test('a long chain of queries leaves the process its turns', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'atrium-dialect-'));
  try {
    await using opened = await openDatabase(join(dir, 'hub.sqlite'));
    let turns = 0;
    const turn = () => {
      turns += 1;
      next = setImmediate(turn);
    };
    let next = setImmediate(turn);

    const until = performance.now() + 100;
    while (performance.now() < until) await opened.db.selectFrom('meta').selectAll().execute();
    clearImmediate(next);

    expect(turns).toBeGreaterThan(3);
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
});
