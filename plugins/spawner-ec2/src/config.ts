import { z } from 'zod';
import { Profile } from './profile-config.ts';

const positive = (what: string, fallback: number) => z.number().positive().default(fallback).describe(what);

/** One bucket of tokens: `burst` at once, then `perSecond`. */
const Bucket = z.strictObject({
  burst: z.number().positive().describe('Calls (or machines) that may go out at once.'),
  perSecond: z.number().positive().describe('How many come back each second.'),
});

const Homes = z.strictObject({
  sizeGb: z.int().min(1).max(16_384).default(10).describe('Size of a new home, in GiB.'),
  maxGb: z.int().min(1).max(16_384).default(100).describe('The largest home a person may ask for, in GiB.'),
  kmsKey: z.string().optional().describe("Customer key that encrypts homes; without it, the account's default key."),
  snapshots: z
    .strictObject({
      daily: z.int().min(0).default(7).describe('How many daily snapshots of a home are kept.'),
      weekly: z.int().min(0).default(4).describe('How many weekly snapshots of a home are kept beside the daily ones.'),
    })
    .prefault({})
    .describe('Copies of each home, taken when its machine stops.'),
  tiers: z
    .strictObject({
      terminateAfterDays: z
        .number()
        .min(0)
        .nullable()
        .default(14)
        .describe('A machine stopped for so long is removed, its home kept; null: never.'),
      archiveAfterDays: z
        .number()
        .min(0)
        .nullable()
        .default(90)
        .describe('A home unused for so long becomes a snapshot, and its volume goes; null: never.'),
    })
    .prefault({})
    .describe('What becomes of machines and homes that nobody uses.'),
  deleteAllowed: z
    .boolean()
    .default(false)
    .describe("Whether deleting a person's data deletes the volume and its snapshots. Otherwise it is refused."),
  resizeCooldownHours: positive('How long EC2 wants between two changes of one volume, in hours.', 6),
});

const Spares = z.strictObject({
  profile: z.string().describe('Id of the profile they are made for.'),
  stopped: z.int().min(0).default(0).describe('Machines that have booted once and are stopped.'),
  running: z.int().min(0).default(0).describe('Machines that run and wait. Each costs its full price.'),
});

