import { useEffect, useState } from 'react';

/** Somebody types; what follows from it can wait until they pause, ms. */
const PAUSE = 200;

/** A text that is shown at once and told a moment later. Follows `value` when that changes from elsewhere. */
export function useTyped(value: string, tell: (value: string) => void): [string, (text: string) => void] {
  const [text, setText] = useState(value);
  const [told, setTold] = useState(value);
  if (told !== value) {
    setTold(value);
    setText(value);
  }
  // biome-ignore lint/correctness/useExhaustiveDependencies: only the text starts the pause anew
  useEffect(() => {
    if (text === value) return;
    const timer = setTimeout(() => {
      setTold(text);
      tell(text);
    }, PAUSE);
    return () => clearTimeout(timer);
  }, [text]);
  return [text, setText];
}
