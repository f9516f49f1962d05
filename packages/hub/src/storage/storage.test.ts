import { EchoWorld, echoSpawner } from '@atrium/spawner-echo';
import { expect, test } from 'vitest';
import { apiHub, onBothDatabases } from '../api/test-hub.ts';
import { signedIn } from '../pages/testing/signed-in.ts';
import { findServer, requestStart, requestStop } from '../servers/servers.service.ts';
import type { TestHub } from '../testing/index.ts';

const WAIT = { timeout: 20_000, interval: 50 };

onBothDatabases((on) => {
  async function open(deleteByOwner = false) {
    const world = new EchoWorld();
    const spawner = echoSpawner({ world, storage: { sizeGb: 10, maxGb: 40 } });
    const hub = await apiHub({ on, spawner, config: { storage: { deleteByOwner } } });
    return { hub, world, ada: await signedIn(hub, 'ada') };
  }
  async function startOf(hub: TestHub, person: Awaited<ReturnType<typeof signedIn>>) {
    await requestStart(hub.ctx, person.user, '', { by: 'test' });
    const phase = async () => (await findServer(hub.ctx.db, person.user.id, ''))?.phase;
    await expect.poll(phase, WAIT).toBe('ready');
    return phase;
  }

  test('a person sees their storage, takes and restores snapshots, and makes it larger', async () => {
    const { hub, world, ada } = await open();
    await using _ = hub;
    expect((await ada.get('/hub/storage')).text).toContain('You have no storage yet');
    await startOf(hub, ada);
    expect((await ada.get('/hub/home')).text).toContain('My storage');
    const first = (await ada.get('/hub/storage')).text;
    expect(first).toMatch(/10 GB.*\$0\.80 a month.*There is none yet/s);

    expect((await ada.post('/hub/storage/snapshot')).location).toBe('/hub/storage?done=snapshot');
    expect((await ada.post('/hub/storage/restore', { snapshot: 'home-ada-1' })).status).toBe(303);
    expect(world.disks.get('home-ada')?.restored).toEqual(['home-ada-1']);
    expect((await ada.get('/hub/storage?done=restore')).text).toMatch(/being restored into restored-\d{4}-\d\d-\d\d\//);
    expect((await ada.post('/hub/storage/grow', { size: '20' })).status).toBe(303);
    for (const size of ['10', '20.5', 'x', '']) {
      const refused = await ada.post('/hub/storage/grow', { size });
      expect([refused.status, refused.text.includes('Write a whole number larger than 20.')]).toEqual([400, true]);
    }
    expect((await ada.post('/hub/storage/grow', { size: '41' })).text).toContain('It can be 40 GB at most.');
    expect(world.disks.get('home-ada')?.sizeGb).toBe(20);
  });

  test('nobody restores what is somebody else’s', async () => {
    const { hub, world, ada } = await open();
    await using _ = hub;
    const bob = await signedIn(hub, 'bob');
    await startOf(hub, ada);
    await startOf(hub, bob);
    await ada.post('/hub/storage/snapshot');

    expect((await bob.post('/hub/storage/restore', { snapshot: 'home-ada-1' })).status).toBe(404);
    expect([...world.disks.values()].flatMap(({ restored }) => restored)).toEqual([]);
  });

  test('deleting everything needs the policy, the typed name, and no server on', async () => {
    const strict = await open();
    await using _ = strict.hub;
    await startOf(strict.hub, strict.ada);
    expect((await strict.ada.get('/hub/storage')).text).not.toContain('Delete everything');
    expect((await strict.ada.post('/hub/storage/delete', { typed: 'ada' })).status).toBe(403);

    const { hub, world, ada } = await open(true);
    await using __ = hub;
    const phase = await startOf(hub, ada);
    await ada.post('/hub/storage/snapshot');
    expect((await ada.post('/hub/storage/delete', { typed: 'bob' })).text).toContain('Nothing was deleted.');
    expect((await ada.post('/hub/storage/delete', { typed: 'ada' })).text).toContain('Stop your servers first.');
    expect(world.disks.size).toBe(1);
    const server = await findServer(hub.ctx.db, ada.user.id, '');
    if (server) await requestStop(hub.ctx, server, { code: 'user' });
    await expect.poll(phase, WAIT).toBe('stopped');
    expect((await ada.post('/hub/storage/delete', { typed: 'ada' })).location).toBe('/hub/storage?done=delete');
    expect(world.disks.size).toBe(0);
  });
});

test('a spawner without storage has a page that says so, and no link to it', async () => {
  await using hub = await apiHub();
  const ada = await signedIn(hub, 'ada');

  expect((await ada.get('/hub/storage')).text).toContain('There is nothing to manage here');
  expect((await ada.get('/hub/home')).text).not.toContain('My storage');
  expect((await ada.post('/hub/storage/delete', { typed: 'ada' })).status).toBe(404);
});
