// One panel: its queries, Grafana's transformations and field configuration, and the component of its type.
import { useEffect, useMemo, useState } from 'react';
import { lastValueFrom } from 'rxjs';
import {
  applyFieldOverrides, cacheFieldDisplayNames, displayNameOverrideProcessor, getDisplayValueAlignmentFactors, getFieldDisplayValues, identityOverrideProcessor,
  Registry, renderTextPanelMarkdown, standardTransformers, standardTransformersRegistry, transformDataFrame, VizOrientation,
} from '@grafana/data';
import { BarGauge, BigValue, PanelChrome, preparePlotFrame, TimeSeries, useTheme2, VizRepeater } from '@grafana/ui';
import { TableNG } from '@grafana/ui/unstable';
import { builtIns, query, replacer, stepOf } from './prometheus.js';
import { Heatmap, StateTimeline } from './fallbacks.jsx';

standardTransformersRegistry.setInit(() =>
  [...new Map(Object.values(standardTransformers).map((one) => [one.id, one])).values()].map((one) => ({ ...one, transformation: () => Promise.resolve(one), editor: () => null })));

const STANDARD = ['displayName', 'unit', 'min', 'max', 'decimals', 'color', 'noValue', 'thresholds', 'mappings', 'links', 'description', 'filterable', 'fieldMinMax'];
const BY_SERIES = ['timeseries', 'piechart', 'barchart', 'histogram'];
const LINES = { drawStyle: 'line', lineInterpolation: 'linear', lineWidth: 1, fillOpacity: 0, showPoints: 'auto', pointSize: 5, axisPlacement: 'auto' };

/** What Grafana's panel plugins register: every setting that the panel has, standard or its own. */
function registry(fieldConfig) {
  const item = (id, isCustom) => ({
    id: isCustom ? `custom.${id}` : id, path: id, name: id, isCustom, settings: {},
    process: id === 'displayName' && !isCustom ? displayNameOverrideProcessor : identityOverrideProcessor, shouldApply: () => true,
  });
  const overridden = fieldConfig.overrides.flatMap(({ properties }) => properties.map(({ id }) => id)).filter((id) => id.startsWith('custom.'));
  const own = new Set([...Object.keys(fieldConfig.defaults.custom), ...overridden.map((id) => id.slice(7))]);
  return new Registry(() => [...STANDARD.map((id) => item(id, false)), ...[...own].map((id) => item(id, true))]);
}

function withDefaults({ type, fieldConfig }) {
  const defaults = structuredClone(fieldConfig?.defaults ?? {});
  defaults.color ??= { mode: BY_SERIES.includes(type) ? 'palette-classic' : 'thresholds' };
  defaults.thresholds ??= { mode: 'absolute', steps: [{ value: null, color: 'green' }, { value: 80, color: 'red' }] };
  defaults.thresholds.steps.forEach((step) => (step.value ??= -Infinity));
  defaults.custom = { ...(type === 'timeseries' && LINES), ...defaults.custom };
  const overrides = structuredClone(fieldConfig?.overrides ?? []);
  overrides.flatMap(({ properties }) => properties).filter(({ id }) => id === 'thresholds')
    .forEach(({ value }) => value.steps.forEach((step) => (step.value ??= -Infinity)));
  return { defaults, overrides };
}

/** The panel's frames, ready to draw, or an error. */
export function usePanelData(panel, { base, dashboard, variables, range, width, scoped }) {
  const theme = useTheme2();
  const [data, setData] = useState();
  useEffect(() => {
    (async () => {
      const step = stepOf(range, panel.maxDataPoints ?? width, panel.interval);
      const replace = replacer({ ...variables, ...scoped }, builtIns(range, step, dashboard));
      const targets = (panel.targets ?? []).filter(({ hide, expr }) => !hide && expr);
      const several = targets.filter(({ format }) => format === 'table').length > 1;
      const frames = (await Promise.all(targets.map((target) => query(base, target, replace, range, step, several)))).flat();
      const steps = (panel.transformations ?? []).filter(({ disabled }) => !disabled);
      const transformed = steps.length ? await lastValueFrom(transformDataFrame(steps, frames, { interpolate: replace })) : frames;
      const fieldConfig = withDefaults(panel);
      const drawn = applyFieldOverrides({
        data: transformed, fieldConfig, fieldConfigRegistry: registry(fieldConfig), replaceVariables: replace, theme, timeZone: 'browser',
      });
      cacheFieldDisplayNames(drawn);
      setData({ frames: drawn.filter(({ length }) => length > 0), fieldConfig, replace });
    })().catch((error) => setData({ frames: [], error: String(error.message ?? error), replace: (text) => text }));
  }, []);
  return data;
}

function Values({ panel, frames, fieldConfig, replace, width, height, children, sparkline = false, grid = true }) {
  const theme = useTheme2();
  const { reduceOptions = { calcs: ['lastNotNull'] }, orientation = 'auto' } = panel.options ?? {};
  const values = () => getFieldDisplayValues({ fieldConfig, reduceOptions, replaceVariables: replace, theme, data: frames, sparkline, timeZone: 'browser' });
  return (
    <VizRepeater getValues={values} getAlignmentFactors={getDisplayValueAlignmentFactors} renderValue={children} source={frames} renderCounter={1} autoGrid={grid}
      width={width} height={height} orientation={orientation || VizOrientation.Auto} itemSpacing={panel.type === 'bargauge' ? 10 : 3} minVizWidth={75} minVizHeight={16} maxVizHeight={300} />
  );
}

