import { parseArgs } from 'node:util';
import { describeHardware, hardwareFacts } from '../../hub/machine.ts';
import { soak } from './soak.ts';

const HELP = `node --conditions=atrium-source bench/proxy/soak/run.ts [options]

  --requests <n>     100000
  --websockets <n>   5000; each is opened, says one thing and goes
  --warm <n>         requests before the first look. 10000
  --changes <n>      route changes per second. 200
`;

const { values } = parseArgs({
  options: {
    requests: { type: 'string', default: '100000' },
    websockets: { type: 'string', default: '5000' },
    warm: { type: 'string', default: '10000' },
    changes: { type: 'string', default: '200' },
    help: { type: 'boolean', default: false },
  },
});

function whole(option: 'requests' | 'websockets' | 'warm' | 'changes'): number {
  const value = Number(values[option]);
  if (!Number.isInteger(value) || value < 1) throw new Error(`--${option} takes a whole number from 1`);
  return value;
}

if (values.help) process.stdout.write(HELP);
else {
  const { before, after, requests, websockets, changes, seconds } = await soak({
    requests: whole('requests'),
    websockets: whole('websockets'),
    warm: whole('warm'),
    changes: whole('changes'),
    say: (line) => void process.stderr.write(`${line}\n`),
  });
  const grown = after.memory / before.memory - 1;
  process.stdout.write(
    `${describeHardware(hardwareFacts())}.\n${requests} requests, ${websockets} websockets and ${changes} route changes in ` +
      `${seconds.toFixed(0)} s: memory ${(before.memory / 2 ** 20).toFixed(1)} → ${(after.memory / 2 ** 20).toFixed(1)} MiB ` +
      `(${(grown * 100).toFixed(1)} %), descriptors ${before.descriptors} → ${after.descriptors}.\n`,
  );
  if (grown > 0.1 || after.descriptors !== before.descriptors) process.exitCode = 1;
}
