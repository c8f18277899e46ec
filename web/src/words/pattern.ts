// Patterns of tables as `tables:` of a stream has them: `*` any characters, `?` one, in either case of letters.
// What stands in quotes is left to the service.
export function matches(pattern: string, schema: string, table: string): boolean {
  const dot = pattern.indexOf('.');
  if (dot < 0) return false;
  return glob(pattern.slice(0, dot), schema) && glob(pattern.slice(dot + 1), table);
}

function glob(pattern: string, text: string): boolean {
  const escaped = pattern.replace(/[.+^${}()|[\]\\]/g, '\\$&').replace(/\*/g, '.*').replace(/\?/g, '.');
  return new RegExp(`^${escaped}$`, 'si').test(text);
}

export const isPattern = (text: string) => /[*?]/.test(text) && text.includes('.');
