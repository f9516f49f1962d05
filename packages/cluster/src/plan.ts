import type { Scene } from './engine/part.ts';
import { survey } from './engine/run.ts';
import { estimates } from './estimate.ts';
import { livePrices } from './live-prices.ts';
import { layoutOf, partsOf } from './parts/index.ts';
import { preflight } from './preflight.ts';
import type { Plan } from './render.ts';
import { type ClusterInput, openScene } from './scene.ts';

/** What `up` would do, what stands in its way, what it would cost. Changes nothing. */
export async function planCluster(input: ClusterInput): Promise<Plan> {
  return planScene(await openScene(input));
}

export async function planScene(scene: Scene): Promise<Plan> {
  const { config } = scene;
  const layout = await layoutOf(scene);
  const lines = await survey(scene, partsOf(config, layout));
  const findings = await preflight(scene, layout);
  const types = [config.manager.type, ...config.profiles.flatMap((profile) => profile.types)];
  const prices = await livePrices(scene.aws, scene.region, types, scene.clock.now());
  const blocked = lines.some(({ verdict }) => verdict === 'blocked') || findings.some(({ state }) => state === 'fail');
  return {
    cluster: { name: config.name, id: scene.owner?.id ?? null },
    account: scene.account,
    region: scene.region,
    lines,
    findings,
    cost: estimates(config, prices),
    prices: { source: prices.source, asOf: prices.asOf, region: prices.region },
    blocked,
    changes: lines.filter(({ verdict }) => verdict === 'create' || verdict === 'change').length,
  };
}
