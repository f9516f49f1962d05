import type { World } from '../world.ts';

const LOOK_MS = 250;

/** Tells each change of an instance or a home in one line. Answers how to end it. */
export function watchWorld(world: World, say: (line: string) => void): () => void {
  const seen = new Map<string, string>();
  const look = () => {
    for (const { id, type, state, tags, stateReason } of world.instances.values()) {
      const who = tags.get('atrium:user');
      const why = state === 'stopping' || state === 'shutting-down' ? ` (${stateReason?.code ?? 'no reason'})` : '';
      tell(id, state, `${id}  ${type}  ${state}${who ? `  of ${who}` : ''}${why}`);
    }
    for (const { id, sizeGb, state, tags, attachment } of world.volumes.values()) {
      if (tags.get('atrium:role') !== 'home') continue;
      const where = attachment ? `${attachment.state} to ${attachment.instanceId}` : state;
      tell(id, where, `${id}  home, ${sizeGb} GB  ${where}`);
    }
  };
  const tell = (id: string, state: string, line: string) => {
    if (seen.get(id) === state) return;
    seen.set(id, state);
    say(line);
  };
  const timer = setInterval(look, LOOK_MS);
  return () => clearInterval(timer);
}
