import { z } from 'zod';
import type { Price } from './money.ts';

/** One kind of server that a person can choose, by `user_options.profile`. */
export interface SpawnProfile {
  /** What is sent and stored. */
  id: string;
  title: string;
  description?: string;
  /** Short facts in a row: `2 vCPU`, `4 GiB`, `1 × T4`. */
  facts: readonly string[];
  /** Absent when a price means nothing here. */
  price?: Price;
  /** Why this person cannot have it, in plain words; absent when they can. The hub adds what money limits say. */
  unavailable?: string;
}

/** Something else that is asked: an option of this name. */
export interface SpawnField {
  /** Of the option: letters, digits and `_`. Files come as the option `<name>_file`, a list of `FormFile`. */
  name: string;
  label: string;
  kind: 'text' | 'choice' | 'file';
  /** A sentence below the label. */
  hint?: string;
  /** Nothing is started without it. */
  required?: boolean;
  /** What can be chosen, of the kind `choice`. */
  choices?: readonly { value: string; title: string }[];
}

/** What is asked before a start, for one person. */
export interface SpawnForm {
  profiles: readonly SpawnProfile[];
  /** Asked below the profiles. */
  fields?: readonly SpawnField[];
  /** Id of the profile that is chosen when nothing is. */
  chosen: string;
  /** Checks `user_options` from the form and from the API alike. */
  schema: z.ZodType;
}

/** A file that came with a form, as `user_options` hold it: what JupyterHub stores for one. */
export const FormFile = z.strictObject({
  filename: z.string(),
  content_type: z.string(),
  body: z.strictObject({ __jupyterhub_bytes__: z.literal(true), data: z.base64() }),
});
export type FormFile = z.output<typeof FormFile>;

export function formFile({ name, type, bytes }: { name: string; type: string; bytes: Uint8Array }): FormFile {
  const data = Buffer.from(bytes).toString('base64');
  return { filename: name, content_type: type, body: { __jupyterhub_bytes__: true, data } };
}

/** What is in it. */
export function bytesOf({ body }: FormFile): Uint8Array {
  return Buffer.from(body.data, 'base64');
}