/** Vertical lines and bands where the dashboard's annotations hold. */
function mark(builder, marks, theme) {
  builder.addHook('draw', (u) => {
    u.ctx.save();
    for (const { from, to, color } of marks) {
      const [left, right] = [from, to].map((time) => u.valToPos(Math.max(time, u.scales.x.min), 'x', true));
      u.ctx.fillStyle = u.ctx.strokeStyle = theme.visualization.getColorByName(color);
      u.ctx.globalAlpha = 0.1;
      u.ctx.fillRect(left, u.bbox.top, right - left, u.bbox.height);
      u.ctx.globalAlpha = 0.9;
      u.ctx.setLineDash([5, 5]);
      u.ctx.beginPath();
      u.ctx.moveTo(left, u.bbox.top);
      u.ctx.lineTo(left, u.bbox.top + u.bbox.height);
      u.ctx.stroke();
    }
    u.ctx.restore();
  });
  return null;
}

/** Joined by time; the join forgets the names, by which palettes give colours. */
function joined(frames, dimensions) {
  const frame = preparePlotFrame(frames, dimensions);
  cacheFieldDisplayNames(frame ? [frame] : []);
  return frame;
}

function Drawing({ panel, data, width, height, range, marks }) {
  const theme = useTheme2();
  const { frames, fieldConfig, replace, error } = data;
  const { options = {} } = panel;
  const html = useMemo(() => panel.type === 'text' && renderTextPanelMarkdown(replace(options.content ?? '')), []);
  if (error) {
    return <div style={{ color: theme.colors.error.text }}>{error}</div>;
  }
  if (panel.type === 'text') {
    return <div className="markdown-html" style={{ height, overflow: 'hidden' }} dangerouslySetInnerHTML={{ __html: html }} />;
  }
  const shared = { panel, frames, fieldConfig, replace, width, height };
  if (panel.type === 'stat') {
    return (
      <Values {...shared} sparkline={options.graphMode !== 'none'}>
        {({ value, alignmentFactors, width: w, height: h, count }) => (
          <BigValue theme={theme} value={value.display} sparkline={value.sparkline} colorMode={options.colorMode ?? 'value'} graphMode={options.graphMode ?? 'area'}
            justifyMode={options.justifyMode ?? 'auto'} textMode={options.textMode ?? 'auto'} alignmentFactors={alignmentFactors} text={options.text} width={w} height={h}
            count={count} disableWideLayout={options.wideLayout === false} />
        )}
      </Values>
    );
  }
  if (panel.type === 'bargauge' || panel.type === 'gauge') {  // the round one is not in the package
    return (
      <Values {...shared} grid={false}>
        {({ value, alignmentFactors, width: w, height: h, orientation }) => (
          <BarGauge theme={theme} value={value.display} field={value.field} display={value.view?.getFieldDisplayProcessor(value.colIndex)} width={w} height={h} orientation={orientation}
            displayMode={options.displayMode ?? 'gradient'} showUnfilled={options.showUnfilled ?? true} valueDisplayMode={options.valueMode} namePlacement={options.namePlacement}
            alignmentFactors={alignmentFactors} text={options.text} itemSpacing={10} lcdCellWidth={12} />
        )}
      </Values>
    );
  }
  const none = fieldConfig.defaults.noValue ?? 'No data';
  if (!frames.length) {
    return <div className="no-data" style={{ height, display: 'grid', placeItems: 'center', color: theme.colors.text.secondary }}>{none}</div>;
  }
  if (panel.type === 'timeseries') {
    const { showLegend = true, ...legend } = options.legend ?? {};
    return (
      <TimeSeries frames={frames} width={width} height={height} timeRange={range} timeZone="browser" options={options} preparePlotFrame={joined}
        legend={{ calcs: [], placement: 'bottom', ...legend, showLegend, displayMode: showLegend ? legend.displayMode ?? 'list' : 'hidden' }}>
        {(builder) => mark(builder, marks, theme)}
      </TimeSeries>
    );
  }
  if (panel.type === 'table') {
    return <TableNG data={frames[0]} width={width} height={height} sortBy={options.sortBy} cellHeight={options.cellHeight} noHeader={options.showHeader === false} noValue={none} timeRange={range} fieldConfig={fieldConfig} enableVirtualization={false} />;
  }
  const Fallback = { 'state-timeline': StateTimeline, 'status-history': StateTimeline, heatmap: Heatmap }[panel.type];
  return Fallback ? <Fallback frames={frames} width={width} height={height} range={range} theme={theme} options={options} /> : <div>not drawn: {panel.type}</div>;
}

/** A panel in its frame; tells `onDrawn` when nothing more will come, with what there is to say about it. */
export function Panel({ panel, width, height, onDrawn, ...context }) {
  const data = usePanelData(panel, { ...context, width });
  useEffect(() => {
    if (data) {
      onDrawn({ title: panel.title, type: panel.type, frames: data.frames.length, error: data.error, extraFrames: panel.type === 'table' && data.frames.length > 1 });
    }
  }, [data]);
  return (
    <PanelChrome title={data?.replace(panel.title ?? '')} description={panel.description} width={width} height={height} displayMode={panel.transparent ? 'transparent' : 'default'}
      padding={panel.type === 'table' ? 'none' : 'md'}>
      {(w, h) => data && <Drawing panel={panel} data={data} width={w} height={h} range={context.range} marks={context.marks} />}
    </PanelChrome>
  );
}
