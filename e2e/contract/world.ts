import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';

/** What everybody types. */
export const PASSWORD = 'quiet lanterns over the river';
/** The administrator among the people, and the service that may do everything. */
export const ADMIN = 'ada';
export const ROOT_TOKEN = 'the-secret-of-the-root-service';
/** Of the services `outside` and `quiet`. */
export const OUTSIDE_TOKEN = 'the-secret-of-the-outside-service';
export const QUIET_TOKEN = 'the-secret-of-the-quiet-service';
export const READER_TOKEN = 'the-secret-of-the-reader-service';

/** Of the service `away`, whose client and redirect address have names of their own. */
export const AWAY_TOKEN = 'the-secret-of-the-away-service';
export const AWAY_REDIRECT = 'http://far.example/back';
/** Where the service that the hub runs is started. */
export const HELPER_DIR = fileURLToPath(new URL('./sections', import.meta.url));
/** Where nothing listens. */
export const LOST_URL = 'http://127.0.0.1:9';

/** The program of people's servers and of the service that the hub runs. */
export const TINY_SERVER = [process.execPath, fileURLToPath(new URL('./tiny-server.mjs', import.meta.url))];

export const BADGE_TOKEN = 'the-secret-of-the-badge-service';

/** Roles, the same everywhere: what members of `visitors` may open, what a service may read, what `gina` may mark. */
export const ROLES = [
  {
    name: 'visitors',
    scopes: ['access:services!service=outside', 'access:services!service=quiet', 'access:services!service=away'],
    groups: ['visitors'],
  },
  { name: 'reader', scopes: ['list:users', 'read:users:activity', 'read:hub'], services: ['reader'] },
  { name: 'grading', scopes: ['custom:grades:write!group=class'], users: ['gina'] },
  {
    name: 'class-staff',
    scopes: ['list:users!group=class', 'read:users!group=class', 'servers!group=class'],
    groups: ['staff'],
  },
  { name: 'people-staff', scopes: ['admin:users', 'read:roles'], groups: ['people-staff'] },
  { name: 'sharers', scopes: ['shares!user', 'read:users:name', 'read:groups:name'], groups: ['sharers'] },
  { name: 'service-staff', scopes: ['admin:services'], groups: ['service-staff'] },
  { name: 'all-access', scopes: ['access:servers'], groups: ['all-access'] },
  { name: 'own', scopes: ['self', 'read:services!service'], services: ['quiet'] },
  { name: 'badge', scopes: ['tokens!group=badged'], services: ['badge'] },
];

export const CUSTOM_SCOPES = {
  'custom:grades:read': { description: 'read grades' },
  'custom:grades:write': { description: 'write grades', subscopes: ['custom:grades:read'] },
};

export const GROUPS: Record<string, string[]> = {
  visitors: [],
  class: ['gina'],
  staff: [],
  'people-staff': [],
  badged: [],
  sharers: [],
  'service-staff': [],
  'all-access': [],
};

/** Holds servers of people named `held-…` until they are let go; also what the external services of the tests are. */
export interface Gate extends AsyncDisposable {
  readonly url: string;
  open(user: string): void;
}

export async function startGate(): Promise<Gate> {
  const held = new Map<string, ServerResponse[]>();
  const opened = new Set<string>();
  const server = createServer((request, response) => {
    const name = (request.url ?? '').slice(1);
    if (!name.startsWith('held-') || opened.has(name)) response.end('{}');
    else held.set(name, [...(held.get(name) ?? []), response]);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const gate: Gate = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    open(user) {
      opened.add(user);
      for (const response of held.get(user) ?? []) response.end('{}');
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return gate;
}
