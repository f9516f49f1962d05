import { randomUUID } from 'node:crypto';
import { hostname, userInfo } from 'node:os';
import { isThere, orGone } from '../aws/errors.ts';
import { ClusterError } from '../config.ts';
import { parameterPath } from '../tags.ts';
import type { Scene } from './part.ts';

const LOCK_MS = 120_000;
const RENEW_MS = 30_000;
/** After somebody else's lock was taken over: how long until AWS shows everywhere what they did last. */
const SETTLE_MS = 10_000;
const CONFIRM_MS = 2_000;

interface Held {
  nonce: string;
  by: string;
  host: string;
  pid: number;
  doing: string;
  until: number;
}

/** A lock on the cluster, in a parameter of the account: one `up`, `upgrade` or `down` at a time, wherever it runs. */
export interface Lock extends AsyncDisposable {
  /** Renews the lock when that is due. @throws ClusterError when it is no longer ours. */
  keep(): Promise<void>;
}

/**
 * Takes the lock.
 * @throws ClusterError naming the holder when somebody else has it.
 */
export async function takeLock(scene: Scene, doing: string): Promise<Lock> {
  const Name = parameterPath(scene.config.name, 'lock');
  const ssm = await scene.aws.ssm();
  const mine = { nonce: randomUUID(), by: userInfo().username, host: hostname(), pid: process.pid, doing };
  const value = () => JSON.stringify({ ...mine, until: scene.clock.now() + LOCK_MS } satisfies Held);
  const put = (Overwrite: boolean) => ssm.putParameter({ Name, Value: value(), Type: 'String', Overwrite });
  const read = async () => {
    const found = await orGone(ssm.getParameter({ Name }));
    return found?.Parameter?.Value ? (JSON.parse(found.Parameter.Value) as Held) : undefined;
  };

  try {
    await put(false);
  } catch (error) {
    if (!isThere(error)) throw error;
    const held = await read();
    if (held && !isStale(held, scene.clock.now())) {
      const until = new Date(held.until).toISOString().slice(11, 19);
      throw new ClusterError(
        `atrium cluster ${held.doing} is at work on "${scene.config.name}": ${held.by} on ${held.host}, process ${held.pid}. ` +
          `When it ends, or if it died, the cluster is free (at ${until} UTC at the latest, unless it goes on).`,
      );
    }
    scene.say('An earlier run was cut off; going on where it stopped.');
    await put(true);
    // Two may take over at once: the last one who wrote has it, and the other sees that.
    await scene.clock.sleep(CONFIRM_MS);
    if ((await read())?.nonce !== mine.nonce) throw new ClusterError('Somebody else took the cluster at this moment.');
    await scene.clock.sleep(SETTLE_MS);
  }

  let renewed = scene.clock.now();
  return {
    async keep() {
      if (scene.clock.now() - renewed < RENEW_MS) return;
      if ((await read())?.nonce !== mine.nonce) {
        throw new ClusterError('Somebody else works on this cluster now; this run ends here.');
      }
      await put(true);
      renewed = scene.clock.now();
    },
    async [Symbol.asyncDispose]() {
      const release = async () => {
        if ((await read())?.nonce === mine.nonce) await ssm.deleteParameter({ Name });
      };
      // What went wrong before is what counts; a lock that stays ends by itself in two minutes.
      await release().catch(() => {});
    },
  };
}

function isStale(held: Held, now: number): boolean {
  return held.until < now || (held.host === hostname() && !isAlive(held.pid));
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
