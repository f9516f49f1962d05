import { type Clock, systemClock } from '@atrium/sdk';
import { readClusterConfig } from '../config.ts';
import { httpsProbe } from '../probe.ts';
import { upCluster } from '../up.ts';

/*
 * `atrium cluster up` as a process of its own, to be killed: the configuration is its first argument, how much faster than
 * ours its clock runs the second.
 */
const [config = '', speed = '1', start = ''] = process.argv.slice(2);
const began = Date.now();
const clock: Clock = {
  now: () => Number(start) + (Date.now() - began) * Number(speed),
  sleep: (ms, signal) => systemClock.sleep(ms / Number(speed), signal),
};
await upCluster({
  config: readClusterConfig(JSON.parse(config)),
  configText: '// the configuration file',
  say: (text) => process.stdout.write(`${text}\n`),
  clock,
  // Public addresses of the simulator lead nowhere, so nobody answers: the test looks at what was made before that.
  probe: (target) => httpsProbe(target),
});
