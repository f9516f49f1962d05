import { createHash } from 'node:crypto';
import type { IamState } from '../iam/state.ts';
import type { IdentityAuthority } from '../identity/index.ts';
import { type Imds, type MachineFacts, type RoleCredentials, startImds } from '../imds/index.ts';
import type { SimCore } from '../sim.ts';
import type { SimInstance } from '../world.ts';

const ON = new Set(['pending', 'running', 'stopping', 'shutting-down']);
const CREDENTIALS_MS = 6 * 3_600_000;

/** The metadata services of all instances: each on an address of its own, 127.78.x.y for an instance at 127.77.x.y. */
export class MetadataServices {
  readonly #core: SimCore;
  readonly #authority: IdentityAuthority;
  readonly #iam: IamState;
  readonly #services = new Map<string, Promise<Imds>>();

  constructor(core: SimCore, authority: IdentityAuthority, iam: IamState) {
    this.#core = core;
    this.#authority = authority;
    this.#iam = iam;
  }

  async endpointOf(instanceId: string): Promise<string> {
    this.#closeGone();
    let service = this.#services.get(instanceId);
    if (!service) {
      const instance = this.#core.world.instances.get(instanceId);
      service = startImds({
        clock: this.#core.clock,
        authority: this.#authority,
        address: (instance?.privateIp ?? '127.0.0.1').replace(/^127\.77\./, '127.78.'),
        facts: () => this.#factsOf(instanceId),
      });
      this.#services.set(instanceId, service);
    }
    return (await service).endpoint;
  }

  #closeGone(): void {
    for (const [id, service] of this.#services) {
      const state = this.#core.world.instances.get(id)?.state;
      if (state !== undefined && state !== 'terminated') continue;
      this.#services.delete(id);
      service.then((one) => one[Symbol.asyncDispose]()).catch(() => {});
    }
  }

  #factsOf(instanceId: string): MachineFacts | undefined {
    const { world } = this.#core;
    const instance = world.instances.get(instanceId);
    if (!instance) return undefined;
    const { privateIp, metadata } = instance;
    const credentials = this.#credentialsOf(instance);
    return {
      identity: {
        accountId: world.accountId,
        architecture: instance.architecture,
        availabilityZone: instance.zone,
        imageId: instance.imageId,
        instanceId,
        instanceType: instance.type,
        pendingTime: instance.launchedAt,
        privateIp,
        region: world.region,
      },
      on: ON.has(instance.state),
      endpointEnabled: metadata.httpEndpoint !== 'disabled',
      tokens: metadata.httpTokens === 'required' ? 'required' : 'optional',
      ...(metadata.tags === 'enabled' ? { tags: instance.tags } : {}),
      ...(instance.userData ? { userData: Buffer.from(instance.userData, 'base64').toString() } : {}),
      ...(instance.publicIp ? { publicIp: instance.publicIp } : {}),
      mac: `0e:00:${privateIp
        .split('.')
        .map((part) => Number(part).toString(16).padStart(2, '0'))
        .join(':')}`,
      groups: instance.groups.map((id) => world.groups.get(id)?.name ?? id),
      groupIds: instance.groups,
      subnetId: instance.subnetId,
      vpcId: instance.vpcId,
      reservationId: instance.reservationId,
      lifecycle: instance.market,
      ...(instance.interruptAt === undefined
        ? {}
        : { interruption: { action: instance.onInterruption, at: instance.interruptAt } }),
      ...(credentials ? { credentials } : {}),
    };
  }

  /** Credentials of the instance's role. What is signed with them is logged, and allowed, as the role's. */
  #credentialsOf(instance: SimInstance): RoleCredentials | undefined {
    const profile = [...this.#iam.profiles.values()].find(({ arn }) => arn === instance.profile?.arn);
    const role = profile?.role === undefined ? undefined : this.#iam.roles.get(profile.role);
    if (!profile || !role) return undefined;
    const digest = createHash('sha256').update(`${instance.id} ${role.id}`).digest('hex').toUpperCase();
    const accessKeyId = `ASIASIM${digest.slice(0, 13)}`;
    const { accountId } = this.#core.world;
    this.#core.callers.register({
      accessKeyId,
      name: role.name,
      arn: `arn:aws:sts::${accountId}:assumed-role/${role.name}/${instance.id}`,
      role: role.name,
    });
    return {
      role: role.name,
      profileArn: profile.arn,
      profileId: profile.id,
      accessKeyId,
      secretAccessKey: 'the-simulator-checks-no-signature',
      token: digest,
      expiration: this.#core.clock.now() + CREDENTIALS_MS,
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([...this.#services.values()].map(async (service) => (await service)[Symbol.asyncDispose]()));
    this.#services.clear();
  }
}
