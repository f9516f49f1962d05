import { validServiceName } from '../../config/services-schema.ts';
import { insertService, servicesHere } from '../import.repo.ts';
import type { Source } from '../source/schema.ts';
import { isScope, type Taking } from '../taking.ts';

type Service = Source['services'][number];

/**
 * Their names, for their tokens and roles. What the hub runs, and what people sign in to, needs a command and a token in
 * plain text, which the database does not have: that part belongs into the configuration.
 */
export async function takeServices(taking: Taking): Promise<void> {
  const { ctx, source } = taking;
  const count = taking.count('services', source.services.length);
  const here = await servicesHere(ctx.db);
  const ids = new Set([...here.values()].map(String));
  const admins = new Set(source.roles.find(({ name }) => name === 'admin')?.services);
  for (const service of source.services) {
    const { name } = service;
    const before = taking.earlier('service', name);
    if (taking.wasTaken(count, 'service', name, name, (id) => ids.has(id))) {
      if (before !== undefined && ids.has(before)) taking.services.set(name, Number(before));
      continue;
    }
    const same = here.get(name);
    if (same !== undefined) {
      taking.services.set(name, same);
      count.there(name);
      continue;
    }
    if (!validServiceName(name)) {
      count.skip(name, 'cannot be the name of a service here');
      continue;
    }
    const missing = missingOf(service);
    if (missing) count.change(name, missing);
    const scopes = service.allowedScopes.filter((scope) => isScope(taking, scope));
    const id = await insertService(ctx.db, {
      name,
      admin: service.admin || admins.has(name),
      url: null,
      info: JSON.stringify(service.info),
      display: service.display,
      allowedScopes: JSON.stringify(scopes),
      created: ctx.clock.now(),
    });
    taking.services.set(name, id);
    taking.add('service', name, id);
    count.take();
  }
}

function missingOf({ command, url, clientId }: Service): string | undefined {
  if (command.length === 0 && url === null && clientId === null) return undefined;
  return (
    'its name, roles and tokens are taken over; for what it runs, its address and sign-in write it into the ' +
    'configuration (services)'
  );
}
