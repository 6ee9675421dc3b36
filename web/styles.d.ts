/** esbuild writes imported style sheets into one file. TypeScript 6 refuses such an import unless it is declared (TS2882). */
declare module '*.css'
