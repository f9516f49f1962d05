import { Secret } from '@atrium/sdk';
import { z } from 'zod';

const Cidr = z.string().regex(/^(\d{1,3}\.){3}\d{1,3}\/\d{1,2}$/, 'Write addresses as 10.77.0.0/16');
const InstanceType = z.string().regex(/^[a-z][a-z0-9-]*\.[a-z0-9-]+$/, 'Write an instance type as t3.medium');
const sha256 = z.string().regex(/^[0-9a-f]{64}$/, 'Write the SHA-256 as 64 hexadecimal digits');

const Created = z.strictObject({
  cidr: Cidr.regex(/\/(1[6-9]|20)$/, 'A network needs a prefix from /16 to /20')
    .default('10.77.0.0/16')
    .describe('Addresses of the network that is made.'),
  zones: z
    .union([z.int().min(1).max(6), z.array(z.string()).min(1)])
    .default(2)
    .describe('How many availability zones, or which.'),
});

const Adopted = z.strictObject({
  vpc: z.string().regex(/^vpc-/).describe('A network that is there; never changed, never deleted.'),
  subnets: z
    .array(z.string().regex(/^subnet-/))
    .min(1)
    .describe("Subnets for people's machines."),
  managerSubnet: z
    .string()
    .regex(/^subnet-/)
    .describe('Subnet of the manager, with a route to the internet.'),
});

const Manager = z.strictObject({
  type: InstanceType.default('t3.small').describe('Machine of hub and proxy.'),
  diskGb: z.int().min(8).default(16).describe('Its system disk; nothing on it lasts.'),
  dataGb: z.int().min(1).default(20).describe('Disk of the database and keys; outlives the machine.'),
  snapshots: z
    .strictObject({
      everyHours: z.int().min(1).max(168).default(6),
      keep: z.int().min(1).max(500).default(28),
    })
    .prefault({})
    .describe('Snapshots of that disk.'),
  domain: z
    .string()
    .regex(/^[a-z0-9.-]+\.[a-z]{2,}$/, 'Write a domain as hub.example.org')
    .optional()
    .describe('Name under which people reach it.'),
  hostedZone: z.string().optional().describe('Route 53 zone in which the name is made; without it you make it.'),
  tls: z
    .union([
      z.literal('self-signed'),
      z.strictObject({
        cert: z.string().min(1).describe('PEM file: the certificate and its chain.'),
        key: z.instanceof(Secret).describe("Its private key: secret.file('/path/key.pem')."),
      }),
    ])
    .default('self-signed')
    .describe('Certificate of the web address.'),
  env: z
    .record(
      z.string().regex(/^[A-Z_][A-Z0-9_]*$/, 'An environment variable is written in capitals'),
      z.instanceof(Secret),
    )
    .default({})
    .describe('Secrets that the configuration reads on the manager: name to secret.'),
  instanceProfile: z.string().optional().describe('An instance profile made by others; none is made then.'),
});

/** A kind of machine as far as quotas, prices and policies go; a spawner's own profiles fit. */
export const ClusterProfile = z.object({
  name: z.string().min(1),
  types: z.array(InstanceType).min(1),
  market: z.enum(['on-demand', 'spot']).default('on-demand'),
  rootGb: z.number().positive().default(8),
});
export type ClusterProfile = z.output<typeof ClusterProfile>;

