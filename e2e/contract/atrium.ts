import { join } from 'node:path';
import { testCli } from '../../packages/atrium/src/testing/cli.ts';
import { freePort } from '../../tools/free-port.ts';
import { type Hub, hubAt } from './hub.ts';
import type { Variant } from './variants.ts';
import {
  ADMIN,
  AWAY_REDIRECT,
  AWAY_TOKEN,
  BADGE_TOKEN,
  CUSTOM_SCOPES,
  type Gate,
  GROUPS,
  HELPER_DIR,
  LOST_URL,
  OUTSIDE_TOKEN,
  PASSWORD,
  QUIET_TOKEN,
  READER_TOKEN,
  ROLES,
  ROOT_TOKEN,
  TINY_SERVER,
} from './world.ts';

/** Starts this tree with `atrium up`, the way it is installed. */
export async function startAtrium(variant: Variant, gate: Gate): Promise<AsyncDisposable & { hub: Hub }> {
  const [port, helperPort] = await Promise.all([freePort(), freePort()]);
  const environment = { CONTRACT_GATE: gate.url, CONTRACT_OWN: 'own' };
  const cli = testCli(`
import { dirname } from 'node:path';
import { defineConfig, echoSpawner, processSpawner, Secret, sharedPassword } from 'atrium';
import { refusing, telling } from ${JSON.stringify(join(import.meta.dirname, 'plugins.ts'))};

export default defineConfig({
  port: ${port},
  basePath: ${JSON.stringify(variant.base)},
  authenticator: telling(sharedPassword({
    password: new Secret(${JSON.stringify(PASSWORD)}),
    staff: { ${ADMIN}: new Secret(${JSON.stringify(PASSWORD)}) },
  })),
  keepAuthState: true,
  access: { allowAll: true, adminUsers: [${JSON.stringify(ADMIN)}] },
  groups: ${JSON.stringify(Object.fromEntries(Object.entries(GROUPS).map(([name, users]) => [name, { users }])))},
  roles: ${JSON.stringify([...ROLES, ...(variant.roles ?? [])])},
  customScopes: ${JSON.stringify(CUSTOM_SCOPES)},
  services: [
    { name: 'root', apiToken: new Secret('${ROOT_TOKEN}'), admin: true },
    { name: 'reader', apiToken: new Secret('${READER_TOKEN}') },
    { name: 'badge', apiToken: new Secret('${BADGE_TOKEN}') },
    {
      name: 'outside', url: '${gate.url}', apiToken: new Secret('${OUTSIDE_TOKEN}'), info: { room: 7 },
      allowedScopes: ['read:users!user', 'read:hub'],
    },
    { name: 'quiet', url: '${gate.url}', apiToken: new Secret('${QUIET_TOKEN}'), oauthNoConfirm: true, display: false },
    {
      name: 'away', apiToken: new Secret('${AWAY_TOKEN}'), oauthClientId: 'service-far', oauthNoConfirm: true,
      oauthRedirectUri: '${AWAY_REDIRECT}',
    },
    ...${JSON.stringify(variant.lostService ? [{ name: 'lost', url: LOST_URL }] : [])},
    {
      name: 'helper', url: 'http://127.0.0.1:${helperPort}', command: ${JSON.stringify(TINY_SERVER)},
      environment: ${JSON.stringify(environment)}, cwd: ${JSON.stringify(HELPER_DIR)},
    },
  ],
  spawner: ${variant.spawner} ?? refusing(processSpawner({
    command: ${JSON.stringify(TINY_SERVER)},
    environment: ${JSON.stringify({ ...environment, ...variant.environment })},
    readOnlyPaths: [dirname(dirname(process.execPath)), ${JSON.stringify(import.meta.dirname)}],
    isolation: 'none',
    ...${JSON.stringify(variant.spawnerOptions ?? {})},
  })),
  ...${JSON.stringify(variant.atrium(port))},
  ${variant.more ?? ''}
});
`);
  try {
    const up = await cli.up();
    const hub = hubAt({
      ...{ kind: 'atrium', base: variant.base, gate },
      origin: `http://${variant.domain ?? '127.0.0.1'}:${port}`,
      proxy: { pid: () => up.state().proxyPid ?? Number.NaN },
      database: join(cli.places.dataDir, 'hub.sqlite'),
      log: join(cli.places.logDir, 'hub.log'),
    });
    // JupyterHub has whom its configuration names from the start; here they appear when they first come.
    await hub.root('POST', '/users', { usernames: [ADMIN], admin: true });
    await hub.root('POST', '/users', { usernames: ['gina'] });
    return { hub, [Symbol.asyncDispose]: () => cli[Symbol.asyncDispose]() };
  } catch (error) {
    await cli[Symbol.asyncDispose]();
    throw error;
  }
}
