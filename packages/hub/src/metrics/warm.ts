import type { AppContext } from '../context.ts';

/** How starts were made, and the templates they come from, where the spawner can fork them from one. */
export function warmMetrics({ metrics, spawner }: AppContext): () => Promise<void> {
  if (!spawner.warm) return async () => {};
  const { gauge, counter } = metrics.registry;
  const starts = counter('atrium_spawner_starts_total', 'Starts by how they were made; cold ones by their reason', [
    'start',
    'reason',
  ]);
  const ready = gauge('atrium_warm_templates', 'Templates that starts can be forked from');
  const memory = gauge('atrium_warm_template_memory_bytes', 'A template’s share of the memory that it holds', [
    'template',
  ]);
  const age = gauge('atrium_warm_template_age_seconds', 'How long ago a template was loaded', ['template']);
  return async () => {
    const report = await spawner.warm?.().catch(() => undefined);
    if (!report) return;
    starts.set({ start: 'warm', reason: '' }, report.starts.warm);
    for (const [reason, n] of Object.entries(report.starts.cold)) starts.set({ start: 'cold', reason }, n);
    ready.set({}, report.templates.filter(({ state }) => state === 'ready').length);
    memory.clear();
    age.clear();
    for (const { id, memoryBytes, ageSeconds } of report.templates) {
      if (memoryBytes !== null) memory.set({ template: id }, memoryBytes);
      if (ageSeconds !== null) age.set({ template: id }, ageSeconds);
    }
  };
}
