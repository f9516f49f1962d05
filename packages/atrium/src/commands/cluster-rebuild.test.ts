import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { type Ec2Sim, startEc2Sim } from '@atrium/ec2-sim';
import { CreateVolumeCommand } from '@aws-sdk/client-ec2';
import { PutParameterCommand, SSMClient } from '@aws-sdk/client-ssm';
import { expect, test } from 'vitest';
import { clientFor } from '../../../../tools/ec2-sim/src/testing.ts';
import { type TestCli, testCli } from '../testing/cli.ts';

const ID = 'c0ffee00-0000-4000-8000-000000000001';
const CONFIG = `
import { defineConfig, ec2Spawner } from 'atrium';
export default defineConfig({
  cluster: { name: 'class', region: 'us-east-1', source: { npm: '0.1.0' } },
  spawner: ec2Spawner({ profiles: [{ id: 'small', title: 'Small', types: ['t3.medium'] }] }),
});
`;

/** A cluster of which only its id and people's homes are left. */
async function homesOf(sim: Ec2Sim, people: Record<string, { server: string; gen: string }>): Promise<void> {
  const ec2 = clientFor(sim, 'operator');
  const { AWS_ACCESS_KEY_ID: accessKeyId = '' } = sim.env('operator');
  const ssm = new SSMClient({
    endpoint: sim.endpoint,
    region: sim.region,
    credentials: { accessKeyId, secretAccessKey: 'none' },
  });
  await ssm.send(
    new PutParameterCommand({ Name: '/atrium/class/cluster', Value: JSON.stringify({ id: ID }), Type: 'String' }),
  );
  for (const [user, { server, gen }] of Object.entries(people)) {
    const tags = {
      'atrium:cluster': 'class',
      'atrium:cluster-id': ID,
      'atrium:role': 'home',
      'atrium:user': user,
      'atrium:server': server,
      'atrium:storage': `home-of-${server}`,
      'atrium:gen': gen,
    };
    await ec2.send(
      new CreateVolumeCommand({
        AvailabilityZone: 'us-east-1a',
        Size: 10,
        TagSpecifications: [
          { ResourceType: 'volume', Tags: Object.entries(tags).map(([Key, Value]) => ({ Key, Value })) },
        ],
      }),
    );
  }
  ec2.destroy();
  ssm.destroy();
}

const rowsOf = (cli: TestCli) => {
  const db = new DatabaseSync(join(cli.places.dataDir, 'hub.sqlite'), { readOnly: true });
  const found = db
    .prepare(
      'select u.name as user, u.admin, s.id as server, s.phase, t.name as storage from users u left join servers s on s.user_id = u.id ' +
        'left join storage t on t.user_id = u.id order by u.name',
    )
    .all();
  db.close();
  return found.map((row) => ({ ...row }));
};

test('a hub whose database is lost knows people, their servers and homes again from tags; twice is once', async () => {
  await using sim = await startEc2Sim({ buckets: false });
  const mark = `sha256:${'a'.repeat(24)}`;
  await homesOf(sim, {
    ada: { server: 'aa11', gen: '4' },
    grace: { server: 'bb22', gen: '1' },
    [mark]: { server: 'cc33', gen: '2' },
  });
  await using cli = testCli(CONFIG, sim.env('operator'));
  // There is a database, with somebody who has nothing, and it is lost.
  await cli.json('user', 'add', 'old');
  for (const end of ['', '-wal', '-shm']) rmSync(join(cli.places.dataDir, `hub.sqlite${end}`), { force: true });

  const listed = await cli.json<{ rows: { user: string }[] }>('cluster', 'rebuild');
  expect(listed.rows.map(({ user }) => user).toSorted()).toEqual(['ada', 'grace', mark]);
  expect(sim.calls.all({ mutating: true }).map(({ action }) => action)).not.toContain('DeleteVolume');

  const done = await cli.json<{ user: string; made: string[]; left?: string }[]>('cluster', 'rebuild', '--apply');
  expect(done).toContainEqual({ user: 'ada', made: ['user', 'home', 'server'] });
  expect(done).toContainEqual({ user: mark, made: [], left: 'its tags do not hold the name' });
  const rows = [
    { user: 'ada', admin: 0, server: 'aa11', phase: 'stopped', storage: 'home-of-aa11' },
    { user: 'grace', admin: 0, server: 'bb22', phase: 'stopped', storage: 'home-of-bb22' },
  ];
  expect(rowsOf(cli)).toEqual(rows);
  await cli.json('cluster', 'rebuild', '--apply');
  expect(rowsOf(cli)).toEqual(rows);
}, 120_000);
