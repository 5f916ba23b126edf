// Variables, queries to Prometheus' HTTP API, and Grafana's data frames made from the answers.
import { FieldType, rangeUtil, toDataFrame } from '@grafana/data';

const SCRAPE_SECONDS = 15;
const VARIABLE = /\$(\w+)|\$\{(\w+)(?:\.[^:^}]+)?(?::([^}]+))?\}|\[\[(\w+)\]\]/g;

async function ask(base, path, parameters) {
  const answer = await fetch(`${base}/api/v1/${path}?${new URLSearchParams(parameters)}`);
  const body = await answer.json();
  if (body.status !== 'success') {
    throw new Error(body.error);
  }
  return body.data;
}

const escapeRegex = (value) => value.replace(/\\/g, '\\\\\\\\').replace(/[$^*{}[\]+?.()|]/g, '\\\\$&');

function written(value, format, variable) {
  if (format === 'raw' || format === 'text' || format === 'queryparam') {
    return String(value);
  }
  if (Array.isArray(value)) {
    return format === 'csv' ? value.join(',') : `(${value.map(escapeRegex).join('|')})`;
  }
  const exact = value === variable?.allValue;
  return variable?.multi || variable?.includeAll ? (exact ? value : escapeRegex(String(value))) : String(value);
}

/** A function that puts the variables' values into a text; what it does not know it leaves. */
export function replacer(variables, builtIn) {
  return (text, scoped, format) =>
    String(text ?? '').replace(VARIABLE, (whole, plain, braced, how, square) => {
      const name = plain ?? braced ?? square;
      const value = scoped?.[name]?.value ?? builtIn[name] ?? variables[name]?.value;
      if (value === undefined || typeof value === 'object' && !Array.isArray(value)) {
        return whole;
      }
      return written(value, how ?? (typeof format === 'string' ? format : undefined), variables[name]);
    });
}

async function options(variable, replace, base, range) {
  if (variable.type === 'query') {
    const query = replace(typeof variable.query === 'string' ? variable.query : variable.query?.query ?? '');
    const [, metric, label] = query.match(/^label_values\(\s*(?:(.+?)\s*,)?\s*(\w+)\s*\)$/s) ?? [];
    if (!label) {
      throw new Error(`variable ${variable.name}: only label_values can be asked, not ${query}`);
    }
    const bounds = { start: range.from.unix(), end: range.to.unix(), ...(metric && { 'match[]': metric }) };
    const pattern = variable.regex && new RegExp(variable.regex.replace(/^\/|\/$/g, ''));
    return (await ask(base, `label/${label}/values`, bounds)).filter((value) => !pattern || pattern.test(value));
  }
  const texts = typeof variable.query === 'string' ? variable.query.split(',') : [];
  return texts.map((text) => text.split(' : ').pop().trim()).filter(Boolean);
}

/** The dashboard's variables by name, each with its value: of the address, else the dashboard's, else the first. */
export async function readVariables(dashboard, base, range, chosen) {
  const variables = {};
  for (const variable of dashboard.templating?.list ?? []) {
    const values = await options(variable, replacer(variables, {}), base, range);
    const given = chosen.getAll(`var-${variable.name}`);
    let value = given.length ? given : [variable.current?.value ?? []].flat();
    value = value.filter((each) => each === '$__all' || given.length || values.includes(each) || variable.type !== 'query');
    if (!value.length && (variable.type === 'query' || variable.type === 'custom')) {
      value = variable.includeAll ? ['$__all'] : values.slice(0, 1);
    }
    const all = value.includes('$__all');
    variables[variable.name] = {
      ...variable,
      values,
      shown: all ? 'All' : value.join(' + '),
      value: all ? variable.allValue || values : variable.multi ? value : value[0] ?? '',
    };
  }
  return variables;
}

/** What Grafana gives to a query beside the dashboard's own variables. */
export function builtIns(range, interval, dashboard) {
  const seconds = Math.round((range.to.valueOf() - range.from.valueOf()) / 1000);
  const step = Math.max(interval, SCRAPE_SECONDS);
  return {
    __interval: `${step}s`,
    __interval_ms: String(step * 1000),
    __rate_interval: `${Math.max(step + SCRAPE_SECONDS, 4 * SCRAPE_SECONDS)}s`,
    __range: `${seconds}s`,
    __range_s: String(seconds),
    __range_ms: String(seconds * 1000),
    __from: String(range.from.valueOf()),
    __to: String(range.to.valueOf()),
    __dashboard: dashboard.title,
  };
}

