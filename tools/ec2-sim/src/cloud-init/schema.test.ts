import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { renderUserData } from '@atrium/agent/cloud-init';
import { describe, expect, test } from 'vitest';
import { readClusterConfig } from '../../../../packages/cluster/src/config.ts';
import { imageRecipe } from '../../../../packages/cluster/src/parts/image-recipe.ts';
import { managerUserData } from '../../../../packages/cluster/src/parts/manager-user-data.ts';
import { userData } from '../../../../plugins/spawner-ec2/src/user-data.ts';
import { parseUserData } from './parse.ts';

const source = { npm: '0.1.0' };
const download = { url: 'https://example.org/atrium-agent.mjs', sha256: 'a'.repeat(64) };
const hub = 'https://10.0.0.5/hub/';

/** All that any of our parts tells an instance at its first boot. */
const WRITTEN: Readonly<Record<string, () => string>> = {
  'a worker whose image carries the agent': () => renderUserData({ hub, clusterId: 'c-1', slow: false }),
  'a worker of a plain image': () =>
    renderUserData({ hub, clusterId: 'c-1', slow: true, agentSource: { agent: download } }),
  'a worker as the spawner writes it': () =>
    userData({
      config: { hubUrl: hub, agent: {} },
      cluster: { name: 'biology', id: 'c-1' },
    } as unknown as Parameters<typeof userData>[0]).userData ?? '',
  'the machine that an image is made from': () => imageRecipe({ packages: [], python: [], source }),
  'the manager': () =>
    managerUserData({
      config: readClusterConfig({
        name: 'class',
        source,
        expect: { users: 10 },
        profiles: [{ name: 'small', types: ['t3.medium'] }],
      }),
      region: 'us-east-1',
    }),
};
const names = Object.keys(WRITTEN);
const hasCloudInit = spawnSync('cloud-init', ['--version']).status === 0;

describe('what our parts write', () => {
  test.each(names)('the simulator carries it out: %s', (name) => {
    const { files, commands } = parseUserData(WRITTEN[name]!());
    expect(files.length + commands.length).toBeGreaterThan(0);
  });

  test.skipIf(!hasCloudInit).each(names)('cloud-init’s own schema accepts it: %s', (name) => {
    const dir = mkdtempSync(join(tmpdir(), 'cloud-init-'));
    try {
      writeFileSync(join(dir, 'user-data'), WRITTEN[name]!());
      const said = execFileSync('cloud-init', ['schema', '--config-file', join(dir, 'user-data')], {
        encoding: 'utf8',
      });
      expect(said).toMatch(/^Valid/);
    } finally {
      rmSync(dir, { recursive: true, force: true });
    }
  });
});
