import type { LiveServer } from '../api/types.ts';
import { t } from '../strings/index.ts';
import { Icon, type IconName } from './icons.tsx';

/** What a server's state is called and looks like. */
export function stateOf({
  phase,
  failure,
  wanted,
}: Pick<LiveServer, 'phase' | 'failure' | 'wanted'>): IconName & keyof typeof t.states {
  if (phase === 'ready') return wanted === 'stopped' ? 'stopping' : 'running';
  if (phase === 'stopped') return failure ? 'problem' : 'stopped';
  return wanted === 'stopped' ? 'stopping' : phase;
}

export function ServerState({ server }: { server: LiveServer }) {
  const state = stateOf(server);
  return (
    <span className={`state ${state}`}>
      <Icon name={state} />
      <span>
        {t.states[state]}
        {server.queue_place !== null && state === 'queued' && ` ${t.servers.place(server.queue_place)}`}
      </span>
    </span>
  );
}
