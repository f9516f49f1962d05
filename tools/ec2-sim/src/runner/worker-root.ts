import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { workerFiles } from '@atrium/agent/cloud-init';
import { bundleAgent } from '../../../../packages/agent/scripts/bundle.mjs';
import { Units } from './units.ts';

/** What `setup.sh` enables on a worker. */
const ENABLED = ['atrium-watchdog.timer', 'atrium-agent.path'];

/**
 * Fills the root folder of an image that carries Atrium: units, scripts, the agent as it ships, and a Node. The notebook
 * stack is not in it: machines of folders have this computer's programs, too.
 */
export async function fillWorkerRoot(root: string): Promise<void> {
  const lib = join(root, 'usr/lib/atrium');
  // The address is of nobody: nothing is fetched, for the agent is there.
  const source = { agent: { url: 'https://packages.invalid/atrium-agent.mjs', sha256: '0'.repeat(64) } };
  for (const { path, content, permissions } of workerFiles(source)) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), content, { mode: Number.parseInt(permissions, 8) });
  }
  symlinkSync(process.execPath, join(lib, 'node'));
  await bundleAgent(join(lib, 'atrium-agent.mjs'));
  const units = new Units({ root, program: () => ({ argv: [], env: {} }), console() {}, graceMs: 0 });
  for (const name of ENABLED) units.enable(name);
}
