import { defineConfig } from 'vite';

// The scrollbars' package is CommonJS with `exports.default`, which the bundler hands over unopened.
const openScrollbars = {
  name: 'open-scrollbars',
  enforce: 'pre',
  resolveId: (id, importer) => (id === 'react-custom-scrollbars-2' && importer !== '\0scrollbars' ? '\0scrollbars' : null),
  load: (id) =>
    id === '\0scrollbars'
      ? `import * as all from 'react-custom-scrollbars-2';
         const opened = all.default?.default ?? all.default;
         export const Scrollbars = all.Scrollbars ?? all.default?.Scrollbars ?? opened;
         export default opened;`
      : null,
};

export default defineConfig({
  plugins: [openScrollbars],
  esbuild: { jsx: 'automatic' },
  build: { outDir: 'built', chunkSizeWarningLimit: 20000, minify: false, reportCompressedSize: false },
});
