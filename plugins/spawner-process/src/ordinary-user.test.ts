import { execFile } from 'node:child_process';
import { chmod, mkdir, mkdtemp, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';

const run = promisify(execFile);
/** Some account that is neither root nor in the reserved range. */
const SOMEBODY = '64242';
const REPOSITORY = join(import.meta.dirname, '..', '..', '..');

/** Repository and Node may lie under a closed home: a mount namespace shows them to the other account elsewhere. */
const AS_SOMEBODY = `mount --bind "$1" "$3/repo" && mount --bind "$2" "$3/node" &&
  exec setpriv --reuid ${SOMEBODY} --regid ${SOMEBODY} --clear-groups \
    env HOME="$3/home" "$3/node/bin/node" --conditions=atrium-source "$3/repo/plugins/spawner-process/src/test-ordinary.ts"`;

test.skipIf(process.getuid?.() !== 0)(
  'started by an ordinary user: user namespaces keep people apart although they share the account',
  { timeout: 60_000 },
  async () => {
    const dir = await mkdtemp('/tmp/atrium-o-');
    await Promise.all(['', 'repo', 'node', 'home'].map((name) => mkdir(join(dir, name), { recursive: true })));
    await Promise.all(['', 'repo', 'node', 'home'].map((name) => chmod(join(dir, name), 0o777)));
    const node = dirname(dirname(process.execPath));

    const { stdout } = await run('unshare', [
      '--mount',
      '--propagation',
      'private',
      'sh',
      '-c',
      AS_SOMEBODY,
      'sh',
      REPOSITORY,
      node,
      dir,
    ]);
    await rm(dir, { recursive: true });

    const seen = JSON.parse(stdout);
    if (seen.isolation === 'none') {
      expect(seen.warnings[0]).toMatch(/Servers are not kept apart \(.+\)/);
      return;
    }
    expect(seen.isolation).toBe('partial');
    expect(seen.lives).toEqual(['running', 'exited', 'absent']);
    expect(seen.output.split('\n')).toEqual([
      `${SOMEBODY} ada`,
      'homes: ada-1900001001',
      'account home:',
      'system: read-only',
      'own home: written',
      'others seen: 0',
    ]);
  },
);
