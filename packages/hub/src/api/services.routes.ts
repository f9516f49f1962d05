import { HubError, type Json, permits } from '@atrium/sdk';
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import type { AppContext } from '../context.ts';
import { createService, deleteService, findService, listServices, type Service } from '../services/services.service.ts';
import { Empty, ServiceModel, strictBody } from './models.ts';
import { presentService } from './present.ts';
import { requesterIn } from './requester-in.ts';

const ServiceParams = z.object({ service: z.string() });

/** By the names that JupyterHub gives them. `oauth_roles` is the old name of `oauth_client_allowed_scopes`. */
const CreateBody = strictBody({
  name: z.string().optional(),
  url: z.string().nullish().describe('Where it listens; gives it a route.'),
  api_token: z.string().nullish().describe('8 to 64 characters.'),
  admin: z.boolean().optional(),
  oauth_client_id: z.string().nullish().describe('Begins with `service-`; `service-<name>` by default.'),
  oauth_redirect_uri: z.string().nullish(),
  oauth_client_allowed_scopes: z.array(z.string()).optional(),
  oauth_roles: z.array(z.string()).optional(),
  oauth_no_confirm: z.boolean().optional(),
  info: z.record(z.string(), z.unknown()).optional(),
  display: z.boolean().optional().describe('In the menu of pages; true by default.'),
  command: z.unknown().optional().describe('Refused: what the hub runs stands in its configuration.'),
});

export const serviceRoutes: FastifyPluginAsyncZod<{ ctx: AppContext }> = async (app, { ctx }) => {
  const named = async (name: string): Promise<Service> => {
    const service = await findService(ctx.db, name);
    if (!service) throw new HubError('not_found', `No such service: ${name}`);
    return service;
  };

  app.get('/services', {
    config: { scopes: ['list:services'], filtered: true },
    schema: { summary: 'List services', response: { 200: z.record(z.string(), ServiceModel).describe('By name.') } },
    async handler(request) {
      const { scopes } = requesterIn(request);
      const services = await listServices(ctx.db);
      const shown = services.filter(({ name }) => permits(scopes, 'list:services', { service: name }) === 'yes');
      return Object.fromEntries(shown.map((each) => [each.name, presentService(ctx, each, scopes, each.pid)]));
    },
  });

  app.get('/services/:service', {
    config: { scopes: ['read:services', 'read:services:name', 'read:roles:services'] },
    schema: { summary: 'Get a service', params: ServiceParams, response: { 200: ServiceModel } },
    async handler(request) {
      const service = await named(request.params.service);
      return presentService(ctx, service, requesterIn(request).scopes, service.pid);
    },
  });

  app.post('/services/:service', {
    config: { scopes: ['admin:services'] },
    schema: {
      summary: 'Add a service that runs elsewhere',
      params: ServiceParams,
      body: CreateBody,
      response: { 201: ServiceModel },
      refuses: [409],
    },
    async handler(request, reply) {
      const { scopes } = requesterIn(request);
      const { service: name } = request.params;
      const { body } = request;
      if (body.name !== undefined && body.name !== name) {
        throw new HubError('bad_request', `The name in the body is ${body.name}, in the address ${name}`);
      }
      if (body.command !== undefined && body.command !== null) {
        throw new HubError('bad_request', `Can not create managed service ${name} at runtime`);
      }
      if (Object.keys(body).length === 0 && !(await findService(ctx.db, name))) {
        throw new HubError('bad_request', 'Invalid service data');
      }
      const wanted = {
        name,
        url: body.url,
        apiToken: body.api_token,
        admin: body.admin ?? false,
        oauthClientId: body.oauth_client_id,
        oauthRedirectUri: body.oauth_redirect_uri,
        allowedScopes: [...new Set([...(body.oauth_client_allowed_scopes ?? []), ...(body.oauth_roles ?? [])])],
        oauthNoConfirm: body.oauth_no_confirm ?? false,
        info: (body.info ?? {}) as { [key: string]: Json },
        display: body.display ?? true,
      };
      const service = await createService(ctx, wanted, scopes);
      return reply.code(201).send(presentService(ctx, service, scopes, service.pid));
    },
  });

  app.delete('/services/:service', {
    config: { scopes: ['admin:services'] },
    schema: {
      summary: 'Remove a service that was added through the API',
      params: ServiceParams,
      response: { 200: Empty },
      refuses: [405],
    },
    async handler(request, reply) {
      const { service: name } = request.params;
      const service = await findService(ctx.db, name);
      if (!service) throw new HubError('not_found', `Service ${name} does not exist`);
      await deleteService(ctx, service);
      return reply.code(200).send();
    },
  });
};
