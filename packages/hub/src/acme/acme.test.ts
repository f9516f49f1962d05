import { X509Certificate } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sharedPassword } from '@atrium/auth-shared-password';
import { Secret } from '@atrium/sdk';
import { EchoWorld, echoSpawner } from '@atrium/spawner-echo';
import { describe, expect, test } from 'vitest';
import { testPebble } from '../../../../tools/test-machine.ts';
import { type Pebble, startPebble } from '../../../../tools/test-pebble.ts';
import { hasPostgres, testDatabase } from '../../../../tools/test-postgres.ts';
import type { HubConfigInput } from '../config/schema.ts';
import { startTestHub, type TestHub } from '../testing/index.ts';
import { shiftedClock } from '../testing/shifted-clock.ts';
import { listAlerts } from '../upkeep/upkeep.service.ts';
import { readFetched, readState } from './acme.repo.ts';
import { certificateNews } from './news.service.ts';

const SOON = { timeout: 150_000, interval: 50 };
/** Of a whole test, on a machine that does something else, too. */
const LONG = 600_000;
/** Where every attempt counts: on a busy machine Pebble itself may fail to look a name up. */
const ONCE_MORE = { retry: 2 };
const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const DOMAINS = ['hub.example.org', '*.hub.example.org'];

/** The operator's command: sets the record in the DNS that Pebble asks, or, as `wrong`, something else. */
const HOOK = `
const [set, clear, mood, verb, name, value] = process.argv.slice(2);
if (mood === 'broken') { console.error('the zone is locked'); process.exit(3); }
const host = name + '.';
const body = verb === 'present' ? { host, value: mood === 'wrong' ? 'nonsense' : value } : { host };
const answer = await fetch(verb === 'present' ? set : clear, { method: 'POST', body: JSON.stringify(body) });
if (!answer.ok) process.exit(1);
`;

type Acme = Extract<NonNullable<HubConfigInput['tls']>, { acme: unknown }>['acme'];

/** Hubs on one place, of which each restart is another. */
function place(pebble: Pebble, database?: string) {
  const dataDir = mkdtempSync(join(tmpdir(), 'atrium-acme-'));
  const hook = join(dataDir, 'hook.mjs');
  writeFileSync(hook, HOOK);
  const clock = shiftedClock(Date.now());
  const world = new EchoWorld();
  const acme = (mood = 'good', more: Partial<Acme> = {}): Acme => {
    const exec = [process.execPath, hook, pebble.dns.set, pebble.dns.clear, mood] as [string, ...string[]];
    const { directory, ca } = pebble;
    return { email: 'ada@example.org', domains: DOMAINS, directory, ca, dns: { exec, wait: 0 }, ...more };
  };
  return {
    clock,
    acme,
    hub: (settings: Acme = acme()) =>
      startTestHub({
        spawner: echoSpawner({ world }),
        authenticator: sharedPassword({ password: new Secret('x') }),
        config: { hubKey: new Secret('k'), tls: { acme: settings } },
        clock,
        ...(database === undefined ? { dataDir } : { database }),
      }),
    async [Symbol.asyncDispose]() {
      await world[Symbol.asyncDispose]();
      rmSync(dataDir, { recursive: true, force: true });
    },
  };
}

const certificateOf = async ({ ctx }: TestHub) => (await readFetched(ctx.db, ctx.keys)).certificate?.chain;
/** Another one than this. On a busy machine Pebble may fail to look a name up; whoever runs the hub then asks for one more attempt. */
const follows = (hub: TestHub, before: string | undefined) =>
  expect
    .poll(async () => {
      if ((await readState(hub.ctx.db)).attempts > 0) await certificateNews(hub.ctx, true);
      return certificateOf(hub);
    }, SOON)
    .not.toBe(before);
/** How many certificates Pebble was asked for. */
const ordered = (pebble: Pebble) => pebble.log().match(/Issued certificate serial/g)?.length ?? 0;

