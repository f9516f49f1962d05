import type { Clock } from '@atrium/sdk';

/** What the proxy counts and has open; it tells so every few seconds. Counts are since the start of that proxy. */
export interface ProxyFigures {
  requests: number;
  /** Requests that could be read in two ways, or not at all. */
  refused: number;
  /** Answers that the proxy made by itself, by status. */
  problems: Readonly<Record<string, number>>;
  connections: number;
  /** Open websockets. */
  upgraded: number;
  routes: number;
  /** Null before the proxy has heard of any table. */
  routeVersion: number | null;
}

/** Between two looks of the controller when nothing happens, ms. */
export const LOOK_MS = 1_000;
/** The proxy tells its figures every 10 s; what is older says nothing about now. */
const FIGURES_MS = 35_000;

/** What this process knows of its own health, kept by those who do the work. */
export interface Vitals {
  /** A proxy follows the routes; call what is returned when it no longer does. */
  proxyConnected(): () => void;
  /** How many proxies follow the routes now. */
  readonly proxies: number;
  recordFigures(figures: ProxyFigures): void;
  /** What the proxy told last; undefined when that is too long ago. */
  figures(): ProxyFigures | undefined;
  /** The controller has begun, or has ended a look without an error. */
  controllerLooked(): void;
  /** How much later than planned the controller is, ms; undefined when none was started here. */
  controllerLag(): number | undefined;
}

/** One per hub process. */
export function createVitals(clock: Clock): Vitals {
  let proxies = 0;
  let told: { at: number; figures: ProxyFigures } | undefined;
  let lookedAt: number | undefined;
  return {
    proxyConnected() {
      proxies += 1;
      let connected = true;
      return () => {
        if (connected) proxies -= 1;
        connected = false;
      };
    },
    get proxies() {
      return proxies;
    },
    recordFigures(figures) {
      told = { at: clock.now(), figures };
    },
    figures: () => (told && clock.now() - told.at <= FIGURES_MS ? told.figures : undefined),
    controllerLooked() {
      lookedAt = clock.now();
    },
    controllerLag: () => (lookedAt === undefined ? undefined : Math.max(0, clock.now() - lookedAt - LOOK_MS)),
  };
}