/** What an installation may say about servers that are EC2 instances. */
export const Ec2Config = z
  .strictObject({
    cluster: z
      .strictObject({
        name: z
          .string()
          .regex(/^[a-z][a-z0-9-]{0,31}$/, 'small letters, digits and hyphens, at most 32')
          .describe('Name of the cluster, in the tag `atrium:cluster`.'),
        id: z
          .string()
          .min(1)
          .max(64)
          .optional()
          .describe('What marks everything of ours, in the tag `atrium:cluster-id`; without it, the id of this hub.'),
      })
      .describe('Which resources of the account are ours.'),
    region: z.string().optional().describe("AWS region; without it, the AWS SDK's own ways of knowing it."),
    hubUrl: z
      .url({ protocol: /^https?$/ })
      .endsWith('/hub/', 'ends with /hub/')
      .describe('Where machines reach the hub, over the private network: `https://10.0.0.10/hub/`.'),
    hubCa: z
      .string()
      .optional()
      .describe("How machines know the hub: `sha256/…` of its certificate's key, or a certificate authority as PEM."),
    launchTemplate: z
      .strictObject({
        id: z.string().startsWith('lt-').describe('Id of the launch template.'),
        version: z.string().regex(/^\d+$/, 'a version number').describe('Number of the version; never `$Latest`.'),
      })
      .optional()
      .describe('Launch template that machines are made from; what is said here wins over it.'),
    subnets: z
      .array(
        z.strictObject({
          id: z.string().startsWith('subnet-').describe('Id of the subnet.'),
          zone: z.string().describe('Its availability zone: `us-east-1a`.'),
        }),
      )
      .min(1)
      .describe('Where machines are made, one subnet per availability zone.'),
    securityGroups: z
      .array(z.string().startsWith('sg-'))
      .default([])
      .describe('Security groups of machines; without them, those of the launch template.'),
    profiles: z.array(Profile).min(1).describe('The kinds of machine that people can choose.'),
    command: z
      .tuple([z.string().min(1)], z.string())
      .default(['jupyterhub-singleuser'])
      .describe('What the machine runs as the person, with its arguments.'),
    port: z.int().min(1024).max(65_535).default(8888).describe('Port of the server on the machine.'),
    defaultUrl: z.string().startsWith('/').default('/lab').describe('Page that opens first: `/lab` or `/tree`.'),
    environment: z
      .record(z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/), z.string())
      .default({})
      .describe('More environment variables for every server. They win over what the hub sets.'),
    homes: Homes.prefault({}).describe("People's home volumes."),
    spares: z.array(Spares).default([]).describe('Machines kept ready for people who come for the first time.'),
    agent: z
      .strictObject({
        deadlineSeconds: positive('How long a running machine may be silent before it is rebooted, in seconds.', 60),
        installSeconds: positive('The same for a machine that first installs the software, in seconds.', 900),
        baked: z
          .boolean()
          .default(true)
          .describe('Whether the image carries the agent; otherwise `cloudInit` installs it at the first boot.'),
        cloudInit: z
          .string()
          .optional()
          .describe(
            'cloud-config of machines, at most 16 KB. `{{HUB_URL}}`, `{{HUB_CA}}`, `{{CLUSTER_ID}}` and `{{AGENT_JSON}}` are ' +
              'filled in. It may hold no secret.',
          ),
        leaseMinutes: positive('How long a machine goes on without a word from any hub, in minutes.', 30),
        hardStopHours: positive('After so long without a hub a machine stops even under running work, in hours.', 12),
      })
      .prefault({})
      .describe('The agent on the machines.'),
    identity: z
      .strictObject({
        certificates: z
          .array(z.string().includes('BEGIN CERTIFICATE'))
          .optional()
          .describe("PEM certificates that sign identity documents; without it, AWS's own of the region."),
        accountId: z
          .string()
          .regex(/^\d{12}$/)
          .optional()
          .describe('The AWS account of machines; without it, the owner of our instances as EC2 states it.'),
      })
      .prefault({})
      .describe('How machines prove who they are.'),
    prices: z
      .record(z.string(), z.number().nonnegative())
      .default({})
      .describe('Dollars per hour of instance types, where they differ from the built-in table.'),
    limits: z
      .strictObject({
        hubs: z.int().min(1).default(1).describe("How many hubs share the account's limits; each takes an equal part."),
        buckets: z
          .record(z.string(), Bucket)
          .default({})
          .describe('Other limits than the published ones, by the name of the API call: `RunInstances`.'),
      })
      .prefault({})
      .describe('Rate limits of the account.'),
    replaceOnNewImage: z
      .boolean()
      .default(true)
      .describe(
        'Whether a stopped machine whose image has a successor is made anew around its home at the next start.',
      ),
    terminateOrphans: z
      .boolean()
      .default(false)
      .describe(
        'Whether machines that nobody has claimed for seven days are removed; otherwise they are only stopped.',
      ),
  })
  .superRefine((config, context) => {
    const code = 'custom';
    const ids = config.profiles.map(({ id }) => id);
    const twice = ids.find((id, at) => ids.indexOf(id) !== at);
    if (twice !== undefined)
      context.addIssue({ code, path: ['profiles'], message: `two profiles are called '${twice}'` });
    for (const [at, { profile }] of config.spares.entries()) {
      if (!ids.includes(profile))
        context.addIssue({
          code,
          path: ['spares', at, 'profile'],
          message: `no profile is called '${profile}'`,
        });
    }
    if (!config.launchTemplate && config.securityGroups.length === 0)
      context.addIssue({
        code,
        path: ['securityGroups'],
        message: 'name a launch template, or the security groups of machines',
      });
    const ownInterface = config.profiles.findIndex(({ egress }) => egress !== undefined);
    if (ownInterface >= 0 && config.securityGroups.length === 0)
      context.addIssue({
        code,
        path: ['profiles', ownInterface, 'egress'],
        message:
          'needs securityGroups: a machine with a network interface of its own takes none from the launch template',
      });
    if (!config.agent.baked && config.agent.cloudInit === undefined && !config.launchTemplate)
      context.addIssue({
        code,
        path: ['agent', 'cloudInit'],
        message: 'an image without the agent needs cloud-config that installs it',
      });
  });
export type Ec2Config = z.output<typeof Ec2Config>;