describe.skipIf(!testPebble())('the hub and an ACME authority', { timeout: LONG }, () => {
  test('names are proved by DNS, and the authority says when to renew', async () => {
    await using pebble = await startPebble();
    await using here = place(pebble);
    await using hub = await here.hub();

    await follows(hub, undefined);
    const first = (await certificateOf(hub))!;
    for (const name of DOMAINS) expect(new X509Certificate(first).subjectAltName).toContain(`DNS:${name}`);
    const state = await readState(hub.ctx.db);
    expect(state).toMatchObject({ attempts: 0, problem: undefined, domains: DOMAINS });
    // In the database neither key can be read.
    const rows = JSON.stringify([
      await hub.ctx.db.selectFrom('acme_certificates').selectAll().execute(),
      await hub.ctx.db.selectFrom('acme_accounts').selectAll().execute(),
    ]);
    expect(rows).toContain('BEGIN CERTIFICATE');
    expect(rows).not.toContain('PRIVATE KEY');

    // It has been asked: not before a third of the time is left, unless there is a reason.
    await expect.poll(async () => (await readState(hub.ctx.db)).askAt, SOON).toBeGreaterThan(here.clock.now());
    const window = { start: new Date(here.clock.now() - DAY), end: new Date(here.clock.now() - HOUR) };
    await pebble.suggest(first, JSON.stringify({ suggestedWindow: window }));
    here.clock.move(DAY);
    await follows(hub, first);
    expect(ordered(pebble)).toBe(2);

    // A window that makes no sense changes nothing, and the usual time holds.
    const second = (await certificateOf(hub))!;
    await pebble.suggest(second, '{"suggestedWindow": "soon"}');
    await expect.poll(async () => (await readState(hub.ctx.db)).askAt, SOON).toBeGreaterThan(here.clock.now());
    const { renewAt, notAfter, notBefore } = await readState(hub.ctx.db);
    expect(renewAt).toBeGreaterThan(notBefore + (notAfter - notBefore) / 2);
    here.clock.set(renewAt);
    await follows(hub, second);

    // By a clock that is wrong each new one is old already: one more follows the next, and then none for an hour.
    const wrong = (await readState(hub.ctx.db)).notAfter;
    here.clock.set(wrong);
    await expect
      .poll(async () => (await readState(hub.ctx.db)).nextAt, { ...SOON, timeout: 60_000 })
      .toBeGreaterThanOrEqual(wrong + HOUR);
    expect(ordered(pebble)).toBe(5);
  });

  test(
    'a failure is said in the authority’s words and puts off the next attempt, also of the next hub',
    ONCE_MORE,
    async () => {
      await using pebble = await startPebble();
      await using here = place(pebble);
      const problemOf = async ({ ctx }: TestHub) => (await readState(ctx.db)).problem;
      {
        await using hub = await here.hub(here.acme('wrong'));
        await expect
          .poll(() => problemOf(hub), SOON)
          .toMatch(/hub\.example\.org was not proved by dns-01: .*\(unauthorized\)/);
        expect(await listAlerts(hub.ctx.db)).toMatchObject([
          { code: 'certificate_not_renewed', message: expect.stringContaining('was not proved by dns-01') },
        ]);
        const { nextAt, attempts } = await readState(hub.ctx.db);
        expect(attempts).toBe(1);
        expect(nextAt).toBeGreaterThanOrEqual(here.clock.now() + 5 * 60_000);
        // Somebody who knows that it works now need not wait; it does not, and the next pause is twice as long.
        await certificateNews(hub.ctx, true);
        await expect.poll(async () => (await readState(hub.ctx.db)).nextAt, SOON).toBeGreaterThan(here.clock.now());
      }
      {
        await using hub = await here.hub(here.acme('wrong'));
        const before = await readState(hub.ctx.db);
        here.clock.set(before.nextAt - 1);
        const { problem, attempts } = await certificateNews(hub.ctx, false);
        expect({ problem, attempts }).toMatchObject({ problem: before.problem, attempts: before.attempts });
        here.clock.set(before.nextAt);
        await expect.poll(async () => (await readState(hub.ctx.db)).attempts, SOON).toBe(before.attempts + 1);
        const { nextAt } = await readState(hub.ctx.db);
        expect(nextAt - here.clock.now()).toBeGreaterThanOrEqual(10 * 60_000);
      }
      // Other settings are tried at once.
      {
        await using hub = await here.hub(here.acme('broken'));
        await expect.poll(() => problemOf(hub), SOON).toMatch(/tls\.acme\.dns, .* ended with 3: the zone is locked/);
      }
      await using hub = await here.hub();
      await follows(hub, undefined);
      expect(await problemOf(hub)).toBeUndefined();
      expect(await listAlerts(hub.ctx.db)).toEqual([]);
    },
  );

  test('an authority that knows its customers, and one that is not there', async () => {
    const kid = 'university';
    const hmacKey = Buffer.from('a key of thirty-two bytes, or so').toString('base64url');
    await using pebble = await startPebble({ bindings: { [kid]: hmacKey }, blocked: ['blocked.example.org'] });
    await using here = place(pebble);
    const problem = async (settings: Acme) => {
      await using hub = await here.hub(settings);
      await hub.ctx.db.deleteFrom('acme_certificates').execute();
      await expect.poll(async () => (await readState(hub.ctx.db)).problem, SOON).toBeDefined();
      return (await readState(hub.ctx.db)).problem;
    };
    const eab = { kid, hmacKey: new Secret(hmacKey) };

    expect(await problem(here.acme())).toContain('set tls.acme.eab');
    const { ca: _, ...untrusted } = here.acme();
    expect(await problem(untrusted)).toMatch(/its certificate is not trusted .*tls\.acme\.ca/);
    expect(await problem(here.acme('good', { directory: 'https://127.0.0.1:1/dir' }))).toContain(
      'nothing listens there',
    );
    expect(await problem(here.acme('good', { directory: pebble.directory.replace('/dir', '/nonce-plz') }))).toMatch(
      /is no ACME directory/,
    );
    expect(await problem(here.acme('good', { eab, domains: ['blocked.example.org'] }))).toContain(
      '(rejectedIdentifier)',
    );
    await using hub = await here.hub(here.acme('good', { eab }));
    await hub.ctx.db.deleteFrom('acme_certificates').execute();
    await follows(hub, undefined);
  });

  test.skipIf(!hasPostgres)('of two hubs one fetches, and both have what it got', ONCE_MORE, async () => {
    await using database = await testDatabase();
    await using pebble = await startPebble();
    await using here = place(pebble, database.url);
    await using one = await here.hub();
    await using two = await here.hub();

    for (const hub of [one, two]) {
      await expect.poll(() => hub.ctx.certificates?.fetched.certificate?.chain, SOON).toBeDefined();
    }

    expect(one.ctx.certificates?.fetched).toEqual(two.ctx.certificates?.fetched);
    expect(ordered(pebble)).toBe(1);
  });
});
