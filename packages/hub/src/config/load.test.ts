import { defineAuthenticator, defineSpawner, Secret } from '@atrium/sdk';
import { expect, test } from 'vitest';
import { z } from 'zod';
import { ConfigError, loadConfig } from './load.ts';
import { showConfig } from './show.ts';

const authenticator = defineAuthenticator({
  id: 'test',
  config: z.strictObject({ minLength: z.int().default(8), limits: z.strictObject({ tries: z.int() }).optional() }),
  form: z.object({}),
  create: () => ({ authenticate: async () => null }),
});
const noSpawner = {
  id: 'none',
  config: z.strictObject({ environment: z.record(z.string(), z.string()).default({}) }),
  create: () => {
    throw new Error('not here');
  },
};
const spawner = defineSpawner(noSpawner);
const defaults = { authenticator: authenticator(), spawner: spawner() };

function problemsOf(file: unknown): readonly string[] {
  try {
    loadConfig({ file, defaults });
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
  return [];
}

test('nothing at all is a configuration', () => {
  const { config } = loadConfig({ defaults });

  expect(config).toMatchObject({ host: '127.0.0.1', port: 8000, idle: { stopAfter: 3600 }, onUserDelete: 'keep-home' });
});

test('an unknown setting names the one that was meant, wherever that is', () => {
  expect(problemsOf({ prot: 1 })).toEqual(['prot: unknown setting. Did you mean port?']);
  expect(problemsOf({ idle: { stopAftr: '1h' } })).toEqual([
    'idle.stopAftr: unknown setting. Did you mean idle.stopAfter?',
  ]);
  expect(problemsOf({ stopAfter: '1h' })).toEqual(['stopAfter: unknown setting. Did you mean idle.stopAfter?']);
  expect(problemsOf({ sessions: { qqqqqqqq: 1 } })).toEqual([
    'sessions.qqqqqqqq: unknown setting. Known here: maxAge, refreshAge, refreshBeforeStart, refreshTokens, stopServers',
  ]);
});

test("a plug-in's options are checked with its own schema and named after it", () => {
  expect(problemsOf({ authenticator: authenticator({ minLenght: 3 } as never) })).toEqual([
    'authenticator test: minLenght: unknown setting. Did you mean minLength?',
  ]);
  expect(problemsOf({ authenticator: authenticator({ limits: { tires: 3 } } as never) })).toContain(
    'authenticator test: limits.tires: unknown setting. Did you mean limits.tries?',
  );
  expect(problemsOf({ spawner: { ...spawner(), sdk: 2 } })).toEqual(['spawner none: it needs SDK 2, this hub has 1']);
});

test('every problem is told at once, each with its path', () => {
  const plugin = authenticator({ minLenght: 3 } as never);
  const problems = problemsOf({ port: 'x', idle: { stopAfter: 'long' }, spawner: 'process', authenticator: plugin });

  const places = problems.map((line) => line.split(':')[0]).sort();
  expect(places).toEqual([`authenticator ${plugin.id}`, 'idle.stopAfter', 'port', 'spawner']);
  expect(problemsOf('text')).toHaveLength(1);
  expect(problemsOf({ trustedProxies: ['10.0.0.0/8', '::1', 'front.example.org'] })).toEqual([
    'trustedProxies.2: Write an IP address, or a range like 10.0.0.0/8',
  ]);
});

test('a spawner may say how long its starts take; what the operator says wins', () => {
  const slow = defineSpawner({ ...noSpawner, start: { timeout: '20m', concurrency: 200 } })();
  const startOf = (start?: object) => loadConfig({ file: { spawner: slow, start }, defaults }).config.start;

  expect(startOf()).toMatchObject({ timeout: 1200, concurrency: 200, stopTimeout: 10 });
  expect(startOf({ timeout: '5m', concurrency: undefined })).toMatchObject({ timeout: 300, concurrency: 200 });
  expect(problemsOf({ spawner: slow, start: 'fast' })[0]).toContain('start: ');
});

test('what is shown says where it comes from, and no secret', () => {
  const file = {
    hubKey: new Secret('hidden-1', 'env HUB_KEY'),
    database: 'postgres://hub:hidden-2@db/hub',
    spawner: spawner({ environment: { API_TOKEN: 'hidden-3', PLAIN: 'seen' } }),
    idle: { stopAfter: '2h' },
  };
  const shown = showConfig(loadConfig({ file, flags: { port: 9000 }, defaults }));
  const of = (path: string) => shown.find((setting) => setting.path === path);

  expect(of('port')).toEqual({ path: 'port', value: 9000, origin: 'flag' });
  expect(of('idle.stopAfter')).toEqual({ path: 'idle.stopAfter', value: 7200, origin: 'file' });
  expect(of('idle.maxAge')).toMatchObject({ origin: 'default' });
  expect(of('authenticator.minLength')).toMatchObject({ value: 8, origin: 'default' });
  expect(of('hubKey')).toMatchObject({ from: 'env HUB_KEY' });
  expect(of('database')?.value).toBe('postgres://hub:«secret»@db/hub');
  expect(of('spawner.environment')?.value).toEqual({ API_TOKEN: '«secret»', PLAIN: 'seen' });
  expect(JSON.stringify(shown)).not.toContain('hidden');
});

test("the address that everybody's own host lies under is one that browsers can use so", () => {
  const problemOf = (subdomainHost: string) => problemsOf({ subdomainHost }).join();

  expect(problemOf('https://hub.example.org')).toBe('');
  expect(problemOf('hub.example.org')).toContain('subdomainHost: Write it with its scheme');
  expect(problemOf('https://10.0.0.1')).toContain('An IP address has no hosts below it');
  expect(problemOf('http://[::1]:8000')).toContain('An IP address has no hosts below it');
  expect(problemOf('http://localhost:8000')).toContain('everything below localhost');
  expect(problemOf('https://hub.example.org/jupyter/')).toContain('the path is basePath');
  expect(problemOf('https://*.example.org')).toContain('a plain host name');
  expect(problemOf('https://ada:x@hub.example.org')).toContain('no name and no password');
  expect(problemsOf({ subdomainHost: 'https://hub.example.org', publicUrl: 'https://example.org' })).toEqual([
    'subdomainHost: The hub itself is at https://hub.example.org then, but publicUrl says https://example.org; leave publicUrl out',
  ]);
  const file = { subdomainHost: 'https://hub.example.org', basePath: '/jupyter/' };
  expect(loadConfig({ file, defaults }).config.publicUrl).toBe('https://hub.example.org/jupyter/');
});
