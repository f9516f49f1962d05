import { execFileSync } from 'node:child_process';
import { request } from 'node:http';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { testPython } from '../../../../tools/test-machine.ts';
import { apiHub, onBothDatabases, PASSWORD } from '../api/test-hub.ts';
import { runVerb } from '../commands/commands.service.ts';
import { admitAll } from '../servers/controller/admit.ts';
import { requestStart } from '../servers/servers.service.ts';
import type { TestHub } from '../testing/index.ts';
import { createUser, findUser } from '../users/users.service.ts';

const WAIT = 10_000;

/** The value of one line, by its name and labels as they are written. */
function readingOf(text: string, name: string): number | undefined {
  const line = text.split('\n').find((one) => one.startsWith(`${name} `));
  return line === undefined ? undefined : Number(line.slice(name.length + 1));
}

async function metrics(
  hub: TestHub,
  path = '/hub/api/metrics',
): Promise<{ status: number; text: string; type: string }> {
  const reply = await fetch(`${hub.origin}${path}`);
  return { status: reply.status, text: await reply.text(), type: reply.headers.get('content-type') ?? '' };
}

async function finished(hub: TestHub, read: (text: string) => number | undefined, value: number): Promise<void> {
  await expect.poll(async () => read((await metrics(hub)).text), { timeout: WAIT }).toBe(value);
}

onBothDatabases((on) => {
  test('a start and a stop are measured; people and servers are counted', async () => {
    await using hub = await apiHub({ on, config: { metrics: { public: true } } });
    const ada = await hub.api({ name: 'ada' });
    await createUser(hub.ctx.db, { name: 'bob', allowedBy: 'administrator', now: hub.ctx.clock.now() });

    await ada('POST', '/users/ada/server');
    await finished(hub, (text) => readingOf(text, 'jupyterhub_running_servers'), 1);
    const { text, type, status } = await metrics(hub, '/hub/metrics');

    expect([status, type]).toEqual([200, 'text/plain; version=1.0.0; charset=utf-8']);
    expect(readingOf(text, 'jupyterhub_total_users')).toBe(2);
    expect(readingOf(text, 'jupyterhub_active_users{period="24h"}')).toBe(1);
    expect(readingOf(text, 'jupyterhub_server_spawn_duration_seconds_count{status="success",reason=""}')).toBe(1);
    expect(
      readingOf(text, 'jupyterhub_server_spawn_duration_seconds_bucket{status="success",reason="",le="600.0"}'),
    ).toBe(1);
    expect(readingOf(text, 'jupyterhub_proxy_add_duration_seconds_count{status="success"}')).toBe(1);
    expect(readingOf(text, 'atrium_queue_wait_seconds_count')).toBe(1);
    expect(readingOf(text, 'atrium_queue_length')).toBe(0);
    expect(readingOf(text, 'atrium_servers{phase="ready"}')).toBe(1);
    expect(readingOf(text, 'process_resident_memory_bytes')).toBeGreaterThan(1e7);
    const post = 'method="POST",handler="jupyterhub.apihandlers.users.UserServerAPIHandler",code="201"';
    expect(readingOf(text, `jupyterhub_request_duration_seconds_count{${post}}`)).toBe(1);

    await ada('DELETE', '/users/ada/server');
    await finished(hub, (now) => readingOf(now, 'jupyterhub_server_stop_seconds_count{status="success"}'), 1);
    const after = (await metrics(hub)).text;
    expect(readingOf(after, 'jupyterhub_running_servers')).toBe(0);
    expect(readingOf(after, 'jupyterhub_proxy_delete_duration_seconds_count{status="success"}')).toBe(1);
  });

  test('what a dead hub was doing is taken over, and counted', async () => {
    await using hub = await apiHub({ on, controller: false, config: { metrics: { public: true } } });
    const { ctx } = hub;
    await hub.api({ name: 'ada' });
    const ada = await findUser(ctx.db, 'ada');
    if (!ada) throw new Error('ada is there');
    const { id } = await requestStart(ctx, ada, '', { by: 'ada' });
    expect((await admitAll(ctx, [id], 1)).map((work) => work.id)).toEqual([id]);
    await ctx.db.updateTable('servers').set({ lease_owner: 'a-dead-hub' }).where('id', '=', id).execute();
    const takeOvers = (text: string) => readingOf(text, 'atrium_lease_takeovers_total');
    expect(takeOvers((await metrics(hub)).text)).toBe(0);

    hub.hub.startController();

    await finished(hub, (text) => readingOf(text, 'jupyterhub_running_servers'), 1);
    expect(takeOvers((await metrics(hub)).text)).toBe(1);
  });
});

