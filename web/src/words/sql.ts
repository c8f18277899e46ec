// Where in a query something is wrong, as the service tells it: `… (line 2, column 5 of the query)`.
export interface Place {
  line: number;
  column: number;
  // The line itself, and where in the whole text the mistake begins.
  text: string;
  offset: number;
}

export function placeIn(sql: string, told: string): Place | null {
  const found = /\(line (\d+), column (\d+) of the query\)/.exec(told);
  if (!found) return null;
  const [line, column] = [Number(found[1]), Number(found[2])];
  const lines = sql.split('\n');
  const text = lines[line - 1];
  if (text === undefined) return null;
  const before = lines.slice(0, line - 1).reduce((sum, one) => sum + one.length + 1, 0);
  return { line, column, text, offset: before + Math.min(column - 1, text.length) };
}
