import { defineConfig } from 'vite';

/**
 * One script and one sheet with fixed names, beside the hub's other files: the hub puts their content's version into
 * the address, and packs them with the rest of its `static` folder.
 */
export default defineConfig({
  root: import.meta.dirname,
  publicDir: false,
  logLevel: 'warn',
  build: {
    outDir: '../hub/static/admin',
    emptyOutDir: true,
    target: 'es2023',
    modulePreload: false,
    cssCodeSplit: false,
    assetsInlineLimit: 0,
    rolldownOptions: {
      input: 'src/main.tsx',
      output: {
        format: 'iife',
        entryFileNames: 'admin.js',
        assetFileNames: 'admin[extname]',
      },
    },
  },
});
