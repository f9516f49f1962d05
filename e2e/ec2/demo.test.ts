import { spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { readablePython } from '../../tools/ec2-sim/src/runner/readable-python.ts';

const DEMO = fileURLToPath(new URL('../../tools/ec2-sim/src/demo/main.ts', import.meta.url));
const SOON = { timeout: 90_000, interval: 200 };

describe.skipIf(!readablePython())('the demo', () => {
  test('says what to open, answers there, and leaves nothing behind after Ctrl-C', async () => {
    const before = demoFolders();
    const demo = spawn(process.execPath, ['--conditions=atrium-source', DEMO, readablePython()!], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, NODE_OPTIONS: '', VITEST: undefined, NODE_ENV: undefined },
    });
    let said = '';
    for (const stream of [demo.stdout, demo.stderr])
      stream.setEncoding('utf8').on('data', (text: string) => {
        said += text;
      });
    const ended = new Promise<number | null>((resolve) => demo.once('close', resolve));
    try {
      await expect.poll(() => said, SOON).toMatch(/first-admin\?token=/);
      const url = /Open (http\S+)/.exec(said)?.[1] ?? '';

      const page = await fetch(`${url}hub/login`);
      expect(page.status).toBe(200);
      expect(await page.text()).toContain('Sign in');
      const link = /http\S+first-admin\?token=\w+/.exec(said)?.[0] ?? '';
      expect(await (await fetch(link)).text()).toContain('Create the account');
    } finally {
      demo.kill('SIGINT');
    }

    expect(await ended, said).toBe(0);
    expect(demoFolders()).toEqual(before);
    expect(programsNaming(/atrium-demo-/)).toEqual([]);
  });
});

const demoFolders = (): string[] => readdirSync(tmpdir()).filter((name) => name.startsWith('atrium-demo-'));

/** Command lines of running programs that `pattern` matches. */
function programsNaming(pattern: RegExp): string[] {
  if (process.platform !== 'linux') return [];
  return readdirSync('/proc').flatMap((pid) => {
    try {
      const line = /^\d+$/.test(pid) ? readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ') : '';
      return pattern.test(line) ? [line] : [];
    } catch {
      return [];
    }
  });
}
