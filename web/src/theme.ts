// Light or dark: as the system has it, or as somebody chose here; and the colours of a vendor's page.
import { useEffect, useState } from 'preact/hooks';

export type Theme = 'light' | 'dark';
const KEY = 'sluice.theme';

const chosen = (): Theme | null => {
  const kept = localStorage.getItem(KEY);
  return kept === 'light' || kept === 'dark' ? kept : null;
};
const system = matchMedia('(prefers-color-scheme: dark)');
const current = (): Theme => chosen() ?? (system.matches ? 'dark' : 'light');

export function applyTheme(): void {
  document.documentElement.dataset['theme'] = current();
}

export function useTheme(): [Theme, () => void] {
  const [theme, setTheme] = useState(current);
  useEffect(() => {
    const changed = () => {
      applyTheme();
      setTheme(current());
    };
    system.addEventListener('change', changed);
    return () => system.removeEventListener('change', changed);
  }, []);
  return [
    theme,
    () => {
      const next = theme === 'dark' ? 'light' : 'dark';
      localStorage.setItem(KEY, next);
      applyTheme();
      setTheme(next);
    },
  ];
}

// The variables that a page which embeds the form may set. Colours and sizes alone: a value with anything else in it,
// such as url(…), is left out.
const VARIABLES = new Set([
  ...['accent', 'accent-strong', 'on-accent', 'accent-soft', 'background', 'surface', 'surface-2', 'text', 'muted'],
  ...['line', 'line-strong', 'radius', 'font'],
]);
const VALUE = /^[#\w\s,.%'"-]{1,120}$|^(rgb|rgba|hsl|hsla|oklch)\([\d\s.,%/deg-]{1,60}\)$/;

export function setVariables(given: unknown): void {
  if (typeof given !== 'object' || given === null) return;
  for (const [name, value] of Object.entries(given)) {
    const bare = name.replace(/^--/, '');
    if (VARIABLES.has(bare) && typeof value === 'string' && VALUE.test(value)) {
      document.documentElement.style.setProperty(`--${bare}`, value);
    }
  }
  // A page that says its accent alone means all of its shades.
  const root = document.documentElement.style;
  if (root.getPropertyValue('--accent')) {
    if (!root.getPropertyValue('--accent-strong')) root.setProperty('--accent-strong', 'var(--accent)');
    if (!root.getPropertyValue('--accent-soft')) root.setProperty('--accent-soft', 'color-mix(in srgb, var(--accent) 12%, var(--surface))');
  }
  const theme = (given as Record<string, unknown>)['theme'];
  if (theme === 'light' || theme === 'dark') document.documentElement.dataset['theme'] = theme;
}
