import { randomBytes } from 'node:crypto';
import { HubError, type Json } from '@atrium/sdk';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { identityOf } from '../testing/agent.ts';
import { type Rig, startRig } from '../testing/rig.ts';

/* Who is believed to be the machine of a server, and what it gets. The machines boot and say nothing: the test speaks. */

let rig: Rig;
let id: string;
beforeEach(async () => {
  rig = await startRig({ silent: true });
  rig.hub.begin('s1');
  id = await running('s1');
});
afterEach(async () => {
  expect(rig.sim.violations).toEqual([]);
  await rig[Symbol.asyncDispose]();
});

const within = { timeout: 10_000, interval: 10 };
const hex = () => randomBytes(16).toString('hex');

/** Steps until the instance of this start runs and its home is on it. */
async function running(server: string): Promise<string> {
  await expect
    .poll(async () => {
      await rig.hub.ensure(server);
      const record = await rig.record(server);
      const [one] = rig.living(server);
      return one !== undefined && rig.sim.world.instances.get(one)?.state === 'running' && record?.attached === true;
    }, within)
    .toBe(true);
  return rig.living(server)[0]!;
}

type Hello = { document: string; pkcs7: string; nonce: string; bootId: string };

async function helloOf(instance = id, nonce = hex(), bootId = hex()): Promise<Hello> {
  const machine = rig.machines.get(instance)!;
  return { ...(await identityOf(machine)), nonce, bootId };
}
const addressOf = (instance = id) => rig.machines.get(instance)!.privateIp;

async function ask(body: Json, peer = addressOf(), verb = 'hello'): Promise<{ [key: string]: Json }> {
  return (await rig.ask(verb, body, peer)) as { [key: string]: Json };
}

/** Asks, and gives the reason of the refusal, which is for the log only. */
async function refusalOf(body: Json, peer?: string, verb?: string): Promise<string> {
  const error = await ask(body, peer, verb).then(
    (answer) => Promise.reject(new Error(`it was believed: ${JSON.stringify(answer)}`)),
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof HubError)) throw error;
  expect(error.message).toBe('not recognised');
  expect(error.status).toBe(403);
  return String(error.facts.why);
}

test('the machine of a start gets its environment, its home and a token of its own', async () => {
  const answer = await ask(await helloOf());

  expect(answer).toMatchObject({
    server: { id: 's1', generation: 1, user: 'ada', name: '', prefix: '/user/ada/' },
    login: 'ada',
    bind: addressOf(),
    home: { fresh: true, sizeGb: 10 },
    studentRoot: false,
    heartbeatSeconds: 30,
  });
  const env = answer.env as Record<string, string>;
  expect(env.JUPYTERHUB_API_TOKEN).toBe('token-s1-1-1');
  expect(env.JUPYTERHUB_SERVICE_URL).toBe(`http://${addressOf()}:${rig.config.port}/user/ada/`);
  // Nothing secret has gone where others can read it.
  const launched = JSON.stringify(rig.sim.calls.all('RunInstances').map(({ params }) => params));
  expect(launched).not.toContain('token-s1');
});

test('the same nonce may ask again and gets a new token; the session before is void', async () => {
  const hello = await helloOf();
  const first = await ask(hello);
  const second = await ask(hello);

  expect((second.env as Record<string, string>).JUPYTERHUB_API_TOKEN).toBe('token-s1-1-2');
  const beat = { busy: false, lastWork: null };
  expect(await refusalOf({ session: first.session!, ...beat }, undefined, 'heartbeat')).toBe('no such session');
  expect(await ask({ session: second.session!, ...beat }, undefined, 'heartbeat')).toMatchObject({ tasks: [] });
});

