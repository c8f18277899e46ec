import type { ComponentChildren, JSX, TargetedEvent } from 'preact';
import { useEffect, useId, useRef, useState } from 'preact/hooks';
import { Icon } from './icon';

interface FieldProps {
  label: string;
  value: string;
  onValue: (value: string) => void;
  hint?: ComponentChildren;
  wrong?: string | undefined;
  required?: boolean;
  type?: 'text' | 'password' | 'number' | 'search';
  placeholder?: string;
  mono?: boolean;
  autocomplete?: string;
  lines?: number;
  options?: readonly (readonly [string, string])[];
  disabled?: boolean;
}

// A label, an input and what is said of it, tied together for those who hear the page.
export function Field(props: FieldProps) {
  const id = useId();
  const told = [props.wrong && `${id}-wrong`, props.hint && `${id}-hint`].filter(Boolean).join(' ');
  const common = {
    id,
    value: props.value,
    'aria-describedby': told || undefined,
    'aria-invalid': props.wrong ? ('true' as const) : undefined,
    disabled: props.disabled,
    required: props.required,
  };
  const take = (event: TargetedEvent<HTMLInputElement | HTMLTextAreaElement | HTMLSelectElement>) =>
    props.onValue(event.currentTarget.value);
  let input: JSX.Element;
  if (props.options) {
    input = (
      <select {...common} onChange={take}>
        {props.options.map(([value, label]) => (
          <option value={value} selected={value === props.value}>
            {label}
          </option>
        ))}
      </select>
    );
  } else if (props.lines) {
    input = <textarea {...common} rows={props.lines} placeholder={props.placeholder} spellcheck={false} onInput={take} />;
  } else {
    input = (
      <input
        {...common}
        type={(props.type ?? 'text') as 'text'}
        class={props.mono ? 'mono' : undefined}
        placeholder={props.placeholder}
        autocomplete={props.autocomplete ?? 'off'}
        spellcheck={false}
        onInput={take}
      />
    );
  }
  return (
    <div class="field">
      <label for={id}>{props.label}</label>
      {input}
      {props.wrong && (
        <p class="wrong" id={`${id}-wrong`}>
          {props.wrong}
        </p>
      )}
      {props.hint && (
        <p class="hint" id={`${id}-hint`}>
          {props.hint}
        </p>
      )}
    </div>
  );
}

export function Choice(props: {
  kind: 'radio' | 'checkbox';
  name?: string;
  checked: boolean;
  onPick: (checked: boolean) => void;
  label: string;
  hint?: string;
}) {
  return (
    <label class="choice">
      <input type={props.kind} name={props.name} checked={props.checked} onChange={(event) => props.onPick(event.currentTarget.checked)} />
      <span>
        {props.label}
        {props.hint && <span class="muted small"> {props.hint}</span>}
      </span>
    </label>
  );
}

export function Segments<T extends string>(props: {
  label: string;
  value: T;
  options: readonly (readonly [T, string])[];
  onPick: (value: T) => void;
}) {
  return (
    <div class="segments" role="group" aria-label={props.label}>
      {props.options.map(([value, label]) => (
        <button type="button" aria-pressed={value === props.value} onClick={() => props.onPick(value)}>
          {label}
        </button>
      ))}
    </div>
  );
}

export function Busy({ when, children }: { when: boolean; children: ComponentChildren }) {
  return (
    <>
      {when && <Icon name="busy" spin />}
      {children}
    </>
  );
}

async function copy(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    // Over plain http to another machine there is no clipboard: the text is there to be selected.
    return false;
  }
}

export function Code({ title, text, who }: { title: string; text: string; who?: string }) {
  const [told, setTold] = useState('');
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  const box = useRef<HTMLPreElement>(null);
  const press = async () => {
    const done = await copy(text);
    if (!done && box.current) getSelection()?.selectAllChildren(box.current);
    setTold(done ? 'Copied' : 'Selected: press Ctrl+C');
    clearTimeout(timer.current);
    timer.current = setTimeout(() => setTold(''), 2500);
  };
  useEffect(() => () => clearTimeout(timer.current), []);
  return (
    <figure class="code">
      <header>
        <span>
          {title}
          {who && <span class="muted"> · {who}</span>}
        </span>
        <button type="button" class="button compact" onClick={press} aria-label={`Copy ${title}`}>
          <Icon name={told ? 'check' : 'copy'} />
          <span aria-live="polite">{told || 'Copy'}</span>
        </button>
      </header>
      <pre ref={box} tabIndex={0} aria-label={title}>
        {text.trimEnd()}
      </pre>
    </figure>
  );
}

// The browser's own dialog: it keeps the focus inside, and Escape closes it.
export function Dialog(props: { title: string; wide?: boolean; onClose: () => void; children: ComponentChildren }) {
  const box = useRef<HTMLDialogElement>(null);
  const id = useId();
  useEffect(() => {
    box.current?.showModal();
    // Opened because something in it is wrong: that is where one begins.
    box.current?.querySelector<HTMLElement>('[aria-invalid=true]')?.focus();
  }, []);
  return (
    <dialog ref={box} class={props.wide ? 'wide' : undefined} aria-labelledby={id} onClose={props.onClose}>
      <div class="stack">
        <div class="spread">
          <h2 id={id}>{props.title}</h2>
          <button type="button" class="button quiet compact" aria-label="Close" onClick={() => box.current?.close()}>
            <Icon name="cross" />
          </button>
        </div>
        {props.children}
      </div>
    </dialog>
  );
}
