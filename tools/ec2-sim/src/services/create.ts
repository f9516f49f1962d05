import { INSTANCE_TYPES } from '../ec2/instance-types.ts';
import { createIam } from '../iam/index.ts';
import { createAuthority } from '../identity/index.ts';
import { refused } from '../policy/index.ts';
import { serviceAuthorizations } from '../policy/service-authorizations.ts';
import { createPricing, ec2Products } from '../pricing/index.ts';
import { createQuotas } from '../quotas/index.ts';
import { createRoute53 } from '../route53/index.ts';
import type { SimCore } from '../sim.ts';
import { createSsm } from '../ssm/index.ts';
import { createSts } from '../sts/index.ts';
import type { Service, Services } from './index.ts';
import { MetadataServices } from './metadata.ts';
import type { Service as ApiService, ServiceContext } from './service.ts';

/** Makes the other services. One place, so that the server and EC2 need not know who they are. */
export async function createServices(core: SimCore): Promise<Services> {
  const { world, clock } = core;
  const { region, accountId } = world;
  let asking = '';
  const context: ServiceContext = {
    clock,
    region,
    accountId,
    consistencyMs: world.delays.consistencyMs,
    violation: (kind, action, message) => core.violate({ kind, caller: asking, action, message }),
  };
  const iam = createIam(context);
  const ssm = createSsm(context, world.imageAliases);
  const route53 = createRoute53(context);
  const priced = Object.entries(INSTANCE_TYPES).map(([name, type]) => ({
    name,
    vcpu: type.vcpu,
    memoryGib: type.memoryMib / 1024,
    ...(type.gpu ? { gpu: type.gpu.count } : {}),
    usdPerHour: type.usd,
  }));
  const plain: Record<string, ApiService> = {
    iam: iam.service,
    ssm: ssm.service,
    route53: route53.service,
    sts: createSts(context).service,
    pricing: createPricing(context, ec2Products(region, priced)).service,
    servicequotas: createQuotas(context, (code) => world.quotas.get(code)).service,
  };
  const arns = {
    role: (name: string) => iam.state.roles.get(name)?.arn,
    profile: (name: string) => iam.state.profiles.get(name)?.arn,
  };

  /** One of our services in the form the server works with. */
  const handler = (name: string, service: ApiService): Service => ({
    parse(request, caller) {
      asking = caller.name;
      const { action, parameters } = service.read({ ...request, caller });
      return { action, params: parameters, mutating: !/^(Get|List|Describe)/.test(action) };
    },
    authorize: ({ action, params }) => serviceAuthorizations(name, action, params, { region, accountId }, arns),
    run({ action, params, request, caller }) {
      asking = caller.name;
      return service.run({ action, parameters: params }, { ...request, caller });
    },
    fail: (error) => service.fail(error),
  });

  const authority = await createAuthority(clock.now());
  const metadata = new MetadataServices(core, authority, iam.state);
  return {
    handlers: Object.fromEntries(Object.entries(plain).map(([name, service]) => [name, handler(name, service)])),
    certificate: authority.certificate,
    imds: (instanceId) => metadata.endpointOf(instanceId),
    instanceProfile(nameOrArn) {
      const found = iam.profile(nameOrArn);
      if (found.state !== 'ready') return undefined;
      return { arn: found.arn, id: found.id, name: found.arn.slice(found.arn.lastIndexOf('/') + 1) };
    },
    profileArns(nameOrArn) {
      const profile = [...iam.state.profiles.values()].find(({ name, arn }) => name === nameOrArn || arn === nameOrArn);
      const role = profile?.role === undefined ? undefined : iam.state.roles.get(profile.role);
      return profile && role ? { arn: profile.arn, roleArn: role.arn } : undefined;
    },
    parameter: (name) => ssm.parameters.get(name)?.value,
    addHostedZone: (name) => route53.addZone(name),
    allows(caller, requests) {
      if (caller.role !== undefined) {
        const policies = [...(iam.state.roles.get(caller.role)?.policies.values() ?? [])];
        return policies.length === 0 ? requests.length === 0 : refused(policies, requests).length === 0;
      }
      return core.options.policy === undefined || refused(core.options.policy, requests).length === 0;
    },
    [Symbol.asyncDispose]: () => metadata[Symbol.asyncDispose](),
  };
}
