import type { Chance } from '../../lib/chance.ts';
import type { Person } from './people.ts';
import type { Region } from './region.ts';

/** What a story happens in. */
export interface Scene {
  region: Region;
  chance: Chance;
  person: Person;
}

/** A piece of somebody's life with their machine, told the same way whether or not hubs die in it. */
export interface Story {
  /** Somebody who was never here before. */
  newcomer?: true;
  /** How it must stand with their server before; brought about while no hub is killed. */
  from: 'ready' | 'stopped';
  /** Without anybody killing anything yet. */
  before?(scene: Scene): Promise<void> | void;
  act(scene: Scene): Promise<void>;
  /** How it must stand in the end. */
  to: 'ready' | 'stopped';
}

const ran = ({ ready, pending }: { ready: boolean; pending: string | null }) => !ready && pending === null;

function killMachine({ region, person }: Scene): void {
  const machine = person.machine();
  if (machine) region.sim.byHand.terminate(machine.id);
}

export const STORIES: Readonly<Record<string, Story>> = {
  'first login': {
    newcomer: true,
    from: 'stopped',
    act: ({ person }) => person.want('ready'),
    to: 'ready',
  },
  'next login': {
    from: 'stopped',
    act: ({ person }) => person.want('ready'),
    to: 'ready',
  },
  stop: {
    from: 'ready',
    act: ({ person }) => person.want('stopped'),
    to: 'stopped',
  },
  'start cancelled': {
    from: 'stopped',
    async act({ person, region, chance }) {
      await person.ask('start');
      await region.clock.sleep(chance.next() * 15_000);
      await person.want('stopped');
    },
    to: 'stopped',
  },
  'first start cancelled': {
    newcomer: true,
    from: 'stopped',
    async act({ person, region, chance }) {
      await person.ask('start');
      await region.clock.sleep(chance.next() * 10_000);
      await person.want('stopped');
    },
    to: 'stopped',
  },
  restart: {
    from: 'ready',
    async act({ person }) {
      await person.ask('stop');
      await person.want('ready');
    },
    to: 'ready',
  },
  'login after the machine was terminated by hand': {
    from: 'stopped',
    before: killMachine,
    act: ({ person }) => person.want('ready'),
    to: 'ready',
  },
  'terminated by hand while it runs': {
    from: 'ready',
    async act(scene) {
      killMachine(scene);
      await scene.person.see(ran, 'seen as ended');
      await scene.person.want('ready');
    },
    to: 'ready',
  },
  'shut down by its owner': {
    from: 'ready',
    async act({ person, region }) {
      const machine = person.machine();
      if (machine) region.shutDown(machine.id);
      await person.see(ran, 'seen as ended');
    },
    to: 'stopped',
  },
  'a larger machine': {
    from: 'stopped',
    act: ({ person }) => person.want('ready', 'large'),
    to: 'ready',
  },
  'a smaller machine': {
    from: 'stopped',
    act: ({ person }) => person.want('ready', 'small'),
    to: 'ready',
  },
  'a spot machine around the same home': {
    from: 'stopped',
    act: ({ person }) => person.want('ready', 'spot'),
    to: 'ready',
  },
  'no capacity at first': {
    newcomer: true,
    from: 'stopped',
    before({ region, chance }) {
      const times = 1 + Math.floor(chance.next() * 3);
      region.sim.faults.add({ action: 'RunInstances', code: 'InsufficientInstanceCapacity', times });
    },
    act: ({ person }) => person.want('ready'),
    to: 'ready',
  },
  'idle stop': {
    from: 'ready',
    act: ({ person }) => person.see(ran, 'stopped for idleness'),
    to: 'stopped',
  },
};
