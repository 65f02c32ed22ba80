/** Style sheet of the landing page: one column on a phone, two where there is room; light and dark. */
export const STYLE = `
:root { color-scheme: light dark; --ink: #1d2430; --soft: #667085; --paper: #f4f6f9; --card: #fff; --line: #e3e7ee;
  --good: #12805c; --warn: #9a6700; --bad: #c0362c; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6eaf2; --soft: #98a2b3; --paper: #0f141b; --card: #182029;
  --line: #2a3441; --good: #3ecf8e; --warn: #e0b341; --bad: #ff7a6e; } }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 64rem; padding: 1rem; background: var(--paper); color: var(--ink);
  font: 1rem/1.45 system-ui, sans-serif; }
header { display: flex; flex-wrap: wrap; gap: .25rem 1rem; align-items: baseline; padding: 1rem 1.25rem; border-radius: 1rem;
  background: var(--card); border: 1px solid var(--line); border-left: .5rem solid currentColor; }
header h1 { margin: 0; font-size: 1.6rem; color: var(--ink); }
header small, dd small { font-weight: 400; font-size: .8rem; color: var(--soft); }
header p { margin: 0; font-weight: 600; }
.good { color: var(--good); } .warn { color: var(--warn); } .bad { color: var(--bad); }
main { display: grid; gap: 1rem; margin: 1rem 0; grid-template-columns: repeat(auto-fit, minmax(min(22rem, 100%), 1fr)); }
section { padding: 1rem 1.25rem; border-radius: 1rem; background: var(--card); border: 1px solid var(--line); min-width: 0; }
h2 { margin: 0 0 .75rem; font-size: .8rem; letter-spacing: .06em; text-transform: uppercase; color: var(--soft); }
ul, dl { margin: 0; padding: 0; list-style: none; }
.checks li { display: flex; justify-content: space-between; gap: 1rem; padding: .3rem 0; }
.checks b { font-weight: 500; color: var(--ink); }
.checks b::before { content: "\\25CF"; margin-right: .6rem; color: var(--bad); }
.checks .good b::before { color: var(--good); } .checks .warn b::before { color: var(--warn); }
.checks span { text-align: right; }
.figures { display: grid; gap: .75rem; grid-template-columns: repeat(2, minmax(0, 1fr)); }
.figures small { display: block; }
.figures dd { font-size: 1.5rem; font-weight: 600; font-variant-numeric: tabular-nums; }
dt { font-size: .85rem; color: var(--soft); } dd { margin: 0; overflow-wrap: anywhere; }
.versions { display: grid; gap: .3rem; }
.versions div { display: flex; justify-content: space-between; align-items: baseline; gap: 1rem; }
table { width: 100%; border-collapse: collapse; font-variant-numeric: tabular-nums; }
th, td { padding: .3rem .5rem .3rem 0; text-align: left; font-weight: 500; border-bottom: 1px solid var(--line); }
thead th { font-size: .85rem; color: var(--soft); }
tbody td:not(:last-child), tbody th { color: var(--ink); }
section p { margin: .75rem 0 0; }
footer { display: flex; flex-wrap: wrap; gap: .25rem 1rem; padding: 0 .25rem; font-size: .8rem; color: var(--soft); }
footer a { color: inherit; } footer time { margin-left: auto; }
`;