test('a start that fails says why in its labels', async () => {
  await using hub = await apiHub({ failFor: ['ada'], config: { metrics: { public: true } } });
  const ada = await hub.api({ name: 'ada' });

  await ada('POST', '/users/ada/server');

  const line = 'jupyterhub_server_spawn_duration_seconds_count{status="failure",reason="echo_failed"}';
  await finished(hub, (text) => readingOf(text, line), 1);
});

test('the metrics are for holders of read:metrics, by token, at both addresses', async () => {
  await using hub = await apiHub({ controller: false });
  const admin = await hub.api({ name: 'root', admin: true }, ['read:metrics']);
  const { headers: _, ...allowed } = await admin('GET', '/metrics');
  const ada = await hub.api({ name: 'ada' });

  expect(allowed.status).toBe(200);
  expect(allowed.body).toContain('jupyterhub_request_duration_seconds');
  expect((await ada('GET', '/metrics')).status).toBe(403);
  for (const path of ['/hub/metrics', '/hub/api/metrics']) expect((await metrics(hub, path)).status).toBe(403);
});

test('a sign-in and a wrong password are measured apart, whatever address was asked for nothing but routes are labels', async () => {
  await using hub = await apiHub({ controller: false, config: { metrics: { public: true } } });
  const browser = hub.browser();
  await browser.submit('/hub/login', { username: 'ada', password: 'wrong' });
  await browser.submit('/hub/login', { username: 'ada', password: PASSWORD });
  await fetch(`${hub.origin}/hub/nothing-${'x'.repeat(50)}`);
  await fetch(`${hub.origin}/hub/api/users/somebody-secret`);

  const { text } = await metrics(hub);

  expect(readingOf(text, 'jupyterhub_login_duration_seconds_count{status="success"}')).toBe(1);
  expect(readingOf(text, 'jupyterhub_login_duration_seconds_count{status="failure"}')).toBe(1);
  expect(text).not.toContain('nothing-');
  expect(text).not.toContain('somebody-secret');
});

test('a browser’s report of what it refused is counted, when the form check says it is ours', async () => {
  await using hub = await apiHub({ controller: false, config: { metrics: { public: true } } });
  const browser = hub.browser();
  await browser.submit('/hub/login', { username: 'ada', password: PASSWORD });
  await browser.fetch('/hub/home');
  const xsrf = [...browser.cookies.values()].find(({ name }) => name === '_xsrf')?.value ?? '';
  const report = (headers: Record<string, string>) =>
    browser.fetch('/hub/security/csp-report', {
      method: 'POST',
      headers: { 'content-type': 'application/csp-report', ...headers },
      body: JSON.stringify({ 'csp-report': { 'violated-directive': 'script-src' } }),
    });

  const statuses = [(await report({})).status, (await report({ 'x-xsrftoken': xsrf })).status];

  expect(statuses).toEqual([403, 200]);
  expect(readingOf((await metrics(hub)).text, 'jupyterhub_csp_reports_total')).toBe(1);
});

