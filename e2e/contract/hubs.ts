import { startAtrium } from './atrium.ts';
import type { Hub, Kind } from './hub.ts';
import { startJupyterHub } from './jupyterhub.ts';
import { DOMAIN, MAIN, SEALED, STRICT, type Variant } from './variants.ts';
import { startGate } from './world.ts';

/** All hubs of one kind. */
export interface Hubs extends AsyncDisposable {
  readonly main: Hub;
  readonly strict: Hub;
  readonly domain: Hub;
  readonly sealed: Hub;
}

/** Starts them side by side. `python` is the environment of a JupyterHub. */
export async function startHubs(kind: Kind, python = ''): Promise<Hubs> {
  await using stack = new AsyncDisposableStack();
  const gate = stack.use(await startGate());
  const start = async (variant: Variant): Promise<Hub> => {
    const started =
      kind === 'atrium' ? await startAtrium(variant, gate) : await startJupyterHub(kind, python, variant, gate);
    return stack.use(started).hub;
  };
  const [main, strict, domain, sealed] = await Promise.all([MAIN, STRICT, DOMAIN, SEALED].map(start));
  if (!(main && strict && domain && sealed)) throw new Error('A hub is missing');
  const kept = stack.move();
  return { main, strict, domain, sealed, [Symbol.asyncDispose]: () => kept.disposeAsync() };
}
