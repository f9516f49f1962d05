import { readFileSync } from 'node:fs';
import { afterEach, expect, test } from 'vitest';
import { type Rig, startRig } from '../testing/rig.ts';

/*
 * cloudJHub: kernels ran as root; the server's token stood on its command line, in `ps` and in logs; one SSH key opened
 * everything.
 */

let rig: Rig;
afterEach(() => rig[Symbol.asyncDispose]());
const unit = (name: string) =>
  readFileSync(new URL(`../../../../packages/agent/units/${name}`, import.meta.url), 'utf8');

test('a token is in nothing that others can read: user data, tags, calls, console, log, command line', async () => {
  rig = await startRig();
  rig.hub.begin('s1');
  await rig.hub.until('s1', 'running');
  const [token] = rig.rows.get('s1')!.tokens;
  const { answers } = rig.agents.get(rig.living('s1')[0]!)!;
  const session = answers[0]!.session as string;

  const calls = JSON.stringify(rig.sim.calls.all().map(({ params }) => params));
  const userData = rig.sim.calls
    .all('RunInstances')
    .map(({ params }) => Buffer.from(String(params.UserData), 'base64').toString());
  const tags = [...rig.sim.world.instances.values()].map((one) => [...one.tags.values()].join(' '));
  const console = await rig.hub.world.ec2.getConsoleOutput(rig.living('s1')[0]!);
  const log = rig.log.lines.map(({ message, facts }) => `${message} ${JSON.stringify(facts)}`);
  const stored = (await rig.store.entries('')).map(([, value]) => JSON.stringify(value));
  const command = (answers[0]!.command as string[]).join(' ');
  for (const place of [calls, ...userData, ...tags, console, ...log, ...stored, command]) {
    expect(place).not.toContain(token);
    expect(place).not.toContain(session.slice(session.indexOf('.') + 1));
  }
  expect((answers[0]!.env as Record<string, string>).JUPYTERHUB_API_TOKEN).toBe(token);
});

test('there is no key pair, and nothing of a person in what every program on the machine can read', async () => {
  rig = await startRig();
  rig.hub.begin('s1', { user: 'ada@example.org' });
  await rig.hub.until('s1', 'running');
  const { params } = rig.sim.calls.all('RunInstances')[0]!;

  expect(params).not.toHaveProperty('KeyName');
  expect(params.MetadataOptions).toMatchObject({ HttpTokens: 'required', HttpPutResponseHopLimit: 1 });
  expect(params).not.toHaveProperty('IamInstanceProfile');
  expect(Buffer.from(String(params.UserData), 'base64').toString()).not.toContain('ada');
});

test('the server runs in the person’s own account, which cannot become root', async () => {
  rig = await startRig();
  for (const [server, user] of [
    ['s1', 'ada'],
    ['s2', 'root'],
  ] as const) {
    rig.hub.begin(server, { user });
    await rig.hub.until(server, 'running');
    const [answer] = rig.agents.get(rig.living(server)[0]!)!.answers;
    expect(answer!.uid).toBeGreaterThanOrEqual(1_000);
    expect(answer!.login).toMatch(server === 's1' ? /^ada$/ : /^root-[0-9a-f]{8}$/);
    expect(answer!.studentRoot).toBe(false);
  }

  const server = unit('atrium-server@.service');
  expect(server).toMatch(/^User=%i$/m);
  expect(server).toMatch(/^NoNewPrivileges=yes$/m);
  // Variables and command come as a credential, not as arguments.
  expect(server).toMatch(/^LoadCredential=launch:/m);
  expect(server.match(/^ExecStart=.*$/gm)).toEqual(['ExecStart=/usr/lib/atrium/atrium-server.sh']);
});
