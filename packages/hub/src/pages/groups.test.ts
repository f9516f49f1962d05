import { sharedPassword } from '@atrium/auth-shared-password';
import { Secret } from '@atrium/sdk';
import { echoSpawner } from '@atrium/spawner-echo';
import { expect, test } from 'vitest';
import { startTestHub } from '../testing/index.ts';
import { findUser } from '../users/users.service.ts';
import { signedIn } from './testing/signed-in.ts';

async function open() {
  const hub = await startTestHub({
    spawner: echoSpawner(),
    authenticator: sharedPassword({ password: new Secret('x') }),
    config: { groups: { physics: { users: ['emmy'] } } },
  });
  const root = await signedIn(hub, 'root', { admin: true });
  for (const name of ['ada', 'emmy']) await signedIn(hub, name);
  const groupsOf = async (name: string) => (await findUser(hub.ctx.db, name))?.groups;
  return { hub, root, groupsOf };
}

test('an administrator makes a group, puts people in, takes one out, and deletes it', async () => {
  const { hub, root, groupsOf } = await open();
  await using _ = hub;
  expect((await root.get('/hub/admin/plain')).text).toContain('href="/hub/admin/plain/groups"');

  const made = await root.post('/hub/admin/groups/new', { group: ' gpu ', users: 'ada, EMMY' });
  expect(made.text).toContain('The group gpu is there.');
  expect([await groupsOf('ada'), await groupsOf('emmy')]).toEqual([['gpu'], ['gpu', 'physics']]);
  await root.post('/hub/admin/groups/remove', { group: 'gpu', user: 'ada' });
  expect(await groupsOf('ada')).toEqual([]);
  await root.post('/hub/admin/groups/add', { group: 'gpu', users: 'ada' });
  expect(await groupsOf('ada')).toEqual(['gpu']);
  await root.post('/hub/admin/groups/delete', { group: 'gpu' });
  expect(await groupsOf('ada')).toEqual([]);
  expect((await root.get('/hub/admin/plain/groups')).text).not.toContain('Delete the group gpu');
});

test('what cannot be is said on the page, with what was typed; what the configuration says is changed there', async () => {
  const { hub, root, groupsOf } = await open();
  await using _ = hub;

  const unknown = await root.post('/hub/admin/groups/new', { group: 'gpu', users: 'ada nobody' });
  expect(unknown.status).toBe(400);
  expect(unknown.text).toContain('No such user: nobody');
  expect(unknown.text).toContain('value="ada nobody"');
  expect((await root.get('/hub/admin/plain/groups')).text).not.toContain('gpu');
  expect((await root.post('/hub/admin/groups/new', { group: 'physics' })).status).toBe(409);
  expect((await root.post('/hub/admin/groups/new', { group: 'a/b' })).status).toBe(400);
  expect((await root.post('/hub/admin/groups/new', {})).status).toBe(400);
  expect((await root.post('/hub/admin/groups/add', { group: 'physics', users: ' , ' })).text).toContain('at least one');
  expect((await root.post('/hub/admin/groups/add', { group: 'none', users: 'ada' })).status).toBe(404);
  const fixed = await root.post('/hub/admin/groups/remove', { group: 'physics', user: 'emmy' });
  expect([fixed.status, fixed.text.includes('Change it there.')]).toEqual([400, true]);
  expect((await root.post('/hub/admin/groups/delete', { group: 'physics' })).status).toBe(400);
  expect(await groupsOf('emmy')).toEqual(['physics']);

  const ada = await signedIn(hub, 'ada');
  for (const path of ['', '/new', '/add', '/remove', '/delete']) {
    if (path !== '') expect((await ada.post(`/hub/admin/groups${path}`, { group: 'physics' })).status).toBe(403);
  }
  expect((await ada.get('/hub/admin/plain/groups')).status).toBe(403);
});
