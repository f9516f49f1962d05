import { HubError } from '@atrium/sdk';
import type { FastifyInstance } from 'fastify';
import { describe, expect, test } from 'vitest';
import { answerChecker } from '../../../../../tools/api-answers.ts';
import { buildApp } from '../../http/app.ts';
import { buildPublicApp } from '../../http/apps.ts';
import { apiHub } from '../test-hub.ts';
import { documentApi } from './index.ts';

type Document = Parameters<typeof answerChecker>[0] & {
  paths: Record<string, Record<string, { description?: string; parameters: { name: string; in: string }[] }>>;
};

const documentOf = async (origin: string) => (await (await fetch(`${origin}/hub/api/openapi.json`)).json()) as Document;

test('what the document has, the server answers; and as described, to somebody unknown', async () => {
  await using hub = await apiHub({ controller: false });
  const document = await documentOf(hub.origin);
  const check = answerChecker(document);
  const app = buildPublicApp(hub.ctx);
  await app.ready();
  const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.keys(methods).map((method) => ({ path, method: method.toUpperCase() })),
  );

  expect(operations.length).toBeGreaterThan(90);
  for (const { path, method } of operations) {
    // One name says what it looks like.
    const url = `/hub/api${path}`.replace(/\{(\w+)\}/g, ':$1').replace(':announcement', ':announcement(^\\d+$)');
    expect(app.hasRoute({ method: method as 'GET', url }), `${method} ${path}`).toBe(true);
    const given = path.replace('{announcement}', '1').replace(/\{\w+\}/g, 'x');
    const reply = await fetch(`${hub.origin}/hub/api${given}`, { method, redirect: 'manual' });
    const text = await reply.text();
    const json = reply.headers.get('content-type') === 'application/json' && text !== '';
    check(method, given, { status: reply.status, headers: reply.headers, body: json ? JSON.parse(text) : text });
  }
  await app.close();
});

describe('the document', () => {
  test('names scopes, parameters, answers and refusals of every operation', async () => {
    await using hub = await apiHub({ controller: false });
    const { paths } = await documentOf(hub.origin);

    expect(paths['/users']?.get?.description).toContain('`list:users`');
    expect(paths['/users']?.get?.parameters.map(({ name }) => name)).toContain('name_filter');
    expect(Object.keys(paths['/users/{user}/server']?.post?.responses ?? {}).sort()).toEqual(
      ['201', '202', '400', '403', '404', '413', '422', '429', '4XX', '5XX'].sort(),
    );
    expect(paths['/users/{user}']?.get?.responses['200']?.content).toEqual({
      'application/json': { schema: { $ref: '#/components/schemas/User' } },
    });
  });

  test('has every route below the API: one that says nothing of itself stops the boot', async () => {
    await using hub = await apiHub({ controller: false });
    const build = (add: (app: FastifyInstance) => void) =>
      buildApp(hub.ctx, (app) => {
        documentApi(app, hub.ctx);
        add(app);
      });
    const silent = build((app) => app.get('/hub/api/silent', { config: { public: true } }, async () => ''));
    const elsewhere = build((app) => app.get('/hub/page', { config: { public: true } }, async () => ''));

    await expect(silent.ready()).rejects.toThrow(HubError);
    await expect(silent.ready()).rejects.toThrow('GET /hub/api/silent must describe itself');
    await elsewhere.ready();
    await elsewhere.close();
  });
});

test('an answer that is not as described is noticed', () => {
  const schema = {
    type: 'object',
    properties: { name: { $ref: '#/components/schemas/Name' } },
    additionalProperties: false,
  };
  const check = answerChecker({
    components: { schemas: { Name: { type: 'string' } } },
    paths: { '/x/{name}': { get: { responses: { 200: { content: { 'application/json': { schema } } }, 204: {} } } } },
  });
  const json = new Headers({ 'content-type': 'application/json' });
  const answer =
    (status: number, body: unknown, headers = json) =>
    () =>
      check('GET', '/x/y?z=1', { status, headers, body });

  expect(answer(200, { name: 'ada' })).not.toThrow();
  expect(answer(200, { name: 1 })).toThrow('name must be string');
  expect(answer(200, { other: 1 })).toThrow('additional properties');
  expect(answer(404, {})).toThrow('answered 404');
  expect(answer(204, 'x')).toThrow('with a body');
  expect(answer(200, 'x', new Headers({ 'content-type': 'text/html' }))).toThrow('as text/html');
});
