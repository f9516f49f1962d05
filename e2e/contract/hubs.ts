import { startAtrium } from './atrium.ts';
import type { Hub, Kind } from './hub.ts';
import { startJupyterHub } from './jupyterhub.ts';
import { DOMAIN, MAIN, OTHERS, type OtherName, SEALED, STRICT, type Variant } from './variants.ts';
import { startGate } from './world.ts';

/** All hubs of one kind. */
export interface Hubs extends AsyncDisposable {
  readonly main: Hub;
  readonly strict: Hub;
  readonly domain: Hub;
  readonly sealed: Hub;
  /** One with settings that few tests are about; started when the first of them asks. */
  other(name: OtherName): Promise<Hub>;
  /** Starts one that cannot start. @returns what it said at its end @throws Error when it starts */
  refusal(variant: Variant): Promise<string>;
}

/** Starts them side by side. `python` is the environment of a JupyterHub. */
export async function startHubs(kind: Kind, python = ''): Promise<Hubs> {
  await using stack = new AsyncDisposableStack();
  const gate = stack.use(await startGate());
  const begin = (variant: Variant) =>
    kind === 'atrium' ? startAtrium(variant, gate) : startJupyterHub(kind, python, variant, gate);
  const start = async (variant: Variant): Promise<Hub> => stack.use(await begin(variant)).hub;
  const [main, strict, domain, sealed] = await Promise.all([start(MAIN), start(STRICT), start(DOMAIN), start(SEALED)]);
  const kept = stack.move();
  const others = new Map<OtherName, Promise<Hub>>();
  return {
    main,
    strict,
    domain,
    sealed,
    other(name) {
      const asked = others.get(name) ?? begin(OTHERS[name]).then((started) => kept.use(started).hub);
      others.set(name, asked);
      return asked;
    },
    async refusal(variant) {
      const started = await begin(variant).catch((error: Error) => error);
      if (started instanceof Error) return started.message;
      await started[Symbol.asyncDispose]();
      throw new Error('It started');
    },
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  };
}
