import { askerFor } from '../cli/ask.ts';
import { defineCommand } from '../cli/command.ts';

interface Explanation {
  allowed: boolean;
  rules: { rule: string; outcome: 'allows' | 'denies' | 'silent'; detail: string }[];
}

export const authExplain = defineCommand({
  name: 'auth explain',
  usage: 'atrium auth explain <name>',
  summary: 'Say whether somebody may come in, and by which rule',
  positionals: { min: 1, max: 1 },
  options: {},
  async run({ args: [name], values }) {
    const explanation = await askerFor(values).ask<Explanation>('auth-explain', { name });
    const width = Math.max(...explanation.rules.map(({ rule }) => rule.length));
    const lines = explanation.rules.map(
      ({ rule, outcome, detail }) => `  ${rule.padEnd(width)}  ${outcome.padEnd(6)}  ${detail}`,
    );
    const verdict = `${name} is ${explanation.allowed ? 'allowed in' : 'not allowed in'}.`;
    return { json: explanation, text: [verdict, ...lines].join('\n') };
  },
});
