// Where one is: what stands behind the # of the address. `#/sources/src_1/tables` -> ['sources', 'src_1', 'tables'].
import { useEffect, useState } from 'preact/hooks';

export const parts = (hash = location.hash) =>
  hash
    .replace(/^#\/?/, '')
    .split('/')
    .filter((part) => part !== '')
    .map((part) => decodeURIComponent(part));

export const link = (...path: string[]) => `#/${path.map(encodeURIComponent).join('/')}`;
export const go = (...path: string[]) => {
  location.hash = link(...path);
};

export function usePath(): string[] {
  const [path, setPath] = useState(parts);
  useEffect(() => {
    const changed = () => setPath(parts());
    addEventListener('hashchange', changed);
    return () => removeEventListener('hashchange', changed);
  }, []);
  return path;
}
