import { HubError } from '@atrium/sdk';
import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import type { AppContext } from '../../context.ts';
import { ATRIUM_VERSION } from '../../http/version.ts';
import { Components } from './components.ts';
import type { DescribedRoute } from './described.ts';
import { describeOperation, type Operation } from './operation.ts';

const Document = z.record(z.string(), z.unknown()).meta({ title: 'OpenAPI' });

/**
 * Describes every route below `{api}` that is added to `app` from now on, and answers with the result at
 * `{api}/openapi.json` (OpenAPI 3.1). A route there that does not describe itself stops the boot.
 */
export function documentApi(app: FastifyInstance, ctx: AppContext): void {
  const { api } = ctx.urls;
  const components = new Components();
  const paths: Record<string, Record<string, Operation>> = {};
  /** What is left to describe: nothing is, before somebody asks, because most hubs are never asked and all of them start. */
  const waiting: (() => void)[] = [];
  app.addHook('onRoute', ({ method, url, schema, config = {} }) => {
    if (url !== api && !url.startsWith(`${api}/`)) return;
    if (!schema?.summary) {
      throw new HubError('misconfigured', `The route ${String(method)} ${url} must describe itself: schema.summary.`);
    }
    waiting.push(() => {
      const path = url.slice(api.length).replace(/:(\w+)(\([^)]*\))?/g, '{$1}') || '/';
      const operations = paths[path] ?? {};
      paths[path] = operations;
      for (const name of [method].flat().map((each) => each.toLowerCase())) {
        const route = { path, method: name, schema: schema as DescribedRoute, access: config };
        operations[name] = describeOperation(components, route);
      }
    });
  });
  const described = () => {
    for (const describe of waiting.splice(0)) describe();
    return { paths, schemas: components.schemas };
  };
  app.get(
    `${api}/openapi.json`,
    { config: { public: true }, schema: { summary: 'This document', response: { 200: Document } } },
    async () => {
      const { paths: all, schemas } = described();
      return {
        openapi: '3.1.0',
        info: {
          title: 'Atrium',
          version: ATRIUM_VERSION,
          description:
            "The hub's REST API, compatible with JupyterHub's. Made from the routes themselves. " +
            'Every path also answers `OPTIONS` with 200, and any other method that it does not have with 405.',
          license: { name: 'BSD-3-Clause', identifier: 'BSD-3-Clause' },
        },
        servers: [{ url: api }],
        components: {
          securitySchemes: {
            token: { type: 'apiKey', name: 'Authorization', in: 'header', description: '`token <text>`' },
          },
          schemas,
        },
        paths: all,
      };
    },
  );
}