test('another nonce in the same boot is somebody else on the machine: refused, and reported', async () => {
  const hello = await helloOf();
  await ask(hello);

  expect(await refusalOf({ ...hello, nonce: hex() })).toMatch(/another program on the machine/);
  expect(rig.rows.get('s1')!.tokens).toHaveLength(1);
  const { entries } = rig.store;
  expect((await entries('trouble/')).map(([, value]) => (value as { message: string }).message)).toEqual([
    expect.stringMatching(/the machine of ada .* asked for its server's token and was refused/),
  ]);
  // The machine itself is not locked out by it.
  expect(await ask(hello)).toHaveProperty('session');
});

test('after a reboot it may ask with another nonce, but not for ever', async () => {
  for (let boot = 0; boot < 4; boot += 1) expect(await ask(await helloOf())).toHaveProperty('session');

  expect(await refusalOf(await helloOf())).toMatch(/rebooted too often/);
});

describe('it is not believed', () => {
  test('when a byte of the document was changed', async () => {
    const hello = await helloOf();
    const document = hello.document.replace(id, `i-${'0'.repeat(17)}`);

    expect(await refusalOf({ ...hello, document })).toMatch(/signature|not the one that was signed/);
  });

  test('when the signature is another’s', async () => {
    rig.hub.begin('s2', { user: 'bob' });
    const other = await running('s2');
    const [mine, theirs] = [await helloOf(), await helloOf(other)];

    expect(await refusalOf({ ...mine, pkcs7: theirs.pkcs7 })).toMatch(/signature|not the one that was signed/);
  });

  test('when the signature is no signature', async () => {
    expect(await refusalOf({ ...(await helloOf()), pkcs7: Buffer.from('hello').toString('base64') })).toMatch(
      /signature/,
    );
  });

  test('when the certificate is not one that is trusted', async () => {
    rig.config = { ...rig.config, identity: {} };
    rig.hub = await rig.open();

    expect(await refusalOf(await helloOf())).toMatch(/signature|certificate/);
  });

  test('when it is of another account', async () => {
    rig.config = { ...rig.config, identity: { ...rig.config.identity, accountId: '999999999999' } };
    rig.hub = await rig.open();

    expect(await refusalOf(await helloOf())).toMatch(/another account/);
  });

  test('when it is of another region', async () => {
    rig.hub.world.config.region = 'eu-central-1';

    expect(await refusalOf(await helloOf())).toMatch(/another region/);
  });

  test('when it calls from another address than its own', async () => {
    expect(await refusalOf(await helloOf(), '127.77.250.250')).toMatch(/another address/);
    // The same address in the clothes of version 6 is its own.
    expect(await ask(await helloOf(), `::ffff:${addressOf()}`)).toHaveProperty('session');
  });

  test('when its instance is not the one of the start', async () => {
    const hello = await helloOf();
    const record = await rig.record('s1');
    await rig.store.put('instance/s1', { ...record!, instanceId: 'i-0aaaaaaaaaaaaaaaa' });

    // It is one of ours: it may be one whose launch is not written down yet, and waits.
    expect(await ask(hello)).toMatchObject({ wait: 5 });
    expect(rig.rows.get('s1')!.tokens).toEqual([]);
  });

  test('when its document is older than the last start that the hub recorded', async () => {
    const hello = await helloOf();
    const record = await rig.record('s1');
    await rig.store.put('instance/s1', { ...record!, startedAt: rig.clock.now() + 60_000 });

    expect(await refusalOf(hello)).toMatch(/older than the last start/);
  });

  test('when the document of one boot is shown after the next', async () => {
    const old = await helloOf();
    await ask(old);
    rig.rows.get('s1')!.phase = 'ready';
    await rig.hub.end('s1');
    await rig.clock.sleep(60_000);
    rig.hub.begin('s1');
    await running('s1');

    expect(await refusalOf(old)).toMatch(/earlier boot|older than the last start/);
    expect(await ask(await helloOf())).toHaveProperty('session');
  });

  test('when the instance does not run', async () => {
    const hello = await helloOf();
    rig.sim.byHand.terminate(id);
    await expect.poll(() => rig.sim.world.instances.get(id)!.state, within).toBe('terminated');
    rig.hub.world.instances.stale(id);

    expect(await refusalOf(hello, rig.machines.get(id)!.privateIp)).toMatch(/terminated|knows no such instance/);
  });

  test('when the server is up already', async () => {
    const hello = await helloOf();
    await ask(hello);
    rig.rows.get('s1')!.phase = 'ready';

    expect(await refusalOf(hello)).toMatch(/up already/);
  });

  test.each([
    ['nothing', null],
    ['a nonce that is none', { nonce: 'x' }],
    ['a document that is no JSON', { document: '{' }],
    ['a document without an account', { document: '{}' }],
  ])('when it says %s', async (_, change) => {
    const body = change === null ? null : { ...(await helloOf()), ...change };
    expect(await refusalOf(body)).toBeTruthy();
  });
});

test('while a stop is under way it waits, and gets nothing', async () => {
  const hello = await helloOf();
  rig.rows.get('s1')!.phase = 'stopping';

  expect(await ask(hello)).toMatchObject({ wait: 5 });
  expect(rig.rows.get('s1')!.tokens).toEqual([]);
});

test('a session is good from its own machine only, and only for its start', async () => {
  const { session } = await ask(await helloOf());
  const beat = { session: session!, busy: false, lastWork: null };

  expect(await refusalOf(beat, '127.77.250.250', 'heartbeat')).toMatch(/another address/);
  expect(await refusalOf({ ...beat, session: `s1.${'0'.repeat(48)}` }, undefined, 'heartbeat')).toBe('no such session');
  rig.rows.get('s1')!.generation += 1;
  expect(await refusalOf(beat, undefined, 'heartbeat')).toMatch(/its start is over/);
});

test('what an agent says of a start that cannot succeed ends it, in its words', async () => {
  const { session } = await ask(await helloOf());
  const fault = { class: 'config', code: 'command_not_found', message: 'jupyterhub-singleuser is not on this machine' };

  await ask({ session: session!, percent: 80, message: 'Starting your server', fault }, undefined, 'step');

  expect(await rig.hub.ensure('s1')).toMatchObject({ phase: 'failed', fault });
});

test('a spot notice reaches the person', async () => {
  const { session } = await ask(await helloOf());
  const at = Date.UTC(2026, 10, 21, 14, 30);

  await ask(
    { session: session!, busy: true, lastWork: null, spot: { action: 'terminate', at } },
    undefined,
    'heartbeat',
  );

  expect(rig.rows.get('s1')!.lines.at(-1)).toMatch(/takes this machine back at 14:30 UTC/);
});
