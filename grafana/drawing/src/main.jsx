// Draws one dashboard: /?dashboard=FILE&prometheus=URL&from=…&to=…&var-…=…; `window.drawn` says when it is finished.
import { useEffect, useState } from 'react';
import { createRoot } from 'react-dom/client';
import '@fontsource/inter/400.css';
import '@fontsource/inter/500.css';
import { GlobalStyles, Icon, PortalContainer } from '@grafana/ui';
import { createTheme, dateTime, rangeUtil, ThemeContext } from '@grafana/data';
import { initPluginTranslations } from '@grafana/i18n';
import { annotations, builtIns, readVariables, replacer } from './prometheus.js';
import { Panel } from './panels.jsx';

const address = new URLSearchParams(location.search);
const base = address.get('prometheus');
const theme = createTheme({ colors: { mode: address.get('theme') ?? 'dark' } });
const GAP = 8;
const CELL = 30;
const EDGE = 16;

function timeRange(dashboard) {
  const raw = { from: address.get('from') ?? dashboard.time?.from ?? 'now-1h', to: address.get('to') ?? dashboard.time?.to ?? 'now' };
  const instant = (text) => (/^\d+$/.test(text) ? dateTime(Number(text)) : text);
  const range = rangeUtil.convertRawToRange({ from: instant(raw.from), to: instant(raw.to) });
  return { ...range, shown: rangeUtil.describeTimeRange({ from: instant(raw.from), to: instant(raw.to) }) };
}

/** The panels to draw with their places: open rows with what is in them, repeated panels once for each value. */
function placed(dashboard, variables) {
  const shown = [];
  let shift = 0;
  for (const panel of dashboard.panels) {
    const { repeat, gridPos } = panel;
    const values = repeat && variables[repeat] ? [variables[repeat].value].flat() : null;
    if (!values || panel.type === 'row') {
      shown.push({ panel, at: { ...gridPos, y: gridPos.y + shift } });
      continue;
    }
    const across = panel.repeatDirection === 'v' ? 1 : Math.min(values.length, panel.maxPerRow ?? 4);
    const w = panel.repeatDirection === 'v' ? gridPos.w : 24 / across;
    values.forEach((value, i) => {
      const at = { h: gridPos.h, w, x: gridPos.x + (i % across) * w, y: gridPos.y + shift + Math.floor(i / across) * gridPos.h };
      shown.push({ panel, at, scoped: { [repeat]: { ...variables[repeat], value } } });
    });
    shift += (Math.ceil(values.length / across) - 1) * gridPos.h;
  }
  return shown;
}

function Bar({ dashboard, variables, range }) {
  const box = { border: `1px solid ${theme.colors.border.medium}`, borderRadius: 4, padding: '5px 10px', background: theme.components.input.background };
  const row = { display: 'flex', gap: 8, alignItems: 'center', padding: `8px ${EDGE}px 0`, flexWrap: 'wrap' };
  return (
    <>
      <div style={{ ...row, height: 40, padding: `0 ${EDGE}px`, background: theme.colors.background.primary, borderBottom: `1px solid ${theme.colors.border.weak}` }}>
        <span style={{ color: theme.colors.text.secondary }}>Dashboards ›</span> {dashboard.title}
      </div>
      <div style={row} id="controls">
        {Object.values(variables).filter(({ hide }) => hide !== 2).map((variable) => (
          <span key={variable.name} style={{ display: 'flex' }}>
            <span style={{ ...box, background: theme.colors.background.secondary, borderRight: 0 }}>{variable.label || variable.name}</span>
            <span style={box}>{variable.shown || '\u00a0'} <Icon name="angle-down" /></span>
          </span>
        ))}
        {(dashboard.annotations?.list ?? []).filter(({ hide }) => !hide).map(({ name, enable }) => (
          <span key={name} style={box}>{name} <Icon name={enable === false ? 'toggle-off' : 'toggle-on'} /></span>
        ))}
        {(dashboard.links ?? []).map(({ title, type }) => (
          <span key={title} style={box}><Icon name={type === 'dashboards' ? 'apps' : 'external-link-alt'} /> {title}</span>
        ))}
        <span style={{ ...box, marginLeft: 'auto' }}><Icon name="clock-nine" /> {range.shown}</span>
      </div>
    </>
  );
}

function Dashboard({ dashboard, variables, range, marks }) {
  const [said, setSaid] = useState([]);
  const panels = placed(dashboard, variables);
  const asked = panels.filter(({ panel }) => panel.type !== 'row').length;
  useEffect(() => {
    if (said.length === asked) {
      document.fonts.ready.then(() => setTimeout(() => (window.drawn = said), 500));
    }
  }, [said]);
  const column = (window.innerWidth - 2 * EDGE + GAP) / 24;
  const height = Math.max(...panels.map(({ at }) => at.y + at.h)) * (CELL + GAP);
  return (
    <>
      <Bar {...{ dashboard, variables, range }} />
      <div style={{ position: 'relative', margin: `8px ${EDGE}px ${EDGE}px`, height }}>
        {panels.map(({ panel, at, scoped }, i) => {
          const place = { position: 'absolute', left: at.x * column, top: at.y * (CELL + GAP) };
          if (panel.type === 'row') {
            return (
              <div key={i} style={{ ...place, padding: '4px 0', fontWeight: 500, fontSize: 16 }}>
                <Icon name={panel.collapsed ? 'angle-right' : 'angle-down'} /> {panel.title}
                {panel.collapsed && <span style={{ color: theme.colors.text.secondary, fontWeight: 400, fontSize: 14 }}> ({panel.panels?.length ?? 0} panels)</span>}
              </div>
            );
          }
          return (
            <div key={i} style={place} data-panel={panel.title}>
              <Panel {...{ panel, base, dashboard, variables, range, marks, scoped }} width={Math.floor(at.w * column - GAP)} height={at.h * (CELL + GAP) - GAP}
                onDrawn={(what) => setSaid((before) => [...before, what])} />
            </div>
          );
        })}
      </div>
    </>
  );
}

async function start() {
  await initPluginTranslations('drawing');
  const dashboard = await (await fetch(address.get('dashboard'))).json();
  const open = new Set(address.getAll('open'));
  dashboard.panels = dashboard.panels.flatMap((panel) => (panel.type === 'row' && panel.collapsed && open.has(panel.title) ? [{ ...panel, collapsed: false }, ...panel.panels] : [panel]));
  const range = timeRange(dashboard);
  const variables = await readVariables(dashboard, base, range, address);
  const marks = await annotations(base, dashboard, replacer(variables, builtIns(range, 15, dashboard)), range);
  createRoot(document.getElementById('root')).render(
    <ThemeContext.Provider value={theme}>
      <GlobalStyles />
        <Dashboard {...{ dashboard, variables, range, marks }} />
      <PortalContainer />
    </ThemeContext.Provider>,
  );
}

start().catch((error) => {
  document.body.textContent = window.failed = String(error.stack ?? error);
});
