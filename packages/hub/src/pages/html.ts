/** Markup that is safe to send. Only `html` and `raw` make one, so a plain string can never pass for it. */
export class Html {
  readonly #text: string;

  constructor(text: string) {
    this.#text = text;
  }

  toString(): string {
    return this.#text;
  }
}

/** What may stand in a template: text is escaped, `false`, `null` and `undefined` leave nothing. */
export type Slot = Html | string | number | false | null | undefined | readonly Slot[];

const ENTITIES: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };

export function escapeText(text: string): string {
  return text.replace(/[&<>"']/g, (char) => ENTITIES[char] ?? char);
}

function render(slot: Slot): string {
  if (slot instanceof Html) return slot.toString();
  if (slot === false || slot === null || slot === undefined) return '';
  return typeof slot === 'object' ? slot.map(render).join('') : escapeText(String(slot));
}

/** Escapes every value between the literal parts. Attribute values must be quoted in the literal. */
export function html(literals: TemplateStringsArray, ...slots: Slot[]): Html {
  return new Html(literals.reduce((text, literal, at) => text + render(slots[at - 1]) + literal));
}

/** For markup that this package itself wrote, such as an icon. Never for anything that came from outside. */
export function raw(markup: string): Html {
  return new Html(markup);
}
