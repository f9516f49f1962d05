import { type Fault, SpawnFault } from '@atrium/sdk';
import { type Ec2Fault, SDK_CLASS } from './errors.ts';

/** Quotas by the start of the type's family: what Service Quotas calls "Running On-Demand … instances" and its code. */
const VCPU_QUOTAS: readonly (readonly [RegExp, string, string])[] = [
  [/^(g|vt)/, 'L-DB2E81BA', 'Running On-Demand G and VT instances'],
  [/^p/, 'L-417A185B', 'Running On-Demand P instances'],
  [/^inf/, 'L-1945791B', 'Running On-Demand Inf instances'],
  [/^trn/, 'L-2C3B7624', 'Running On-Demand Trn instances'],
  [/^dl/, 'L-6E869C2A', 'Running On-Demand DL instances'],
  [/^f/, 'L-74FC7D96', 'Running On-Demand F instances'],
  [/^x/, 'L-7295265B', 'Running On-Demand X instances'],
  [/./, 'L-1216C47A', 'Running On-Demand Standard instances'],
];
const SPOT_QUOTAS: readonly (readonly [RegExp, string, string])[] = [
  [/^(g|vt)/, 'L-3819A6DF', 'All G and VT Spot Instance Requests'],
  [/^p/, 'L-7212CCBC', 'All P Spot Instance Requests'],
  [/./, 'L-34B43A08', 'All Standard Spot Instance Requests'],
];
const OTHER_QUOTAS: Readonly<Record<string, string>> = {
  VolumeLimitExceeded: 'the storage of gp3 volumes (L-7A658B76)',
  SnapshotLimitExceeded: 'snapshots (L-309BACF6)',
  AddressLimitExceeded: 'elastic addresses (L-0263D0A3)',
  NetworkInterfaceLimitExceeded: 'network interfaces (L-DF5E4CA3)',
  InsufficientFreeAddressesInSubnet: 'free addresses of the subnet',
  PrivateIpAddressLimitExceeded: 'private addresses',
};

/** The quota that an error means, in words, with its code in Service Quotas. */
export function quotaOf(code: string, type: string | undefined, market: string | undefined): string {
  if (code !== 'VcpuLimitExceeded' && code !== 'InstanceLimitExceeded' && code !== 'MaxSpotInstanceCountExceeded') {
    return OTHER_QUOTAS[code] ?? code;
  }
  const table = market === 'spot' ? SPOT_QUOTAS : VCPU_QUOTAS;
  const [, quota, name] = table.find(([family]) => family.test(type ?? 'm')) ?? table.at(-1)!;
  return `“${name}” (${quota})`;
}

/** Words for the person who waits, when a call ends their start. */
export function faultInWords(error: Ec2Fault, about: { type?: string; market?: string } = {}): Fault {
  const base = { class: SDK_CLASS[error.class], code: `ec2_${error.class}` };
  switch (error.class) {
    case 'quota':
      return {
        ...base,
        message:
          'The AWS account of this installation has reached one of its limits, so no machine could be made for you.',
        advice: `An administrator can ask AWS to raise ${quotaOf(error.code, about.type, about.market)}. Nothing of yours is lost.`,
      };
    case 'capacity':
      return {
        ...base,
        message: 'AWS has no machine of this kind free at the moment.',
        advice: 'Try again in some minutes, or choose another kind of machine.',
      };
    case 'image':
      return {
        ...base,
        message: 'The image that machines are made from does not exist or does not fit this kind of machine.',
        advice: 'An administrator must correct the image of this profile.',
      };
    case 'config':
      if (error.code === 'PendingVerification') {
        return {
          ...base,
          code: 'ec2_account_pending',
          message: 'AWS is still checking the account of this installation, as it does with new ones.',
          advice: 'That takes minutes, sometimes hours. Try again later.',
        };
      }
      return {
        ...base,
        code: error.code === 'UnauthorizedOperation' ? 'ec2_not_permitted' : base.code,
        message:
          error.code === 'UnauthorizedOperation'
            ? 'This hub lacks the permission to make or start a machine in its AWS account.'
            : 'AWS refused to make or start the machine as this installation describes it.',
        advice: 'An administrator finds the reason in the log of the hub.',
      };
    default:
      return {
        ...base,
        message: 'AWS could not be asked for a machine just now.',
        advice: 'Try again in a minute. Nothing of yours is lost.',
      };
  }
}

/** The same for an administrator, with what AWS said. Nothing about the person. */
export function adminWords(
  error: Ec2Fault,
  about: { profile: string; type: string; zone: string; market: string },
): { code: string; message: string } {
  const code = `ec2_${error.class}`;
  const said = error.message.length > MOST_SAID ? `${error.message.slice(0, MOST_SAID)}…` : error.message;
  switch (error.class) {
    case 'quota':
      return {
        code,
        message:
          `The AWS account has used up ${quotaOf(error.code, about.type, about.market)}, so ${about.type} was refused for ` +
          `profile ${about.profile}. Ask for more in Service Quotas. AWS said: ${said}`,
      };
    case 'capacity':
      return {
        code,
        message:
          `AWS had no machine for profile ${about.profile} free, the last one tried was ${about.type} in ${about.zone}. More ` +
          `types or zones in the profile help. AWS said: ${said}`,
      };
    case 'image':
      return { code, message: `The image of profile ${about.profile} cannot be used. AWS said: ${said}` };
    default:
      return error.code === 'UnauthorizedOperation'
        ? { code: 'ec2_not_permitted', message: `This hub's role lacks a permission. AWS said: ${said}` }
        : {
            code,
            message: `AWS refuses machines of profile ${about.profile} as they are configured. AWS said: ${said}`,
          };
  }
}

const MOST_SAID = 400;

export function spawnFault(error: Ec2Fault, about?: { type?: string; market?: string }): SpawnFault {
  return new SpawnFault(faultInWords(error, about), { cause: error });
}
