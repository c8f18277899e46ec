// Plain SVG: bars over time, and a timeline of what ran when. Each tells its numbers in words, too.
export interface Bar {
  label: string;
  value: number;
  told: string;
  state: string;
  href?: string;
}

const WIDE = 480;
const HIGH = 170;
const ROW = 40;

export function Bars({ title, bars, format }: { title: string; bars: Bar[]; format: (n: number) => string }) {
  const most = Math.max(...bars.map((bar) => bar.value), 0);
  const width = Math.min(34, WIDE / Math.max(bars.length, 1));
  return (
    <svg class="chart" preserveAspectRatio="xMinYMid meet" viewBox={`0 0 ${WIDE} ${HIGH + 26}`} role="group" aria-label={title}>
      <line class="axis" x1="0" x2={WIDE} y1={HIGH} y2={HIGH} />
      <line class="axis" x1="0" x2={WIDE} y1="22" y2="22" stroke-dasharray="3 4" />
      <text x="0" y="15">
        {format(most)}
      </text>
      {bars.map((bar, index) => {
        const height = most > 0 ? Math.max(2, (bar.value / most) * (HIGH - 24)) : 2;
        const x = WIDE - (bars.length - index) * width;
        const drawn = (
          <rect class={`s-${bar.state}`} x={x + width * 0.12} y={HIGH - height} width={width * 0.76} height={height} rx="2">
            <title>{`${bar.label}: ${bar.told}`}</title>
          </rect>
        );
        return bar.href ? (
          <a href={bar.href} aria-label={`${bar.label}: ${bar.told}`}>
            {drawn}
          </a>
        ) : (
          drawn
        );
      })}
      {bars.length > 0 && (
        <text x={WIDE} y={HIGH + 20} text-anchor="end">
          {bars[bars.length - 1]!.label}
        </text>
      )}
      {bars.length > 4 && (
        <text x={Math.min(WIDE - bars.length * width, WIDE - 300)} y={HIGH + 20}>
          {bars[0]!.label}
        </text>
      )}
    </svg>
  );
}

export interface Span {
  row: string;
  from: number;
  to: number;
  state: string;
  told: string;
  href: string;
}

export function Timeline({ title, spans, from, to, label }: { title: string; spans: Span[]; from: number; to: number; label: (t: number) => string }) {
  const rows = [...new Set(spans.map((span) => span.row))];
  const x = (t: number) => ((t - from) / Math.max(1, to - from)) * WIDE;
  const high = rows.length * ROW + 26;
  return (
    <svg class="chart" preserveAspectRatio="xMinYMid meet" viewBox={`0 0 ${WIDE} ${high}`} role="group" aria-label={title}>
      {rows.map((row, index) => (
        <>
          <text x="0" y={index * ROW + 15}>
            {row.length > 60 ? `${row.slice(0, 59)}…` : row}
          </text>
          <line class="axis" x1="0" x2={WIDE} y1={index * ROW + 34} y2={index * ROW + 34} />
        </>
      ))}
      {spans.map((span) => (
        <a href={span.href} aria-label={span.told}>
          <rect
            class={`s-${span.state}`}
            x={Math.max(0, x(span.from))}
            y={rows.indexOf(span.row) * ROW + 21}
            width={Math.max(4, x(span.to) - Math.max(0, x(span.from)))}
            height="12"
            rx="3"
          >
            <title>{span.told}</title>
          </rect>
        </a>
      ))}
      <text x="0" y={high - 6}>
        {label(from)}
      </text>
      <text x={WIDE} y={high - 6} text-anchor="end">
        {label(to)}
      </text>
    </svg>
  );
}
