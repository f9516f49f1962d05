import type { Ec2Instance } from './calls/types.ts';
import type { Ec2Spec } from './spec.ts';
import type { Ec2World } from './world.ts';

/** What a stopped machine needs before it can serve the profile that was chosen. */
export type Fit = { do: 'start' } | { do: 'resize'; type: string } | { do: 'replace'; why: string };

export async function fitOf(world: Ec2World, spec: Ec2Spec, seen: Ec2Instance): Promise<Fit> {
  if (seen.hibernation !== (spec.onIdle === 'hibernate'))
    return { do: 'replace', why: 'hibernation is set at launch only' };
  if (seen.market === 'spot') return { do: 'replace', why: 'a spot machine cannot be started again' };
  if (spec.image && world.config.replaceOnNewImage) {
    const imageId = await world.images.find(spec.image);
    if (imageId !== seen.imageId) return { do: 'replace', why: `the image is now ${imageId}` };
  }
  if (spec.types.includes(seen.type)) return { do: 'start' };
  const type = spec.types.find((one) => architectureOf(one) === architectureOf(seen.type));
  return type ? { do: 'resize', type } : { do: 'replace', why: 'the chosen machine has another architecture' };
}

/** Families of AWS's own Arm processors have a `g` after the generation: `t4g`, `m7gd`; `a1` was the first. */
export function architectureOf(type: string): 'arm64' | 'x86_64' {
  const family = type.split('.', 1)[0]!;
  return /^[a-z]+\d+g/.test(family) || family === 'a1' || family.startsWith('g5g') ? 'arm64' : 'x86_64';
}
