import { password } from '@atrium/auth-password';
import { expect, test } from 'vitest';
import { createGroup } from '../groups/groups.service.ts';
import { findUser } from '../users/users.service.ts';
import { apiHub, onBothDatabases } from './test-hub.ts';

interface Report {
  applied: boolean;
  rows: {
    line: number;
    name: string;
    outcome: string;
    new_groups: string[];
    message: string;
    link?: { url: string };
  }[];
  errors: { line: number; message: string }[];
}

onBothDatabases((on) => {
  test('a file of people: looked at first, nothing with an error, all the rest when asked for', async () => {
    const config = { groups: { fixed: { users: ['boss'] } } };
    await using hub = await apiHub({ on, authenticator: password(), config });
    const root = await hub.api({ name: 'root', admin: true });
    await root('POST', '/users', { usernames: ['ada', 'same'] });
    await createGroup(hub.ctx, 'physics', ['same']);
    const csv = 'name;groups;admin\nada;physics|maths;\n"=new";maths;no\nsame;physics;no\nbad/name;;\nboss;;yes\n';
    const send = async (more: object = {}) => {
      const { status, body } = await root('POST', '/atrium/people/import', { csv, ...more });
      return { status, ...(body as Report) };
    };
    const rows = ({ rows }: Report) => rows.map(({ line, name, outcome }) => `${line} ${name} ${outcome}`);
    const planned = ['2 ada change', '3 =new create', '4 same same', '5  error', '6 boss create'];
    const groupsOf = async (name: string) => (await findUser(hub.ctx.db, name))?.groups;

    const look = await send();
    expect(look).toMatchObject({ status: 200, applied: false, delimiter: ';' });
    expect(rows(look)).toEqual(planned);
    expect(look.rows[0]).toMatchObject({ add_groups: ['physics', 'maths'], new_groups: ['maths'] });
    const refused = await send({ dry_run: false });
    expect(refused).toMatchObject({ status: 422, applied: false, errors: [{ line: 5, column: 'name' }] });
    expect(await groupsOf('ada')).toEqual([]);
    expect(await groupsOf('boss')).toBeUndefined();

    const done = await send({ dry_run: false, on_error: 'skip', links: true });
    expect(done).toMatchObject({ status: 200, applied: true });
    expect(rows(done)).toEqual(planned);
    expect(await groupsOf('ada')).toEqual(['maths', 'physics']);
    expect(await groupsOf('=new')).toEqual(['maths']);
    expect(await findUser(hub.ctx.db, 'boss')).toMatchObject({ admin: true, groups: ['fixed'] });
    expect(done.rows.filter(({ link }) => link).map(({ name }) => name)).toEqual(['=new', 'boss']);
    expect((await fetch(done.rows[4]?.link?.url ?? '')).status).toBe(200);
    expect(rows(await send())).toEqual(['2 ada same', '3 =new same', '4 same same', '5  error', '6 boss same']);
    const { items } = (await root('GET', '/atrium/audit?action=user.create&of=boss')).body as { items: unknown[] };
    expect(items).toMatchObject([{ by: { name: 'root' }, detail: { admin: true, by: 'import' } }]);
    // What the list gives out goes in again.
    const file = (await root('GET', '/atrium/people.csv')).body;
    const again = await root('POST', '/atrium/people/import', { csv: file });
    expect((again.body as { totals: object }).totals).toEqual({ create: 0, change: 0, same: 5, error: 0 });
  });

  test('nobody gives by a file what they could not give by hand', async () => {
    await using hub = await apiHub({ on });
    const root = await hub.api({ name: 'root', admin: true });
    await createGroup(hub.ctx, 'physics');
    const config = 'name,groups,admin\neve,physics,yes\nbob,new,\ncleo,physics,\n';
    const staff = await hub.api({ name: 'root' }, ['admin:users', 'groups!group=physics', 'groups!group=new']);

    const { body } = await staff('POST', '/atrium/people/import', { csv: config });

    expect((body as Report).errors.map(({ line, message }) => `${line}: ${message}`)).toEqual([
      '3: There is no group “new”, and you may not make one.',
    ]);
    const self = await root('POST', '/atrium/people/import', { csv: 'name,admin\nroot,no\n' });
    expect((self.body as Report).errors).toEqual([
      { line: 2, column: 'admin', message: 'You cannot take this from yourself.' },
    ]);
    const ada = await hub.api({ name: 'ada' });
    expect((await ada('POST', '/atrium/people/import', { csv: 'name\nx\n' })).status).toBe(403);
  });
});