test('what the proxy tells on the control socket is there, and refused when it is malformed', async () => {
  await using hub = await apiHub({ controller: false, config: { metrics: { public: true } } });
  const control = await hub.hub.listenControl({ host: '127.0.0.1', port: 0 });
  if (control.kind !== 'tcp') throw new Error('listens on TCP');
  const tell = (figures: unknown) =>
    fetch(`http://127.0.0.1:${control.port}/figures`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(figures),
    });
  const figures = { requests: 12, refused: 1, problems: { 503: 2 }, connections: 3, upgraded: 1, routes: 4 };

  expect((await tell({ ...figures, requests: 'many', routeVersion: 1 })).status).toBe(400);
  expect((await tell({ ...figures, routeVersion: 1, answers: { elsewhere: { 200: 1 } } })).status).toBe(400);
  expect((await metrics(hub)).text).not.toContain('atrium_proxy_requests_total{');
  const certificate = { subject: 'hub.example.org', names: [], notAfter: 1.8e12, fingerprint: 'AA', selfSigned: false };
  const other = { ...certificate, notAfter: 1.9e12, fingerprint: 'BB' };
  const tls = { handshakes: 5, failed: 2, certificates: [certificate, other] };
  const counts = [7, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1];
  const told = {
    ...figures,
    ...{ proxy: 'p1', pid: 42, version: '1.2.3', startedAt: 1.7e12, routeVersion: 7, tls, tooMany: 6, hubSilentMs: 0 },
    reasons: { 'no Host': 1 },
    answers: { server: { 0: 1, 200: 8 }, hub: { 302: 2 } },
    upstream: { server: { counts, sumMs: 45_000 } },
    bytes: { in: 1000, out: 2000 },
    upstreams: { made: 3, reused: 9, idle: 2 },
  };
  expect((await tell(told)).status).toBe(204);
  // One of an earlier release, which tells less.
  expect((await tell({ ...figures, requests: 5, routeVersion: 6 })).status).toBe(204);
  const { text } = await metrics(hub);

  const of = (name: string, labels = '') => readingOf(text, `atrium_proxy_${name}{proxy="p1"${labels}}`);
  expect(of('requests_total')).toBe(12);
  expect(readingOf(text, 'atrium_proxy_requests_total{proxy=""}')).toBe(5);
  expect(of('problems_total', ',status="503"')).toBe(2);
  expect(of('refused_total', ',reason="no Host"')).toBe(1);
  expect(of('answers_total', ',class="server",status="200"')).toBe(8);
  expect(of('answers_total', ',class="server",status="0"')).toBe(1);
  expect(of('upstream_seconds_bucket', ',class="server",le="0.01"')).toBe(9);
  expect(of('upstream_seconds_count', ',class="server"')).toBe(10);
  expect(of('upstream_seconds_sum', ',class="server"')).toBe(45);
  expect(of('bytes_total', ',direction="out"')).toBe(2000);
  expect(of('upstream_connections_total', ',connection="kept"')).toBe(9);
  expect(of('connections_refused_total')).toBe(6);
  expect(of('route_version')).toBe(7);
  expect(of('route_versions_behind')).toBe(0);
  expect(of('tls_handshakes_total', ',result="failed"')).toBe(2);
  expect(readingOf(text, 'atrium_proxy_certificate_not_after_seconds{subject="hub.example.org"}')).toBe(1.8e9);
  expect(await runVerb(hub.hub.ctx, 'proxies', {})).toMatchObject({
    following: 0,
    proxies: [
      { requests: 5, requestsPerSecond: null },
      { proxy: 'p1', version: '1.2.3', requests: 12, behind: 0, bytes: { in: 1000 } },
    ],
  });
  expect(readingOf(text, 'atrium_proxy_connected')).toBe(0);
  // The proxy's stream, as it follows it.
  const stream = request({ host: '127.0.0.1', port: control.port, path: '/routes' });
  stream.end();
  await finished(hub, (now) => readingOf(now, 'atrium_proxy_connected'), 1);
  stream.on('error', () => {}).destroy();
  await finished(hub, (now) => readingOf(now, 'atrium_proxy_connected'), 0);
});

/** Prometheus' own client for Python reads every line, and says what it read. */
const PARSE = `
import json, sys
from prometheus_client.parser import text_string_to_metric_families as families
print(json.dumps({one.name: [one.type, len(one.samples)] for one in families(sys.stdin.read())}))
`;

test.skipIf(!testPython())('another program can read all of it, under the names that dashboards use', async () => {
  await using hub = await apiHub({ controller: false, config: { metrics: { public: true } } });
  await fetch(`${hub.origin}/hub/login`);
  const { text } = await metrics(hub);

  const out = execFileSync(join(testPython() ?? '', 'bin/python'), ['-c', PARSE], { input: text, encoding: 'utf8' });
  const families = JSON.parse(out) as Record<string, [string, number]>;

  const histograms = `request_duration server_spawn_duration check_routes_duration hub_startup_duration
    init_spawners_duration proxy_poll_duration logout_duration login_duration proxy_add_duration proxy_delete_duration
    server_poll_duration server_stop event_loop_interval`;
  for (const name of histograms.split(/\s+/)) {
    expect(families[`jupyterhub_${name}_seconds`]?.[0], name).toBe('histogram');
  }
  for (const name of ['jupyterhub_running_servers', 'jupyterhub_total_users', 'jupyterhub_active_users']) {
    expect(families[name]?.[0], name).toBe('gauge');
  }
  for (const name of ['jupyterhub_csp_reports', 'process_cpu_seconds', 'atrium_lease_takeovers']) {
    expect(families[name]?.[0], name).toBe('counter');
  }
});
