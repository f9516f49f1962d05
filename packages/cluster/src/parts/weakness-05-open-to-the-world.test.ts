import { expect, test } from 'vitest';
import { nginxConfig } from '../manager/nginx.ts';
import { startClusterRig } from '../testing/rig.ts';
import { groupRules } from './groups.ts';

/*
 * cloudJHub: the hub was served over plain HTTP, port 22 was open to the world, and people's machines let everything in that
 * came from the manager.
 */

test('the world reaches two ports of the manager, one of which only leads to the other', async () => {
  await using rig = await startClusterRig();
  const rules = groupRules(rig.config);

  const world = rules['group-manager'].filter(({ from }) => from === '0.0.0.0/0');
  expect(world.map(({ port }) => port).toSorted((a, b) => a - b)).toEqual([80, 443]);
  const front = nginxConfig({ root: '/', host: 'hub.example.org', privateIp: '10.0.0.10' });
  const plain = /listen 10\.0\.0\.10:80;([\s\S]*?)\n {2}}/.exec(front)?.[1];
  expect(plain?.trim()).toBe('location / { return 308 https://hub.example.org$request_uri; }');
  expect(front).toMatch(/ssl_protocols TLSv1\.2 TLSv1\.3;/);
});

test("people's machines are reached by the manager alone, and at one port; nothing is reached at 22", async () => {
  await using rig = await startClusterRig();
  const rules = groupRules(rig.config);

  expect(rules['group-worker']).toEqual([{ port: rig.config.workerPort, from: 'group-manager' }]);
  expect(
    Object.values(rules)
      .flat()
      .map(({ port }) => port),
  ).not.toContain(22);
});
