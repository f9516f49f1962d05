import { expect, test } from 'vitest';
import { createAuthority, identityDocument } from '../identity/index.ts';
import { handClock } from '../services/test-endpoint.ts';
import { type MachineFacts, startImds } from './index.ts';

async function machine(change: Partial<MachineFacts> = {}) {
  const clock = handClock();
  const authority = await createAuthority(clock.now());
  const facts: MachineFacts = {
    identity: {
      accountId: '123456789012',
      architecture: 'x86_64',
      availabilityZone: 'us-east-1a',
      imageId: 'ami-0a1b2c3d4e5f60718',
      instanceId: 'i-0a1b2c3d4e5f60718',
      instanceType: 't3.medium',
      pendingTime: clock.now(),
      privateIp: '127.77.0.4',
      region: 'us-east-1',
    },
    on: true,
    endpointEnabled: true,
    tokens: 'required',
    mac: '0e:00:7f:4d:00:04',
    groups: ['workers'],
    groupIds: ['sg-01'],
    subnetId: 'subnet-01',
    vpcId: 'vpc-01',
    reservationId: 'r-01',
    lifecycle: 'on-demand',
    ...change,
  };
  const imds = await startImds({ clock, authority, facts: () => facts, address: '127.78.0.4' });
  const put = (ttl?: string, headers: Record<string, string> = {}) =>
    fetch(`${imds.endpoint}/latest/api/token`, {
      method: 'PUT',
      headers: { ...(ttl ? { 'x-aws-ec2-metadata-token-ttl-seconds': ttl } : {}), ...headers },
    });
  const token = await (await put('60')).text();
  const get = async (path: string, session = token) => {
    const response = await fetch(`${imds.endpoint}${path}`, { headers: { 'x-aws-ec2-metadata-token': session } });
    return [response.status, await response.text()];
  };
  return { clock, facts, authority, imds, put, get, [Symbol.asyncDispose]: () => imds[Symbol.asyncDispose]() };
}

test('a session token is needed and runs out', async () => {
  await using it = await machine();
  expect((await fetch(`${it.imds.endpoint}/latest/meta-data/instance-id`)).status).toBe(401);
  expect(await it.get('/latest/meta-data/instance-id', 'made up')).toEqual([401, '']);
  expect(await it.get('/latest/meta-data/instance-id')).toEqual([200, 'i-0a1b2c3d4e5f60718']);
  it.clock.advance(60_000);
  expect(await it.get('/latest/meta-data/instance-id')).toEqual([401, '']);
});

test('tokens are refused without a lifetime, for too long, and through a proxy', async () => {
  await using it = await machine();
  expect((await it.put()).status).toBe(400);
  expect((await it.put('21601')).status).toBe(400);
  expect((await it.put('60', { 'x-forwarded-for': '192.0.2.1' })).status).toBe(403);
});

test('identity, places and lists', async () => {
  await using it = await machine({ userData: '#cloud-config\n', publicIp: '192.0.2.9' });
  expect(await it.get('/latest/dynamic/instance-identity/document')).toEqual([
    200,
    identityDocument(it.facts.identity),
  ]);
  expect(await it.get('/latest/dynamic/instance-identity/rsa2048')).toEqual([
    200,
    it.authority.rsa2048(it.facts.identity),
  ]);
  expect(await it.get('/latest/dynamic/instance-identity/')).toEqual([200, 'document\npkcs7\nrsa2048\nsignature']);
  expect(await it.get('/2021-03-23/meta-data/placement/availability-zone')).toEqual([200, 'us-east-1a']);
  expect(await it.get('/latest/user-data')).toEqual([200, '#cloud-config\n']);
  expect(await it.get('/latest/meta-data/public-ipv4')).toEqual([200, '192.0.2.9']);
  expect(await it.get('/latest/meta-data/nothing')).toEqual([404, '']);
});

test('tags, user data and credentials only where there are any', async () => {
  await using none = await machine();
  expect((await none.get('/latest/meta-data/tags/instance/Name'))[0]).toBe(404);
  expect((await none.get('/latest/user-data'))[0]).toBe(404);
  expect((await none.get('/latest/meta-data/iam/security-credentials/'))[0]).toBe(404);

  await using all = await machine({
    tags: new Map([['atrium:role', 'worker']]),
    credentials: {
      role: 'manager',
      profileArn: 'arn:aws:iam::123456789012:instance-profile/manager',
      profileId: 'AIPAX',
      accessKeyId: 'ASIAX',
      secretAccessKey: 's',
      token: 't',
      expiration: Date.UTC(2026, 10, 21, 14),
    },
  });
  expect(await all.get('/latest/meta-data/tags/instance/atrium:role')).toEqual([200, 'worker']);
  expect(await all.get('/latest/meta-data/iam/security-credentials/')).toEqual([200, 'manager']);
  const [, text] = await all.get('/latest/meta-data/iam/security-credentials/manager');
  expect(JSON.parse(String(text))).toMatchObject({ AccessKeyId: 'ASIAX', Expiration: '2026-11-21T14:00:00Z' });
});

test('a spot notice is absent until it is announced', async () => {
  await using it = await machine({ lifecycle: 'spot' });
  expect((await it.get('/latest/meta-data/spot/instance-action'))[0]).toBe(404);
  it.facts.interruption = { action: 'terminate', at: it.clock.now() + 120_000 };
  const [, text] = await it.get('/latest/meta-data/spot/instance-action');
  expect(JSON.parse(String(text))).toEqual({ action: 'terminate', time: '2026-11-21T08:02:00Z' });
});

test('version 1 answers only where the machine allows it; a machine that is off never does', async () => {
  await using it = await machine({ tokens: 'optional' });
  expect((await fetch(`${it.imds.endpoint}/latest/meta-data/instance-id`)).status).toBe(200);
  it.facts.on = false;
  await expect(fetch(`${it.imds.endpoint}/latest/meta-data/instance-id`)).rejects.toThrow();
});
