import type { Clock } from '@atrium/sdk';
import type { CallOptions, Ec2Calls } from './calls/types.ts';
import { Ec2Fault } from './errors.ts';
import type { ImageAlias } from './profile-config.ts';

/** Finds what an alias stands for now. */
export interface ImageFinder {
  /** @throws Ec2Fault of class `image` when there is none. */
  find(alias: ImageAlias, options?: CallOptions): Promise<string>;
}

/** How long an alias is believed: a new image is used a few minutes after it was published. */
const BELIEVE_MS = 5 * 60_000;

export function imageFinder(ec2: Pick<Ec2Calls, 'describeImages' | 'getParameter'>, clock: Clock): ImageFinder {
  const known = new Map<string, { id: Promise<string>; until: number }>();

  async function read(alias: Exclude<ImageAlias, { id: string }>): Promise<string> {
    if ('parameter' in alias) {
      const value = await ec2.getParameter(alias.parameter);
      if (value && /^ami-[0-9a-f]+$/.test(value)) return value;
      throw noImage(`the SSM parameter ${alias.parameter} ${value ? 'holds no image id' : 'does not exist'}`);
    }
    const filters = Object.fromEntries(Object.entries(alias.tags).map(([key, value]) => [`tag:${key}`, [value]]));
    const images = await ec2.describeImages({ filters: { ...filters, state: ['available'] } });
    const newest = images.toSorted((a, b) => b.createdAt - a.createdAt)[0];
    if (newest) return newest.id;
    throw noImage(`no image of this account carries the tags ${JSON.stringify(alias.tags)}`);
  }

  return {
    async find(alias) {
      if ('id' in alias) return alias.id;
      const key = JSON.stringify(alias);
      const now = clock.now();
      let entry = known.get(key);
      if (!entry || entry.until <= now) {
        entry = { id: read(alias), until: now + BELIEVE_MS };
        known.set(key, entry);
        // A failure is not remembered.
        entry.id.catch(() => known.delete(key));
      }
      return entry.id;
    },
  };
}

function noImage(why: string): Ec2Fault {
  return new Ec2Fault('DescribeImages', 'InvalidAMIID.NotFound', why, { class: 'image' });
}
