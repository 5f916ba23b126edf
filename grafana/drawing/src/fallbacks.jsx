// Two panels that Grafana keeps outside its component library, drawn plainly: colours and texts are its own.
import { formattedValueToString, getFieldDisplayName, getValueFormat } from '@grafana/data';

function timeTicks(range, width, left, y, theme) {
  const span = range.to.valueOf() - range.from.valueOf();
  const step = [1, 2, 5, 10, 15, 30, 60, 120, 180, 360, 720, 1440].map((m) => m * 60000).find((ms) => span / ms < width / 75) ?? 86400000;
  const first = Math.ceil(range.from.valueOf() / step) * step;
  const ticks = Array.from({ length: Math.max(0, Math.floor((range.to.valueOf() - first) / step) + 1) }, (_, i) => first + i * step);
  return ticks.map((time) => (
    <text key={time} x={left + ((time - range.from.valueOf()) / span) * (width - left)} y={y} textAnchor="middle" fontSize="12" fill={theme.colors.text.secondary}>
      {new Date(time).toTimeString().slice(0, 5)}
    </text>
  ));
}

/** Spans of the same value, with the colour and text that the panel's mappings and thresholds give them. */
export function StateTimeline({ frames, width, height, range, theme, options }) {
  const rows = frames.flatMap((frame) => {
    const [time, ...fields] = frame.fields;
    return fields.map((field) => ({ name: getFieldDisplayName(field, frame, frames), field, times: time.values, step: time.config.interval ?? 15000 }));
  });
  const left = Math.min(width / 3, 16 + 7 * Math.max(4, ...rows.map(({ name }) => name.length)));
  const band = (height - 24) / Math.max(rows.length, 1);
  const thick = band * (options.rowHeight ?? 0.9);
  const span = range.to.valueOf() - range.from.valueOf();
  const x = (time) => left + ((Math.max(time, range.from.valueOf()) - range.from.valueOf()) / span) * (width - left);
  return (
    <svg width={width} height={height}>
      {rows.map(({ name, field, times, step }, row) => {
        const spans = [];
        times.forEach((time, i) => {
          const shown = field.display(field.values[i]);
          const text = formattedValueToString(shown);
          const open = spans.at(-1);
          if (open && open.text === text && time - open.to <= step) {
            open.to = time + step;
          } else {
            spans.push({ from: time, to: time + step, text, color: shown.color });
          }
        });
        const middle = row * band + band / 2;
        return (
          <g key={name}>
            <text x={left - 8} y={middle + 4} textAnchor="end" fontSize="12" fill={theme.colors.text.primary}>{name}</text>
            {spans.map(({ from, to, text, color }) => {
              const wide = Math.max(1, Math.min(x(to), width) - x(from));
              return (
                <g key={from}>
                  <rect x={x(from)} y={middle - thick / 2} width={wide} height={thick} fill={color} opacity={(field.config.custom?.fillOpacity ?? 70) / 100} />
                  {options.showValue !== 'never' && wide > 8 * text.length && (
                    <text x={x(from) + 4} y={middle + 4} fontSize="12" fill={theme.colors.getContrastText(color)}>{text}</text>
                  )}
                </g>
              );
            })}
          </g>
        );
      })}
      {timeTicks(range, width, left, height - 6, theme)}
    </svg>
  );
}

/** Buckets over time; series are cumulative and carry `le`, as Prometheus' histograms do. */
export function Heatmap({ frames, width, height, range, theme, options }) {
  const { unit, decimals } = options.yAxis ?? {};
  const written = (le) => (Number.isFinite(le) ? formattedValueToString(getValueFormat(unit ?? 'none')(le, decimals)) : '+Inf');
  const rows = frames
    .map((frame) => ({ frame, le: Number((frame.fields[1].labels?.le ?? frame.fields[1].config.displayNameFromDS ?? '').replace('+Inf', 'Infinity')) }))
    .sort((a, b) => a.le - b.le);
  const columns = rows.map(({ frame }) => new Map(frame.fields[0].values.map((time, i) => [time, frame.fields[1].values[i]])));
  const times = [...new Set(columns.flatMap((column) => [...column.keys()]))].sort((a, b) => a - b);
  const cells = rows.map((_, row) => times.map((time) => Math.max(0, (columns[row].get(time) ?? 0) - (row ? columns[row - 1].get(time) ?? 0 : 0))));
  const most = Math.max(1e-9, ...cells.flat().filter(Number.isFinite));
  const left = 12 + 7 * Math.max(4, ...rows.map(({ le }) => written(le).length));
  const band = (height - 24) / Math.max(rows.length, 1);
  const span = range.to.valueOf() - range.from.valueOf();
  const wide = times.length > 1 ? ((times[1] - times[0]) / span) * (width - left) : 4;
  return (
    <svg width={width} height={height}>
      {rows.map(({ le }, row) => {
        const y = height - 24 - (row + 1) * band;
        return (
          <g key={le}>
            {row % Math.max(1, Math.ceil(14 / band)) === 0 && (
              <text x={left - 6} y={y + 4} textAnchor="end" fontSize="11" fill={theme.colors.text.secondary}>{written(le)}</text>
            )}
            {times.map((time, i) => cells[row][i] > 0 && (
              <rect key={time} x={left + ((time - range.from.valueOf()) / span) * (width - left)} y={y} width={wide} height={band - 1}
                fill={`hsl(${40 - 40 * (cells[row][i] / most)}, 85%, ${25 + 40 * Math.sqrt(cells[row][i] / most)}%)`} />
            ))}
          </g>
        );
      })}
      {timeTicks(range, width, left, height - 6, theme)}
    </svg>
  );
}
