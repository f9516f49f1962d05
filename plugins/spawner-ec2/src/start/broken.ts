import { type Fault, SpawnFault } from '@atrium/sdk';
import type { Ec2Fault } from '../errors.ts';
import { faultInWords } from '../words.ts';
import type { Ec2World } from '../world.ts';

/** For so long nobody else is sent into the same wall. */
const OPEN_MS = 60_000;

const memory = new WeakMap<Ec2World, Map<string, { until: number; fault: Fault }>>();

/** Profiles that EC2 refused as such: for a minute everybody who chooses one is told at once, without a call. */
export function brokenProfiles(world: Ec2World) {
  let broken = memory.get(world);
  if (!broken) {
    broken = new Map();
    memory.set(world, broken);
  }
  const known = broken;
  return {
    note(profile: string, error: Ec2Fault): void {
      known.set(profile, { until: world.clock.now() + OPEN_MS, fault: faultInWords(error) });
    },
    /** @throws SpawnFault */
    check(profile: string): void {
      const found = known.get(profile);
      if (!found) return;
      if (found.until <= world.clock.now()) known.delete(profile);
      else throw new SpawnFault(found.fault);
    },
  };
}
