import type { ReactNode } from 'react';
import { useId } from 'react';
import { useTyped } from '../lib/use-typed.ts';

/** Filters while somebody types. */
export function Search({ label, value, set }: { label: string; value: string; set: (value: string) => void }) {
  const id = useId();
  const [text, setText] = useTyped(value, set);
  return (
    <div className="field grow">
      <label htmlFor={id}>{label}</label>
      <input
        id={id}
        type="search"
        autoComplete="off"
        autoCapitalize="none"
        spellCheck={false}
        value={text}
        onChange={(event) => setText(event.target.value)}
      />
    </div>
  );
}

export function Choice({
  label,
  value,
  set,
  options,
}: {
  label: string;
  value: string;
  set: (value: string) => void;
  /** Value to words. */
  options: Readonly<Record<string, string>>;
}) {
  const id = useId();
  return (
    <div className="field">
      <label htmlFor={id}>{label}</label>
      <select id={id} value={value} onChange={(event) => set(event.target.value)}>
        {Object.entries(options).map(([key, words]) => (
          <option key={key} value={key}>
            {words}
          </option>
        ))}
      </select>
    </div>
  );
}

interface TextProps {
  label: string;
  value: string;
  set: (value: string) => void;
  hint?: string;
  error?: string | undefined;
  type?: 'text' | 'datetime-local';
  list?: readonly string[];
  required?: boolean;
  long?: boolean;
  maxLength?: number;
}

export function TextField({
  label,
  value,
  set,
  hint,
  error,
  type = 'text',
  list,
  required,
  long,
  maxLength,
}: TextProps) {
  const id = useId();
  const described = [hint && `${id}-hint`, error && `${id}-error`].filter(Boolean).join(' ') || undefined;
  const common = {
    id,
    value,
    required,
    maxLength,
    autoComplete: 'off',
    'aria-describedby': described,
    'aria-invalid': error ? true : undefined,
  };
  return (
    <div className="field grow">
      <label htmlFor={id}>{label}</label>
      {hint && (
        <p className="muted small" id={`${id}-hint`}>
          {hint}
        </p>
      )}
      {error && (
        <p className="small wrong" id={`${id}-error`} role="alert">
          {error}
        </p>
      )}
      {long ? (
        <textarea {...common} rows={4} spellCheck={false} onChange={(event) => set(event.target.value)} />
      ) : (
        <input
          {...common}
          type={type}
          autoCapitalize="none"
          spellCheck={false}
          list={list ? `${id}-list` : undefined}
          onChange={(event) => set(event.target.value)}
        />
      )}
      {list && (
        <datalist id={`${id}-list`}>
          {list.map((name) => (
            <option key={name} value={name} />
          ))}
        </datalist>
      )}
    </div>
  );
}

export function Check({ label, on, set }: { label: ReactNode; on: boolean; set: (on: boolean) => void }) {
  return (
    <label className="check">
      <input type="checkbox" checked={on} onChange={(event) => set(event.target.checked)} />
      <span>{label}</span>
    </label>
  );
}
