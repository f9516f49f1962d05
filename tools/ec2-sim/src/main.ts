import { HELP, type Settings, settingsOf, UsageError } from './command/settings.ts';
import { type Ec2Sim, startEc2Sim } from './sim.ts';

/** A value as a shell takes it. */
const quoted = (value: string) => (/^[\w./:@+-]+$/.test(value) ? value : `'${value.replaceAll("'", "'\\''")}'`);

/** Runs a simulator until a signal ends it; answers the exit status. */
async function run({ sim: options, ...settings }: Settings): Promise<number> {
  await using sim = await startEc2Sim(options);
  for (const fault of settings.faults) sim.faults.add(fault);
  if (settings.log) logCalls(sim);
  const env = sim.env(settings.who);
  process.stdout.write(
    settings.json
      ? `${JSON.stringify(env)}\n`
      : Object.entries(env)
          .map(([name, value]) => `export ${name}=${quoted(value)}\n`)
          .join(''),
  );
  await new Promise<void>((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => resolve());
  });
  for (const { kind, action, message } of sim.violations)
    process.stderr.write(`not simulated: ${kind} in ${action}: ${message}\n`);
  return 0;
}

function logCalls(sim: Ec2Sim): void {
  sim.calls.watch(({ at, caller, service, action }) => {
    process.stderr.write(`${new Date(at).toISOString()} ${caller} ${service}:${action}\n`);
  });
}

try {
  const settings = settingsOf(process.argv.slice(2));
  if (settings.help) process.stdout.write(HELP);
  else process.exitCode = await run(settings);
} catch (error) {
  if (!(error instanceof UsageError)) throw error;
  process.stderr.write(`${error.message}\n\n${HELP}`);
  process.exitCode = 2;
}
