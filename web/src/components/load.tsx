// What a view shows while it waits, and after.
import type { ComponentChildren } from 'preact';
import { useCallback, useEffect, useRef, useState } from 'preact/hooks';
import { Failure, Loading } from './states';

export interface Loaded<T> {
  data: T | null;
  error: unknown;
  reload: () => void;
  set: (data: T) => void;
}

// Loads at first and whenever `key` changes; every `each` milliseconds again, without a word, if it is given.
export function useLoad<T>(key: string, load: () => Promise<T>, each = 0): Loaded<T> {
  const [state, setState] = useState<{ key: string; data: T | null; error: unknown }>({ key, data: null, error: null });
  const newest = useRef(load);
  const turn = useRef(0);
  newest.current = load;
  const run = useCallback(() => {
    const mine = ++turn.current;
    newest.current().then(
      (data) => mine === turn.current && setState({ key, data, error: null }),
      // What was there stays, if it is only a renewal that failed.
      (error: unknown) => mine === turn.current && setState((was) => (was.key === key && was.data ? was : { key, data: null, error })),
    );
  }, [key]);
  useEffect(() => {
    setState((was) => (was.key === key ? was : { key, data: null, error: null }));
    run();
    const timer = each ? setInterval(() => document.hidden || run(), each) : undefined;
    return () => {
      turn.current++;
      clearInterval(timer);
    };
  }, [key, each, run]);
  return {
    data: state.data,
    error: state.error,
    reload: () => {
      setState({ key, data: null, error: null });
      run();
    },
    set: (data) => {
      turn.current++;
      setState({ key, data, error: null });
    },
  };
}

export function Show<T>(props: { of: Loaded<T>; what: string; children: (data: T) => ComponentChildren }) {
  if (props.of.error) return <Failure error={props.of.error} again={props.of.reload} />;
  if (props.of.data === null) return <Loading what={props.what} />;
  return <>{props.children(props.of.data)}</>;
}

// A call that a button makes: one at a time, its error kept to be shown.
export function useAction<A extends unknown[]>(action: (...args: A) => Promise<void>) {
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const run = async (...args: A) => {
    if (busy) return;
    setBusy(true);
    setError(null);
    try {
      await action(...args);
    } catch (caught) {
      setError(caught);
    } finally {
      setBusy(false);
    }
  };
  return { run, busy, error, clear: () => setError(null) };
}
