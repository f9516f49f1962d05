/** A JSON column's value. Null stays null; what does not parse (a row from elsewhere) reads as null. */
export function fromJson<T>(text: string | null): T | null {
  if (text === null) return null;
  try {
    return JSON.parse(text) as T;
  } catch {
    return null;
  }
}