/** Seconds between two points of a panel so many pixels wide. */
export function stepOf(range, width, least) {
  const span = range.to.valueOf() - range.from.valueOf();
  const rounded = rangeUtil.roundInterval(span / Math.max(width, 100)) / 1000;
  return Math.max(rounded, least ? rangeUtil.intervalToSeconds(least) : SCRAPE_SECONDS, 1);
}

const number = (text) => (text === '+Inf' ? Infinity : text === '-Inf' ? -Infinity : Number(text));

function legend(format, metric) {
  if (format && format !== '__auto') {
    return format.replace(/\{\{\s*(\w+)\s*\}\}/g, (_, name) => metric[name] ?? '');
  }
  const { __name__: name = '', ...labels } = metric;
  const pairs = Object.entries(labels).map(([key, value]) => `${key}="${value}"`);
  return pairs.length ? `${name}{${pairs.join(', ')}}` : name || 'Value';
}

function series(target, result, step) {
  return result.map(({ metric, values, value }) => {
    const points = values ?? [value];
    const { __name__: _, ...labels } = metric;
    return toDataFrame({
      refId: target.refId,
      fields: [
        { name: 'Time', type: FieldType.time, values: points.map(([t]) => t * 1000), config: { interval: step * 1000 } },
        {
          name: 'Value',
          type: FieldType.number,
          labels,
          values: points.map(([, v]) => number(v)),
          config: { displayNameFromDS: legend(target.legendFormat, metric) },
        },
      ],
    });
  });
}

function table(target, result, several) {
  const names = [...new Set(result.flatMap(({ metric }) => Object.keys(metric)))].sort();
  const rows = result.flatMap(({ metric, values, value }) => (values ?? [value]).map((point) => [metric, point]));
  return toDataFrame({
    refId: target.refId,
    fields: [
      { name: 'Time', type: FieldType.time, values: rows.map(([, [t]]) => t * 1000), config: {} },
      ...names.map((name) => ({
        name,
        type: FieldType.string,
        values: rows.map(([metric]) => metric[name] ?? ''),
        config: { filterable: true },
      })),
      {
        name: several ? `Value #${target.refId}` : 'Value',
        type: FieldType.number,
        values: rows.map(([, [, v]]) => number(v)),
        config: {},
      },
    ],
  });
}

/** The frames of one target; throws what Prometheus says against it. */
export async function query(base, target, replace, range, step, several) {
  const expression = replace(target.expr);
  const end = Math.floor(range.to.unix() / step) * step;
  const data = target.instant
    ? await ask(base, 'query', { query: expression, time: range.to.unix() })
    : await ask(base, 'query_range', {
        query: expression,
        start: Math.floor(range.from.unix() / step) * step,
        end,
        step,
      });
  const result = data.resultType === 'scalar' ? [{ metric: {}, value: data.result }] : data.result;
  return target.format === 'table' ? [table(target, result, several)] : series(target, result, step);
}

/** Times of the dashboard's annotations: `{from, to, color}` in milliseconds. */
export async function annotations(base, dashboard, replace, range) {
  const step = stepOf(range, 1000);
  const found = [];
  for (const annotation of dashboard.annotations?.list ?? []) {
    if (!annotation.expr || annotation.enable === false) {
      continue;
    }
    const color = annotation.iconColor ?? 'red';
    for (const frame of await query(base, { refId: 'A', expr: annotation.expr }, replace, range, step)) {
      const [times, values] = frame.fields.map((field) => field.values);
      times.forEach((time, i) => {
        const open = found.at(-1);
        if (annotation.useValueForTime === 'on') {
          found.push({ from: values[i], to: values[i], color });
        } else if (!values[i]) {
          return;
        } else if (i && open?.frame === frame && time - open.to <= step * 1000) {
          open.to = time;
        } else {
          found.push({ frame, from: time, to: time, color });
        }
      });
    }
  }
  return found.filter(({ from, to }) => to >= range.from.valueOf() && from <= range.to.valueOf());
}