const Image = z.union([
  z.strictObject({ id: z.string().regex(/^ami-/).describe('An image made by others; none is made then.') }),
  z.strictObject({
    base: z
      .string()
      .regex(/^(ami-|\/)/, 'Give an image id (ami-…) or the path of a public parameter (/aws/service/…)')
      .default('/aws/service/canonical/ubuntu/server/24.04/stable/current/amd64/hvm/ebs-gp3/ami-id')
      .describe('What it is made from: an image, or a public parameter that names one.'),
    packages: z
      .array(z.string().regex(/^[a-z0-9][a-z0-9+.-]*$/))
      .default([])
      .describe('System packages to add.'),
    python: z
      .array(z.string().regex(/^[A-Za-z0-9][^\s'"`$;&|<>\\]*([<>=!~]=[^\s'"`$;&|\\]+)?$/))
      .default([])
      .describe('Python packages to add, as pip takes them.'),
    builderType: InstanceType.default('t3.medium').describe('Machine on which it is made, for some minutes.'),
    rootGb: z.int().min(4).default(8).describe('Its disk.'),
  }),
]);

/** The key `cluster` of the configuration file. */
export const ClusterConfigSchema = z.strictObject({
  name: z
    .string()
    .regex(/^[a-z][a-z0-9-]{0,29}$/, 'A name has lower-case letters, digits and hyphens, at most 30')
    .describe('Names everything on AWS; two clusters of one name cannot be in one account and region.'),
  region: z
    .string()
    .regex(/^[a-z]{2}(-[a-z]+)+-\d$/, 'Write a region as eu-central-1')
    .optional()
    .describe("AWS region; without it, the AWS configuration's own (AWS_REGION, profile)."),
  network: z
    .union([Adopted, z.strictObject({ create: Created.prefault({}) })])
    .prefault({ create: {} })
    .describe('A network to make, or one to use.'),
  egress: z
    .enum(['public-ip', 'nat', 'none'])
    .default('public-ip')
    .describe("How people's machines reach the internet: by an address each, through one gateway, or not at all."),
  allow: z.array(Cidr).default(['0.0.0.0/0']).describe('Who may reach ports 443 and 80 of the manager.'),
  workerPort: z
    .int()
    .min(1024)
    .max(65_535)
    .default(8888)
    .describe("Port of people's servers, open to the manager only."),
  manager: Manager.prefault({}).describe('The machine with hub and proxy.'),
  profiles: z
    .array(ClusterProfile)
    .default([])
    .describe("Machines that people may choose; else the spawner's profiles."),
  expect: z
    .strictObject({
      users: z.int().min(0).default(20),
      hoursPerMonth: z.number().min(0).max(744).default(30),
      atOnce: z.int().min(0).optional().describe('At the same time; all of them when not said.'),
      homeGb: z.number().min(0).default(10),
      snapshotGb: z.number().min(0).default(5),
      budgetPerMonth: z.number().positive().optional().describe('Above this much a month, status warns.'),
    })
    .prefault({})
    .describe('What you expect, for quotas and costs.'),
  image: Image.prefault({}).describe("The disk image of people's machines."),
  source: z
    .union([
      z.strictObject({ npm: z.string().regex(/^\d+\.\d+\.\d+(-[\w.]+)?$/, 'Give an exact version: 0.1.0') }),
      z.strictObject({ url: z.url({ protocol: /^https$/ }), sha256 }),
    ])
    .describe('Where the software comes from: a version, or an https address with its SHA-256.'),
});
export type ClusterConfigInput = z.input<typeof ClusterConfigSchema>;
export type ClusterConfig = z.output<typeof ClusterConfigSchema>;

/** An `atrium.config.ts` value of `cluster` that cannot be used, or a state of the account that a person must mend. */
export class ClusterError extends Error {
  override readonly name = 'ClusterError';
}

/**
 * Checks and completes the key `cluster`.
 * @throws ClusterError with one line per problem.
 */
export function readClusterConfig(given: unknown): ClusterConfig {
  if (given === undefined) {
    throw new ClusterError(
      "The configuration has no key cluster. The least one: cluster: { name: 'class', source: { npm: '0.1.0' } }",
    );
  }
  const parsed = ClusterConfigSchema.safeParse(given);
  if (parsed.success) return parsed.data;
  throw new ClusterError(
    parsed.error.issues
      .map((issue) => `cluster${issue.path.map((key) => `.${String(key)}`).join('')}: ${issue.message}`)
      .join('\n'),
  );
}

/** Whether a network is used that others made. */
export const isAdopted = (network: ClusterConfig['network']): network is z.output<typeof Adopted> => 'vpc' in network;
